/** What the port answers over plain HTTP, and what it refuses there. */
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { bearer, handshakeStatus, RawEnd } from "../support/raw-end.ts";
import { until, within } from "../support/until.ts";
import { ask, bareSocket, handshake } from "./ask.ts";
import { useSatellite } from "./use-satellite.ts";

const token = "a-token-of-these-tests";

function basic(password: string): string {
  return `Basic ${Buffer.from(`me:${password}`).toString("base64")}`;
}

describe("http", () => {
  it("answers /healthz and / without a token, as plain text that runs nothing", async () => {
    const { url } = await useSatellite({ token });
    expect(await ask(url, "/healthz")).toMatchObject({ status: 200, body: "ok\n" });
    const home = await ask(url, "/");
    expect(home).toMatchObject({ status: 200, body: expect.stringContaining("skypipe satellite") });
    expect(home.headers).toMatchObject({
      "content-type": "text/plain; charset=utf-8",
      "content-security-policy": expect.stringMatching(/default-src 'none'.*sandbox/),
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
    });
  });

  it("does not tell strangers its version", async () => {
    const { url } = await useSatellite({ token, software: "skypipe/9.8.7" });
    for (const path of ["/", "/healthz", "/p", "/p/x", "/metrics", "/nothing"]) {
      const { headers, body } = await ask(url, path);
      expect(JSON.stringify(headers) + body).not.toContain("9.8.7");
    }
  });

  it.each(["/nothing", "/pipes", "/P/x", "/healthz/", "//", "/constructor", "/__proto__", "*"])(
    "has nothing at %s: 404 in one line",
    async (path) => {
      const { url } = await useSatellite();
      const { status, body } = await ask(url, path, { method: path === "*" ? "OPTIONS" : "GET" });
      expect(status).toBe(404);
      expect(body).toMatch(/^[^\n]+\n$/);
    },
  );

  it("answers HEAD without a body, and only reads", async () => {
    const { url } = await useSatellite();
    expect(await ask(url, "/healthz", { method: "HEAD" })).toMatchObject({ status: 200, body: "" });
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const { status, headers } = await ask(url, "/p", {
        method,
        ...(method !== "OPTIONS" && { body: "x" }),
      });
      expect([status, headers.allow]).toEqual([405, "GET, HEAD"]);
    }
  });

  it("[C-6] lists the pipes at /p as the command does", async () => {
    const { url } = await useSatellite();
    expect(JSON.parse((await ask(url, "/p")).body)).toEqual([]);
    const end = await RawEnd.greet(url);
    const [first, second] = [await end.open(""), await end.open("logs/a b")];
    first.finish("abc\n");
    second.write("x\n");
    await end.read("logs/a b", "tap");
    await first.untilEndSafe();
    const { status, headers, body } = await ask(url, "/p?whatever");
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("application/json");
    const rows = JSON.parse(body) as { name: string }[];
    expect(rows).toEqual(expect.arrayContaining(await end.list()));
    expect(rows.find(({ name }) => name === "")).toMatchObject({
      streams: 1,
      bytes: 4,
      writers: 0,
      readers: 0,
    });
    expect(rows.find(({ name }) => name === "logs/a b")).toMatchObject({ streams: 1, writers: 1, taps: 1 });
    await end.close();
  });

  it("[C-6] lists more pipes than one message holds", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const names = Array.from({ length: 250 }, (_, index) => `pipe ${index}`);
    for (const name of names) (await end.open(name)).finish("");
    await Promise.all([...end.writers.values()].map((writer) => writer.untilEndSafe()));
    const rows = JSON.parse((await ask(url, "/p")).body) as { name: string }[];
    expect(rows.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    await end.close();
  });

  it("[T-4] wants the token at /p: 401 and how to show it", async () => {
    const { url } = await useSatellite({ token });
    for (const authorization of [undefined, "Bearer wrong", basic("wrong"), "Digest x", `Bearer ${token}x`]) {
      const { status, headers, body } = await ask(url, "/p", {
        headers: authorization ? { authorization } : {},
      });
      expect(status).toBe(401);
      expect(headers["www-authenticate"]).toMatch(/Bearer.*Basic/);
      expect(body).not.toContain(token);
    }
    for (const authorization of [`Bearer ${token}`, basic(token)]) {
      expect((await ask(url, "/p", { headers: { authorization } })).status).toBe(200);
    }
  });

  it("[K-1] answers 429 when there is no session left to ask with", async () => {
    const { url } = await useSatellite({ limits: { sessionsMax: 1 } });
    const end = await RawEnd.greet(url);
    expect(await ask(url, "/p")).toMatchObject({ status: 429 });
    await end.close();
    expect(await ask(url, "/healthz")).toMatchObject({ status: 200 });
  });

  it.each([
    { host: "evil.example" },
    { origin: "https://evil.example" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ])("[T-3] refuses every request with %o by 403", async (headers) => {
    const { url, log } = await useSatellite();
    for (const path of ["/", "/healthz", "/p", "/ws", "/nothing"]) {
      expect(await ask(url, path, { headers })).toMatchObject({ status: 403 });
    }
    expect(await handshakeStatus(url, { headers })).toBe(403);
    expect(log.filter(({ event }) => event === "request.refused")).toHaveLength(6);
  });

  it("[T-3] answers to the names it was given", async () => {
    const { url } = await useSatellite({ answersTo: ["pipes.example"] });
    expect(await ask(url, "/healthz", { headers: { host: "pipes.example:8" } })).toMatchObject({
      status: 200,
    });
    expect(await ask(url, "/healthz", { headers: { host: "more.pipes.example" } })).toMatchObject({
      status: 403,
    });
  });

  it("[T-1] has its WebSocket at /ws only, for its own subprotocol only", async () => {
    const { url } = await useSatellite();
    expect(await handshakeStatus(url, { path: "/" })).toBe(404);
    expect(await handshakeStatus(url, { path: "/ws/" })).toBe(404);
    expect(await handshakeStatus(url, { path: "/ws?x=1" })).toBe(101);
    expect(await handshakeStatus(url, { subprotocol: "mqtt" })).toBe(426);
    expect(await ask(url, "/ws")).toMatchObject({ status: 426, headers: { upgrade: "websocket" } });
  });

  it("[T-1] takes the subprotocol from a list", async () => {
    const { url } = await useSatellite();
    const { socket, closed } = bareSocket(url);
    socket.end(handshake("/ws", { "sec-websocket-protocol": "mqtt, skypipe.v1" }));
    expect((await within("the answer", closed)).toString()).toMatch(
      /^HTTP\/1.1 101 .*Protocol: skypipe.v1\r\n/s,
    );
  });

  it("[T-4] refuses a wrong token in the handshake before it is a WebSocket", async () => {
    const { url } = await useSatellite({ token });
    expect(await handshakeStatus(url, { headers: bearer("wrong") })).toBe(401);
    expect(await handshakeStatus(url, { headers: bearer(token) })).toBe(101);
    expect(await handshakeStatus(url)).toBe(101);
  });

  it("[H-4] bounds the headers of a request: 431 in one line, or as JSON", async () => {
    const { url } = await useSatellite();
    const cookie = "x".repeat(17 * 1024);
    const text = await ask(url, "/", { headers: { cookie } });
    expect([text.status, text.body]).toEqual([431, "the headers of a request are at most 16384 bytes\n"]);
    const json = await ask(url, "/p/x", { method: "PUT", headers: { accept: "application/json", cookie } });
    expect([json.status, JSON.parse(json.body)]).toEqual([
      431,
      { code: "too-large", message: text.body.trim() },
    ]);
  });

  it("[H-4] answers what is no HTTP by 400 in one line, and goes on", async () => {
    const { url } = await useSatellite();
    const { socket, closed } = bareSocket(url);
    socket.end("\u0000\u0001garbage\r\n\r\n");
    expect((await within("the answer", closed)).toString()).toMatch(
      /^HTTP\/1.1 400 .*\r\n\r\nthis is no request of HTTP: [^\n]+\n$/s,
    );
    expect(await ask(url, "/healthz")).toMatchObject({ status: 200 });
  });

  it("[H-4] closes a connection that says no HTTP, though its client does not", async () => {
    const { url } = await useSatellite({ limits: { refusedMs: 20 } });
    const { socket, closed } = bareSocket(url);
    socket.write("garbage\r\n\r\n");
    expect((await within("the end", closed)).toString()).toMatch(/^HTTP\/1.1 400 /);
  });

  it("[H-4] answers a head that does not come by 408 in one line", async () => {
    const { url } = await useSatellite({ limits: { headersMs: 50 } });
    const { socket, closed } = bareSocket(url);
    socket.on("end", () => socket.end());
    socket.write("GET /healthz HTTP/1.1\r\nhost: local");
    expect((await within("the answer", closed)).toString()).toMatch(
      /^HTTP\/1.1 408 .*\r\n\r\nthe headers of a request have 50ms to come\n$/s,
    );
  });

  it("[H-4] [H-6] answers a body that breaks HTTP by 400, and aborts its stream", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const reader = await end.read("x");
    const { socket, closed } = bareSocket(url);
    socket.write("PUT /p/x HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n2\r\na\n\r\n");
    await reader.untilText("a\n");
    socket.write("no length\r\n");
    expect((await within("the answer", closed)).toString()).toMatch(/^HTTP\/1.1 400 .*\n\r\nthis is no/s);
    await reader.untilDone();
    expect([...reader.streams.values()][0]?.ended).toBe("aborted");
    await end.close();
  });

  it("[H-4] [H-15] says nothing into a response that has begun", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const { socket, closed } = bareSocket(url);
    const head = once(socket, "data");
    socket.write("GET /p/x?follow HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await within("the head", head);
    socket.write("garbage\r\n\r\n");
    const answered = (await within("the end", closed)).toString();
    expect(answered).toMatch(/^HTTP\/1.1 200 /);
    expect(answered).not.toContain("400");
    await until("it has gone", async () => (await end.row("x")) === undefined);
    await end.close();
  });
});
