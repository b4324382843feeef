/** What is asked about pipes over HTTP, and dropped from them. PROTOCOL §13. */
import { describe, expect, it } from "vitest";
import { RawEnd } from "../support/raw-end.ts";
import { until, within } from "../support/until.ts";
import { ask } from "./ask.ts";
import { useSatellite } from "./use-satellite.ts";
import { Download, Upload } from "./web.ts";

const json = { accept: "application/json" };

describe("paths", () => {
  it.each([
    ["/p/", ""],
    ["/p/a", "a"],
    ["/p/a/b", "a/b"],
    ["/p/a%2Fb", "a/b"],
    ["/p/a%2fb/", "a/b/"],
    ["/p//", "/"],
    ["/p/..", ".."],
    ["/p/a+b%20c", "a+b c"],
    ["/p/%E2%98%83", "☃"],
    ["/p/a%3Fb%23c%25", "a?b#c%"],
    ["/p/ls", "ls"],
    [`/p/${"x".repeat(200)}`, "x".repeat(200)],
    ["http://localhost/p/absolute", "absolute"],
  ])("[H-1] %s is of the pipe %j", async (path, name) => {
    const { url } = await useSatellite();
    const { status, body } = await ask(url, path, { method: "PUT", body: "x", headers: json });
    expect([status, (JSON.parse(body) as { pipe: string }).pipe]).toEqual([200, name]);
  });

  it.each(["/p/%", "/p/%ff", "/p/%ED%A0%80", "/p/%00", "/p/a%0Ab", "/p/%C2%85", `/p/${"x".repeat(201)}`])(
    "[H-1] [C-4] %s is of none: 400 in one line",
    async (path) => {
      const { url } = await useSatellite();
      for (const method of ["GET", "HEAD", "PUT", "POST", "DELETE"]) {
        const { status, body } = await ask(url, path, { method });
        expect(status).toBe(400);
        expect(body).toMatch(method === "HEAD" ? /^$/ : /^[^\n]+\n$/);
      }
    },
  );

  it("[H-1] asks a pipe for nothing but its verbs: 405", async () => {
    const { url } = await useSatellite();
    for (const method of ["PATCH", "OPTIONS", "MKCOL"]) {
      const { status, headers } = await ask(url, "/p/x", { method });
      expect([status, headers.allow]).toEqual([405, "GET, HEAD, PUT, POST, DELETE"]);
    }
  });
});

describe("parameters", () => {
  it.each([
    ["GET", "folow", /\?folow is no parameter.*\?one \?follow \?tap \?new \?timeout=30s/],
    ["GET", "sync", /\?sync is no parameter/],
    ["GET", "one&follow", /\?one and \?follow exclude each other/],
    ["GET", "tap&one=1&new", /\?one and \?tap exclude each other/],
    ["GET", "one&one", /\?one is there twice/],
    ["GET", "one=maybe", /\?one is a flag/],
    ["GET", "timeout", /'' is not a duration.*30s/],
    ["GET", "timeout=5", /'5' is not a duration/],
    ["GET", "timeout=25d", /\?timeout is at most 24d/],
    ["PUT", "follow", /\?follow is no parameter.*\?sync \?whole \?lines \?wait \?ttl=30s \?timeout=30s/],
    ["PUT", "whole&lines", /\?whole and \?lines exclude each other/],
    ["PUT", "ttl=long", /'long' is not a duration/],
    ["DELETE", "one", /\?one is no parameter of this request: it takes none/],
  ])("[H-2] %s ?%s is refused with a sentence", async (method, query, sentence) => {
    const { url } = await useSatellite();
    const { status, body } = await ask(url, `/p/x?${query}`, { method });
    expect([status, body]).toEqual([400, expect.stringMatching(sentence)]);
    expect(body).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse((await ask(url, "/p")).body)).toEqual([]);
  });

  it("[H-2] a flag that is 0 or false is not set", async () => {
    const { url } = await useSatellite();
    await ask(url, "/p/x", { method: "PUT", body: "x" });
    expect((await ask(url, "/p/x?one=false&follow=0&tap=0&new=false&timeout=10s")).body).toBe("x");
  });

  it("[H-2] [L-2] ?ttl drops what nobody reads", async () => {
    const { url } = await useSatellite();
    await ask(url, "/p/x?ttl=20ms", { method: "PUT", body: "x" });
    await until("it is gone", async () => (await ask(url, "/p/x", { method: "HEAD" })).status === 404);
  });
});

describe("errors", () => {
  it("[H-4] are JSON for who asks for that", async () => {
    const { url } = await useSatellite({ token: "t" });
    for (const [path, headers, status, code] of [
      ["/p/x", {}, 401, "unauthorized"],
      ["/p/%", { authorization: "Bearer t" }, 400, "usage"],
      ["/p/x", { host: "evil.example" }, 403, "forbidden"],
      ["/p/x?timeout=1ms", { authorization: "Bearer t" }, 408, "timeout"],
    ] as const) {
      const answered = await ask(url, path, { headers: { ...json, ...headers } });
      expect([answered.status, answered.headers["content-type"]]).toEqual([status, "application/json"]);
      expect(JSON.parse(answered.body)).toEqual({ code, message: expect.any(String) });
    }
  });

  it("[H-3] [T-4] want the token for every pipe, and the right one", async () => {
    const { url } = await useSatellite({ token: "t" });
    for (const authorization of [
      undefined,
      "Bearer wrong",
      `Basic ${Buffer.from("t:wrong").toString("base64")}`,
    ]) {
      for (const method of ["GET", "HEAD", "PUT", "POST", "DELETE"]) {
        const headers = authorization === undefined ? {} : { authorization };
        const answered = await ask(url, "/p/x", { method, headers });
        expect(answered.status).toBe(401);
        expect(answered.headers["www-authenticate"]).toMatch(/Bearer.*Basic/);
      }
      for (const path of ["/p", "/metrics"]) expect((await ask(url, path)).status).toBe(401);
    }
    const headers = { authorization: `Basic ${Buffer.from("anybody:t").toString("base64")}` };
    expect(await ask(url, "/p/x", { method: "PUT", body: "x", headers })).toMatchObject({ status: 204 });
  });

  it("[H-4] are 431 for headers that are too long, on a pipe too", async () => {
    const { url } = await useSatellite({ limits: { headerBytesMax: 4_096 } });
    const headers = { cookie: "x".repeat(5_000) };
    expect(await ask(url, "/p/x", { headers })).toMatchObject({ status: 431 });
  });

  it("[K-1] are 429 when there is no session left", async () => {
    const { url } = await useSatellite({ limits: { sessionsMax: 1 } });
    const end = await RawEnd.greet(url);
    for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
      expect(await ask(url, "/p/x", { method })).toMatchObject({ status: 429 });
    }
    await end.close();
  });
});

/** A satellite, and tokens for it: `in` may write to the pipe `in`, `out` may read the pipe `out`, `all` everything. */
async function startGuarded(): Promise<{ url: string; tokens: Readonly<Record<string, string>> }> {
  const { url } = await useSatellite({ token: "all" });
  const root = await RawEnd.greet(url, "all");
  const tokens = {
    all: "all",
    in: (await root.share("in", { right: "write" })).token,
    out: (await root.share("out", { right: "read" })).token,
  };
  await root.close();
  return { url, tokens };
}

describe("rights", () => {
  it.each([
    ["out", "PUT", "/p/out"],
    ["in", "PUT", "/p/other"],
    ["in", "GET", "/p/in"],
    ["out", "GET", "/p/other"],
    ["in", "HEAD", "/p/in"],
    ["out", "DELETE", "/p/out"],
    ["in", "GET", "/metrics"],
    ["in", "GET", "/p"],
  ])("[H-3] [C-5] with the token '%s' %s %s is 403", async (token, method, path) => {
    const { url, tokens } = await startGuarded();
    const headers = { authorization: `Bearer ${tokens[token]}` };
    expect(await ask(url, path, { method, headers })).toMatchObject({ status: 403 });
  });

  it.each([
    ["in", "PUT", "/p/in", 204],
    ["out", "GET", "/p/out?timeout=1ms", 408],
    ["out", "HEAD", "/p/out", 404],
    ["out", "GET", "/p", 200],
    ["all", "DELETE", "/p/in", 404],
  ])("[H-3] [A-8] with the token '%s' %s %s is %i", async (token, method, path, status) => {
    const { url, tokens } = await startGuarded();
    const headers = { authorization: `Bearer ${tokens[token]}` };
    expect(await ask(url, path, { method, headers })).toMatchObject({ status });
  });

  it("[H-18] [A-8] events tell of all pipes, and are not for a link", async () => {
    const { url, tokens } = await startGuarded();
    const headers = { authorization: `Bearer ${tokens.out}`, accept: "text/event-stream" };
    expect(await ask(url, "/p", { headers })).toMatchObject({ status: 403 });
  });

  it("[A-7] a link for one use is used up by one request", async () => {
    const { url } = await useSatellite({ token: "all" });
    const root = await RawEnd.greet(url, "all");
    const { token } = await root.share("p", { right: "write", once: true });
    const headers = { authorization: `Bearer ${token}` };
    expect(await ask(url, "/p/p", { method: "PUT", body: "x", headers })).toMatchObject({ status: 204 });
    expect(await ask(url, "/p/p", { method: "PUT", body: "x", headers })).toMatchObject({ status: 401 });
    await root.close();
  });
});

describe("HEAD", () => {
  it("[H-17] says what a GET would begin with, and takes nothing", async () => {
    const { url } = await useSatellite();
    expect(await ask(url, "/p/x", { method: "HEAD" })).toMatchObject({ status: 404, body: "" });
    const headers = { "content-type": "image/png", "content-disposition": 'attachment; filename="x.png"' };
    await ask(url, "/p/x", { method: "PUT", body: "\0png", headers });
    for (const query of ["", "?one", "?follow&timeout=1s"]) {
      const { status, headers: answered, body } = await ask(url, `/p/x${query}`, { method: "HEAD" });
      expect([status, body]).toEqual([200, ""]);
      expect(answered).toMatchObject({
        "content-type": "application/octet-stream",
        "content-disposition": "attachment; filename=x.png",
        "skypipe-content-type": "image/png",
      });
      expect(answered["content-length"]).toBeUndefined();
    }
    expect((await ask(url, "/p/x")).body).toBe("\0png");
  });

  it("[H-17] answers at once for a stream that has nothing to show yet", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    await end.open("x");
    expect(await ask(url, "/p/x", { method: "HEAD" })).toMatchObject({ status: 200 });
    await end.close();
  });
});

describe("DELETE", () => {
  it("[H-17] [C-7] drops what is in a pipe, and says how much to who asks for JSON", async () => {
    const { url } = await useSatellite();
    for (const body of ["one", "two"]) await ask(url, "/p/x", { method: "PUT", body });
    const first = await ask(url, "/p/x", { method: "DELETE", headers: json });
    expect([first.status, JSON.parse(first.body)]).toEqual([200, { streams: 2, bytes: 6 }]);
    expect(await ask(url, "/p/x", { method: "DELETE" })).toMatchObject({
      status: 404,
      body: "there is no pipe 'x'\n",
    });
    await ask(url, "/p/x", { method: "PUT", body: "three" });
    expect(await ask(url, "/p/x", { method: "DELETE" })).toMatchObject({ status: 204, body: "" });
  });

  it("[H-17] [C-7] of what is on its way: its writer is told 410, its reader is cut", async () => {
    const { url } = await useSatellite();
    const upload = new Upload(url, "/p/x").write("a line\n");
    const download = new Download(url, "/p/x");
    await until("the line", () => download.text === "a line\n");
    expect(await ask(url, "/p/x", { method: "DELETE" })).toMatchObject({ status: 204 });
    expect(await within("the answer", upload.answered)).toMatchObject({ status: 410 });
    expect(await download.end()).toBe("cut");
  });
});

/** The arrays that came as events. */
function listsIn(text: string): { name: string; streams: number }[][] {
  return [...text.matchAll(/^data: (.*)\n\n/gm)].map(([, data = ""]) => JSON.parse(data) as never);
}

describe("the list as events", () => {
  const headers = { accept: "text/event-stream" };

  it("[H-18] is told at once, and again when something has changed", async () => {
    const { url } = await useSatellite({ limits: { feedMs: 5 } });
    await ask(url, "/p/x", { method: "PUT", body: "x" });
    const feed = new Download(url, "/p", headers);
    expect((await feed.begun).headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    await until("the first", () => listsIn(feed.text).length === 1);
    const rows = JSON.parse((await ask(url, "/p")).body) as object[];
    expect(listsIn(feed.text)[0]).toEqual(rows.map((row) => ({ ...row, passedBytes: 1 })));
    await ask(url, "/p/y", { method: "PUT", body: "y" });
    await until("the second", () => listsIn(feed.text).at(-1)?.length === 2);
    await ask(url, "/p/x", { method: "DELETE" });
    await until("the third", () => listsIn(feed.text).at(-1)?.length === 1);
    expect(listsIn(feed.text)).toHaveLength(3);
    feed.leave();
  });

  it("[H-18] tells what has come into each pipe, though nothing of it stays", async () => {
    const { url } = await useSatellite({ limits: { feedMs: 5 } });
    const end = await RawEnd.greet(url);
    const reader = await end.read("x", "follow");
    const feed = new Download(url, "/p", headers);
    for (const passedBytes of [4, 8]) {
      (await end.open("x")).finish("abc\n");
      const wanted = { name: "x", streams: 0, bytes: 0, readers: 1, passedBytes };
      await until("the rate", () => {
        const row = listsIn(feed.text).at(-1)?.[0] ?? {};
        return Object.entries(wanted).every(([name, value]) => row[name as keyof typeof row] === value);
      });
    }
    expect(reader.text).toBe("abc\nabc\n");
    expect(JSON.parse((await ask(url, "/p")).body)).toEqual([
      { name: "x", streams: 0, bytes: 0, oldestAgeS: 0, writers: 0, readers: 1, taps: 0 },
    ]);
    feed.leave();
    await end.close();
  });

  it("[H-18] is made once for all who watch, at most once in feedMs, and not while nobody does", async () => {
    const { url } = await useSatellite({ limits: { feedMs: 60_000 } });
    const feeds = [1, 2].map(() => new Download(url, "/p", headers));
    await until("the first has it", () => feeds.some(({ text }) => listsIn(text).length === 1));
    await ask(url, "/p/x", { method: "PUT", body: "x" });
    const end = await RawEnd.greet(url);
    for (let turn = 0; turn < 50; turn++) await end.inspect();
    expect(feeds.flatMap(({ text }) => listsIn(text)).flat()).toEqual([]);
    for (const feed of feeds) feed.leave();
    await until("one that comes when nobody watches has it at once", async () => {
      const feed = new Download(url, "/p", headers);
      await feed.begun;
      await end.inspect();
      const lists = listsIn(feed.text);
      feed.leave();
      return lists[0]?.length === 1;
    });
    await end.close();
  });

  it("[H-20] ends when the satellite stops", async () => {
    const { url, stop } = await useSatellite({ limits: { feedMs: 5 } });
    const feed = new Download(url, "/p", headers);
    await until("the first", () => listsIn(feed.text).length === 1);
    await stop();
    expect(await feed.end()).toBe("whole");
  });

  it("[H-18] is for so many at once: 429", async () => {
    const { url } = await useSatellite({ limits: { feedsMax: 1 } });
    const feed = new Download(url, "/p", headers);
    expect(await feed.status()).toBe(200);
    expect(await ask(url, "/p", { headers })).toMatchObject({ status: 429 });
    feed.leave();
    await until("there is room again", async () => (await new Download(url, "/p", headers).status()) === 200);
  });
});

/** The values of a scrape, by metric. */
function valuesIn(text: string): Record<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => [line.split(/[ {]/, 1)[0], Number(line.split(" ").at(-1))]));
}

describe("/metrics", () => {
  it("[H-21] has the figures of the page, each with its type", async () => {
    const { url } = await useSatellite({ limits: { maxBufferBytes: 1_000_000 } });
    const end = await RawEnd.greet(url);
    await ask(url, "/p/x", { method: "PUT", body: "x".repeat(1_000) });
    await end.open("y");
    await end.read("z");
    await end.read("z2", "tap");
    const peek = await end.read("x", "peek");
    await peek.untilDone();
    const { status, headers, body } = await ask(url, "/metrics");
    expect([status, headers["content-type"]]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    expect(valuesIn(body)).toMatchObject({
      skypipe_info: 1,
      skypipe_pipes: 4,
      skypipe_streams: 2,
      skypipe_writers: 1,
      skypipe_readers: 1,
      skypipe_taps: 1,
      skypipe_backlog_bytes: 1_000,
      skypipe_backlog_bytes_max: 1_000_000,
      skypipe_received_bytes_total: 1_000,
      skypipe_sent_bytes_total: 1_000,
      skypipe_connections: 1,
      skypipe_sessions: 1,
      skypipe_store_trouble: 0,
    });
    expect(body).toContain('skypipe_info{software="skypipe/0.0.0",store="memory"} 1\n');
    expect(valuesIn(body).process_resident_memory_bytes).toBeGreaterThan(10_000_000);
    for (const name of Object.keys(valuesIn(body))) {
      const type = name.endsWith("_total") ? "counter" : "gauge";
      expect(body).toMatch(new RegExp(`^# HELP ${name} \\S.*\\n# TYPE ${name} ${type}\\n${name}[ {]`, "m"));
    }
    await end.close();
  });
});
