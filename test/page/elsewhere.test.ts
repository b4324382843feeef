/** A page of another site, in a real browser: what its scripts get of a satellite, with a link and without. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { describe, expect, it, onTestFinished } from "vitest";
import { useSatellite } from "../doors/use-satellite.ts";
import { RawEnd } from "../support/raw-end.ts";
import { hasChromium, useBrowser } from "./browser.ts";

const ROOT = "a token of this test only";

/** What a script of another site gets: the satellite is at 127.0.0.1, this page at localhost. */
class Elsewhere {
  readonly #page: Page;
  readonly #satellite: string;

  private constructor(page: Page, satellite: string) {
    this.#page = page;
    this.#satellite = satellite;
  }

  static async open(browser: Browser, satellite: string): Promise<Elsewhere> {
    const server = createServer((_, response) => {
      response.setHeader("content-type", "text/html").end("<title>elsewhere</title>");
    });
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    const context = await browser.newContext();
    onTestFinished(async () => {
      await context.close();
      server.close();
    });
    const page = await context.newPage();
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    return new Elsewhere(page, satellite);
  }

  /** Status and text of the answer; `blocked` where the script gets none. */
  async fetches(
    path: string,
    token: string | null,
    { method = "GET", body, credentials = "same-origin" }: RequestInit = {},
  ): Promise<string> {
    const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    const asked = {
      url: this.#satellite + path,
      init: { method, headers, credentials, ...(body && { body }) },
    };
    return this.#page.evaluate(async ({ url, init }) => {
      try {
        const response = await fetch(url, init);
        return `${response.status} ${await response.text()}`;
      } catch {
        return "blocked";
      }
    }, asked);
  }

  async headerOf(path: string, token: string, name: string): Promise<string | null> {
    const asked = { url: this.#satellite + path, headers: { authorization: `Bearer ${token}` }, name };
    return this.#page.evaluate(
      async ({ url, headers, name: wanted }) =>
        (await fetch(url, { method: "HEAD", headers })).headers.get(wanted),
      asked,
    );
  }

  /** What becomes of a WebSocket and of an EventSource. */
  async connects(): Promise<string[]> {
    return this.#page.evaluate(async (url) => {
      const ends = [
        new WebSocket(`${url.replace("http", "ws")}/ws`, "skypipe.v1"),
        new EventSource(`${url}/p/x`),
      ];
      const outcomes = ends.map(
        (end) =>
          new Promise<string>((resolve) => {
            for (const type of ["open", "error"]) end.addEventListener(type, () => resolve(type));
          }),
      );
      return Promise.all(outcomes);
    }, this.#satellite);
  }
}

describe.skipIf(!hasChromium)("a page of another site", { timeout: 60_000 }, () => {
  const browser = useBrowser();

  it("[H-23] writes and reads a pipe by its link, and is told what a link does not allow", async () => {
    const { url } = await useSatellite({ token: ROOT });
    const root = await RawEnd.greet(url, ROOT);
    const [both, reads, ended] = [
      await root.share("a/b", { right: "both" }),
      await root.share("a/b", { right: "read" }),
      await root.share("a/b", { right: "both" }),
    ];
    await root.unshare(ended.id);
    const page = await Elsewhere.open(browser(), url);
    expect(await page.fetches("/p/a/b", both.token, { method: "PUT", body: "hello\n" })).toBe("204 ");
    expect(await page.headerOf("/p/a/b", both.token, "content-disposition")).toBe("attachment");
    expect(await page.fetches("/p/a/b", reads.token)).toBe("200 hello\n");
    expect(await page.fetches("/p/a/b", both.token, { method: "POST", body: "more\n" })).toBe("204 ");
    expect(await page.fetches("/p/a/b", both.token, { method: "DELETE" })).toMatch(/^403 /);
    expect(await page.fetches("/p/a/b", reads.token, { method: "PUT", body: "x" })).toMatch(/^403 /);
    expect(await page.fetches("/p/other", reads.token)).toMatch(/^403 /);
    expect(await page.fetches("/p/a/b", ended.token)).toBe("401 this link was revoked, or has expired\n");
    expect(await root.row("a/b")).toMatchObject({ streams: 1, bytes: 5 });
    await root.close();
  });

  it("[H-23] [T-3] gets nothing without a link, nor by credentials, nor elsewhere than in its pipe", async () => {
    const { url } = await useSatellite({ token: ROOT });
    const root = await RawEnd.greet(url, ROOT);
    const { token } = await root.share("x", { right: "both" });
    (await root.open("x")).finish("kept\n");
    const page = await Elsewhere.open(browser(), url);
    const answers = [
      await page.fetches("/p/x", null),
      await page.fetches("/p/x", null, { method: "POST", body: "x" }),
      await page.fetches("/p/x", ROOT),
      await page.fetches("/p/x", "wrong", { method: "PUT", body: "x" }),
      await page.fetches("/p", token),
      await page.fetches("/healthz", null),
      await page.fetches("/p/x", token, { method: "HEAD", credentials: "include" }),
    ];
    expect(new Set(answers)).toEqual(new Set(["blocked"]));
    expect(await page.connects()).toEqual(["error", "error"]);
    expect(await root.row("x")).toMatchObject({ streams: 1, bytes: 5 });
    await root.close();
  });

  it("[H-23] [T-3] gets nothing of a satellite without a token", async () => {
    const { url } = await useSatellite();
    const page = await Elsewhere.open(browser(), url);
    for (const method of ["GET", "POST", "PUT", "DELETE"]) {
      expect(await page.fetches("/p/x?timeout=1ms", null, { method })).toBe("blocked");
      expect(await page.fetches("/p/x?timeout=1ms", "any", { method })).toBe("blocked");
    }
    expect(await page.connects()).toEqual(["error", "error"]);
    const end = await RawEnd.greet(url);
    expect(await end.row("x")).toBeUndefined();
    await end.close();
  });
});
