/** Pages of other origins: what a browser would send for them, and what it gets. PROTOCOL §13, H-23. */
import type { IncomingHttpHeaders } from "node:http";
import { describe, expect, it } from "vitest";
import { bearer, handshakeStatus, RawEnd } from "../support/raw-end.ts";
import { until } from "../support/until.ts";
import { ask } from "./ask.ts";
import { useSatellite, type Watched } from "./use-satellite.ts";
import { Download } from "./web.ts";

const ROOT = "correct horse battery staple";
const ORIGIN = "https://app.example";
/** What Chromium adds to a `fetch` of a page elsewhere. */
const ELSEWHERE = { origin: ORIGIN, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" };
const PREFLIGHT = {
  ...ELSEWHERE,
  "access-control-request-method": "PUT",
  "access-control-request-headers": "authorization,content-type",
};

type Options = NonNullable<Parameters<typeof useSatellite>[0]>;

/** A satellite with a root token, and one who may make links. */
async function start(options: Options = {}): Promise<Watched & { root: RawEnd }> {
  const running = await useSatellite({ token: ROOT, ...options });
  return { ...running, root: await RawEnd.greet(running.url, ROOT) };
}

function corsIn(headers: IncomingHttpHeaders): string[] {
  return Object.keys(headers).filter((name) => name.startsWith("access-control"));
}

describe("a page elsewhere that has a link", () => {
  it("[H-23] writes, looks and reads, and may read the answers", async () => {
    const { url, root } = await start();
    const { token } = await root.share("a/b", { right: "both" });
    const headers = { ...ELSEWHERE, ...bearer(token) };
    const written = await ask(url, "/p/a/b", { method: "PUT", body: "hello\n", headers });
    const looked = await ask(url, "/p/a%2Fb", { method: "HEAD", headers });
    const read = await ask(url, "/p/a/b?one", { headers });
    const posted = await ask(url, "/p/a/b", { method: "POST", body: "more\n", headers });
    expect([written, looked, read, posted].map(({ status }) => status)).toEqual([204, 200, 200, 204]);
    expect(read.body).toBe("hello\n");
    for (const { headers: answered } of [written, looked, read, posted]) {
      expect(answered).toMatchObject({
        "access-control-allow-origin": ORIGIN,
        "access-control-expose-headers": "Content-Disposition, Retry-After, Skypipe-Content-Type",
        vary: "Origin",
      });
      expect(corsIn(answered)).toHaveLength(2);
    }
    await root.close();
  });

  it.each(["null", "http://localhost:1", "chrome-extension://abc"])(
    "[H-23] may be of any origin, %s too",
    async (origin) => {
      const { url, root } = await start();
      const { token } = await root.share("x", { right: "write" });
      const headers = { ...bearer(token), origin };
      const { status, headers: answered } = await ask(url, "/p/x", { method: "PUT", body: "x", headers });
      expect([status, answered["access-control-allow-origin"]]).toEqual([204, origin]);
      await root.close();
    },
  );

  it("[H-23] is told what it may not, and why nothing comes", async () => {
    const { url, root } = await start();
    const { token } = await root.share("x", { right: "read" });
    const headers = { ...ELSEWHERE, ...bearer(token) };
    for (const [method, path, status] of [
      ["GET", "/p/x?timeout=1ms", 408],
      ["GET", "/p/x?folow", 400],
      ["HEAD", "/p/x", 404],
      ["PUT", "/p/x", 403],
      ["DELETE", "/p/x", 403],
      ["GET", "/p/other", 403],
      ["GET", "/p/", 403],
      ["PATCH", "/p/x", 405],
    ] as const) {
      const answered = await ask(url, path, { method, headers });
      expect([method, path, answered.status]).toEqual([method, path, status]);
      expect(answered.headers["access-control-allow-origin"]).toBe(ORIGIN);
    }
    await root.close();
  });

  it("[H-23] [A-9] is told when its link has ended", async () => {
    const { url, root } = await start();
    const [revoked, expired] = [
      await root.share("x", { right: "read" }),
      await root.share("x", { right: "read", lifeMs: 1 }),
    ];
    await root.unshare(revoked.id);
    await until("the other has ended", async () => (await root.shares()).length === 0);
    for (const { token } of [revoked, expired]) {
      const { status, headers, body } = await ask(url, "/p/x", {
        headers: { ...ELSEWHERE, ...bearer(token) },
      });
      expect([status, headers["access-control-allow-origin"]]).toEqual([401, ORIGIN]);
      expect(body).toMatch(/^this link (was revoked, or )?has expired\n$/);
    }
    await root.close();
  });

  it("[H-23] [H-18] reads lines as events", async () => {
    const { url, root } = await start();
    const { token } = await root.share("x", { right: "read" });
    const reader = new Download(url, "/p/x?follow", {
      ...ELSEWHERE,
      ...bearer(token),
      accept: "text/event-stream",
    });
    expect((await reader.begun).headers).toMatchObject({
      "access-control-allow-origin": ORIGIN,
      "content-type": "text/event-stream; charset=utf-8",
    });
    (await root.open("x")).finish("one\n");
    await until("its line", () => reader.text === "data: one\n\n");
    await root.close();
  });
});

describe("a page elsewhere that has none", () => {
  it("[H-23] [T-3] gets one answer, whatever it shows and asks: 403", async () => {
    const { url, root } = await start();
    const { token } = await root.share("x", { right: "both" });
    (await root.open("x")).finish("kept\n");
    const answers = new Set<string>();
    const basic = `Basic ${Buffer.from(`me:${token}`).toString("base64")}`;
    for (const shown of [{}, bearer(ROOT), bearer("wrong"), bearer(`${token}x`), { authorization: basic }]) {
      for (const method of ["GET", "HEAD", "PUT", "POST", "DELETE"]) {
        const headers = { ...ELSEWHERE, ...shown };
        const { status, headers: answered, body } = await ask(url, "/p/x", { method, headers });
        expect(corsIn(answered)).toEqual([]);
        answers.add(`${status} ${method === "HEAD" ? "" : body}`);
      }
    }
    expect(answers).toEqual(new Set(["403 ", "403 requests from other sites are refused\n"]));
    expect(await root.row("x")).toMatchObject({ streams: 1, bytes: 5 });
    await root.close();
  });

  it("[H-23] gets nowhere with a link either, but to a pipe, from an origin, by the satellite's own Host", async () => {
    const { url, root } = await start();
    const { token } = await root.share("", { right: "both" });
    const headers = { ...ELSEWHERE, ...bearer(token) };
    for (const path of ["/p", "/", "/metrics", "/healthz", "/ws", "/P/", "/p?x=/p/"]) {
      const { status, headers: answered } = await ask(url, path, { headers });
      expect([path, status, corsIn(answered)]).toEqual([path, 403, []]);
    }
    expect(await handshakeStatus(url, { headers })).toBe(403);
    const rebound = { ...headers, host: "evil.example", origin: "http://evil.example" };
    const { origin, ...originless } = headers;
    for (const other of [rebound, originless]) {
      expect(await ask(url, "/p/", { headers: other })).toMatchObject({ status: 403 });
    }
    expect(origin).toBe(ORIGIN);
    expect(await ask(url, "/p/?timeout=1ms", { headers })).toMatchObject({ status: 408 });
    await root.close();
  });

  it("[H-23] [T-3] gets nowhere on a satellite without a token, by a preflight neither", async () => {
    const { url, root } = await start();
    const { token } = await root.share("x", { right: "both" });
    await root.close();
    const open = await useSatellite();
    for (const headers of [{ ...ELSEWHERE, ...bearer(token) }, PREFLIGHT]) {
      for (const method of ["GET", "PUT", "DELETE", "OPTIONS"]) {
        const { status, headers: answered } = await ask(open.url, "/p/x", { method, headers });
        expect([status, corsIn(answered)]).toEqual([403, []]);
      }
    }
    expect(url).not.toBe(open.url);
  });

  it("[H-23] [K-4] cannot use up the guesses of the computer it is shown on", async () => {
    const { url, root } = await start({ limits: { failuresBurst: 1, failuresPerMin: 1 } });
    const { token } = await root.share("x", { right: "write" });
    for (let turn = 0; turn < 5; turn++) {
      const headers = { ...ELSEWHERE, ...bearer(`guess ${turn}`) };
      expect(await ask(url, "/p/x", { headers })).toMatchObject({ status: 403 });
    }
    expect(await ask(url, "/p/x", { method: "PUT", body: "x", headers: bearer(token) })).toMatchObject({
      status: 204,
    });
    await root.close();
  });

  it("[H-23] [K-3] counts as a stranger", async () => {
    const { url, root } = await start({ limits: { strangerRequestsBurst: 3, strangerRequestsS: 0.001 } });
    const statuses: number[] = [];
    for (let turn = 0; turn < 3; turn++) {
      const headers = { ...ELSEWHERE, ...bearer("wrong") };
      statuses.push((await ask(url, "/p/x", { headers })).status);
      statuses.push((await ask(url, "/p/x", { method: "OPTIONS", headers: PREFLIGHT })).status);
    }
    expect(statuses).toEqual([403, 204, 403, 429, 429, 429]);
    await root.close();
  });
});

describe("a preflight", () => {
  it("[H-23] is answered alike for whatever may be a pipe", async () => {
    const { url, root } = await start();
    (await root.open("there")).finish("x\n");
    await root.share("shared", { right: "both" });
    const answers = new Set<string>();
    for (const path of ["/p/", "/p/there", "/p/shared", "/p/nothing", "/p/%ff", "/p/a/b?one"]) {
      const answered = await ask(url, path, { method: "OPTIONS", headers: PREFLIGHT });
      const { date, ...headers } = answered.headers;
      expect(date).toBeDefined();
      answers.add(JSON.stringify([answered.status, answered.body, headers]));
      expect(answered).toMatchObject({
        status: 204,
        headers: {
          "access-control-allow-origin": ORIGIN,
          "access-control-allow-methods": "GET, HEAD, PUT, POST, DELETE",
          "access-control-allow-headers": "Authorization, Content-Type, Content-Disposition, Idempotency-Key",
          "access-control-max-age": "7200",
          vary: "Origin",
        },
      });
      expect(corsIn(headers)).toHaveLength(4);
    }
    expect(answers.size).toBe(1);
    await root.close();
  });

  it.each([
    ["of the list", "/p", {}],
    ["of the page", "/", {}],
    ["of the figures", "/metrics", {}],
    ["of the WebSocket", "/ws", {}],
    ["by a Host that is not ours", "/p/x", { host: "evil.example" }],
    ["that asks for no token", "/p/x", { "access-control-request-headers": "content-type,x-authorization" }],
    ["that asks for no header", "/p/x", { "access-control-request-headers": "" }],
    ["that asks for no method", "/p/x", { "access-control-request-method": "" }],
  ])("[H-23] %s is 403", async (_, path, other) => {
    const { url } = await useSatellite({ token: ROOT });
    const { status, headers } = await ask(url, path, {
      method: "OPTIONS",
      headers: { ...PREFLIGHT, ...other },
    });
    expect([status, corsIn(headers)]).toEqual([403, []]);
  });

  it("[H-23] opens no private network", async () => {
    const { url } = await useSatellite({ token: ROOT });
    const headers = { ...PREFLIGHT, "access-control-request-private-network": "true" };
    const { headers: answered } = await ask(url, "/p/x", { method: "OPTIONS", headers });
    expect(answered["access-control-allow-private-network"]).toBeUndefined();
  });
});
