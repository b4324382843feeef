/** Reading over HTTP, from writers that speak the protocol. PROTOCOL §13. */
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { nowMs } from "../../satellite/engine.ts";
import { Flag } from "../../satellite/wire/frame.ts";
import { KiB, MiB, noise } from "../support/bytes.ts";
import { RawEnd } from "../support/raw-end.ts";
import { until, within } from "../support/until.ts";
import { ask, bareSocket } from "./ask.ts";
import { useSatellite } from "./use-satellite.ts";
import { Download } from "./web.ts";

/** Leaves a stream that has ended in a pipe. */
async function leave(
  url: string,
  pipe: string,
  bytes: string | Uint8Array,
  fields: Parameters<RawEnd["open"]>[1] = {},
): Promise<void> {
  const end = await RawEnd.greet(url);
  const writer = await end.open(pipe, fields);
  for (let at = 0; at < bytes.length; at += 64 * KiB) {
    await end.until("credit", () => writer.credit >= Math.min(at + 64 * KiB, bytes.length));
    writer.write(bytes.slice(at, at + 64 * KiB));
  }
  writer.finish();
  await writer.untilEndSafe();
  await end.close();
}

describe("a response", () => {
  it("[H-13] is one delivery: what had ended, alone, oldest first", async () => {
    const { url } = await useSatellite();
    for (const text of ["first\n", "second\n"]) await leave(url, "x", text);
    for (const text of ["first\n", "second\n"]) {
      const { status, headers, body } = await ask(url, "/p/x");
      expect([status, body]).toEqual([200, text]);
      expect(headers).toMatchObject({
        "content-type": "text/plain; charset=utf-8",
        "content-disposition": "attachment",
        "content-security-policy": expect.stringMatching(/default-src 'none'.*sandbox/),
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        "transfer-encoding": "chunked",
      });
    }
    expect(JSON.parse((await ask(url, "/p")).body)).toEqual([]);
  });

  it("[H-13] waits for a writer, and flows live", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const download = new Download(url, "/p/live");
    await until("the reader is there", async () => (await end.row("live"))?.readers === 1);
    const writer = await end.open("live");
    writer.write("first\n");
    await until("the first line", () => download.text === "first\n");
    writer.write("second\n");
    await until("the second line", () => download.text === "first\nsecond\n");
    writer.finish();
    expect(await download.end()).toBe("whole");
    await writer.untilEndSafe();
    expect(await end.row("live")).toBeUndefined();
    await end.close();
  });

  it("[H-13] says what its first stream is called, and never lets a browser act on it", async () => {
    const { url } = await useSatellite();
    const info = { kind: "binary", name: 'naïve "plan".html', contentType: "text/html", host: "h" } as const;
    await leave(url, "x", "<script>alert(1)</script>", info);
    const { headers } = await ask(url, "/p/x");
    expect(headers).toMatchObject({
      "content-type": "application/octet-stream",
      "skypipe-content-type": "text/html",
      "content-disposition": `attachment; filename="na?ve \\"plan\\".html"; filename*=UTF-8''na%C3%AFve%20%22plan%22.html`,
      "content-security-policy": expect.stringContaining("sandbox"),
      "x-content-type-options": "nosniff",
    });
  });

  it.each(["a\r\nset-cookie: x=1", "ä", "\u0000"])(
    "[H-13] leaves out a content type that is no header: %j",
    async (contentType) => {
      const { url } = await useSatellite();
      await leave(url, "x", "x", { contentType, name: `${contentType}日本` });
      const { status, headers } = await ask(url, "/p/x");
      expect([status, headers["skypipe-content-type"], headers["set-cookie"]]).toEqual([
        200,
        undefined,
        undefined,
      ]);
      expect(headers["content-disposition"]).toMatch(/^attachment; filename=".*"; filename\*=UTF-8''/);
    },
  );

  it("[H-13] has a body of nothing for an empty stream", async () => {
    const { url } = await useSatellite();
    await leave(url, "x", "");
    expect(await ask(url, "/p/x")).toMatchObject({ status: 200, body: "" });
    expect(JSON.parse((await ask(url, "/p")).body)).toEqual([]);
  });

  it("[H-13] merges running text by lines", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const download = new Download(url, "/p/logs");
    await until("the reader is there", async () => (await end.row("logs"))?.readers === 1);
    const [a, b] = [await end.open("logs"), await end.open("logs")];
    a.write("a1\n");
    b.write("b1\n");
    a.finish("a2\n");
    b.finish("b2\n");
    expect(await download.end()).toBe("whole");
    expect(download.text).toBe("a1\nb1\na2\nb2\n");
    await Promise.all([a.untilEndSafe(), b.untilEndSafe()]);
    await end.close();
  });

  it("[H-13] [L-4] is a copy for everybody who is attached", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const downloads = [1, 2, 3].map(() => new Download(url, "/p/x"));
    const reader = await end.read("x");
    await until("all are there", async () => (await end.row("x"))?.readers === 4);
    const bytes = noise(3 * MiB, 1);
    const writer = await end.open("x", { kind: "binary" });
    for (let at = 0; at < bytes.length; at += 64 * KiB) {
      await end.until("credit", () => writer.credit >= at + 64 * KiB);
      writer.write(bytes.subarray(at, at + 64 * KiB));
    }
    writer.finish();
    await writer.untilEndSafe();
    for (const download of downloads) {
      expect(await download.end()).toBe("whole");
      expect(download.bytes.equals(bytes)).toBe(true);
    }
    await reader.untilDone();
    await end.close();
  });

  it("[H-13] [L-10] with ?one is one stream that no other reader gets", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const workers = [new Download(url, "/p/jobs?one"), new Download(url, "/p/jobs?one=true")];
    await until("both are there", async () => (await end.row("jobs"))?.readers === 2);
    for (const job of ["1\n", "2\n"]) (await end.open("jobs")).finish(job);
    for (const worker of workers) expect(await worker.end()).toBe("whole");
    expect(workers.map(({ text }) => text).toSorted()).toEqual(["1\n", "2\n"]);
    await end.close();
  });

  it("[H-13] [L-7] with ?follow begins at once, goes on, and takes everything", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const download = new Download(url, "/p/x?follow");
    expect(await download.status()).toBe(200);
    expect((await download.begun).headers["content-type"]).toBe("application/octet-stream");
    for (const text of ["1\n", "2\n", "\0"]) {
      const writer = await end.open("x");
      writer.finish(text, text === "\0" ? Flag.binary : 0);
      await writer.untilEndSafe();
    }
    await until("all three", () => download.text === "1\n2\n\0");
    const aborted = await end.open("x");
    aborted.write("3\n");
    await aborted.untilSafe();
    end.send({ type: "abort", ref: aborted.ref });
    (await end.open("x")).finish("4\n");
    await until("what comes after an abort", () => download.text === "1\n2\n\u00003\n4\n");
    await end.close();
  });

  it("[H-13] [L-14] with ?tap takes nothing, and begins at once", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const tap = new Download(url, "/p/x?tap");
    expect(await tap.status()).toBe(200);
    expect(await end.row("x")).toMatchObject({ taps: 1, readers: 0 });
    const writer = await end.open("x");
    writer.finish("live\n");
    await until("the tap sees it", () => tap.text === "live\n");
    await writer.untilEndSafe();
    expect(await ask(url, "/p/x")).toMatchObject({ body: "live\n" });
    await end.close();
  });

  it("[H-13] [L-4] with ?new skips what had ended", async () => {
    const { url } = await useSatellite();
    await leave(url, "x", "old\n");
    const end = await RawEnd.greet(url);
    const download = new Download(url, "/p/x?new");
    await until("the reader is there", async () => (await end.row("x"))?.readers === 1);
    (await end.open("x")).finish("new\n");
    expect(await download.end()).toBe("whole");
    expect(download.text).toBe("new\n");
    await end.close();
  });
});

describe("how a response ends", () => {
  it.each([
    ["text", {}, "a line\n"],
    ["binary", { kind: "binary" }, noise(200 * KiB, 1).toString("latin1")],
  ] as const)(
    "[H-15] a %s writer that is lost in the middle: cut, after what there was",
    async (_, fields, text) => {
      const { url } = await useSatellite();
      const end = await RawEnd.greet(url);
      const download = new Download(url, "/p/x");
      await until("the reader is there", async () => (await end.row("x"))?.readers === 1);
      const bytes = Buffer.from(text, "latin1");
      const writer = await end.open("x", fields);
      for (let at = 0; at < bytes.length; at += 64 * KiB) {
        await end.until("credit", () => writer.credit >= Math.min(at + 64 * KiB, bytes.length));
        writer.write(bytes.subarray(at, at + 64 * KiB));
      }
      end.send({ type: "abort", ref: writer.ref });
      expect(await download.end()).toBe("cut");
      expect(download.bytes.equals(bytes)).toBe(true);
      await until("it is gone", async () => (await end.row("x")) === undefined);
      await end.close();
    },
  );

  it("[H-15] a writer that is lost before its first byte: cut, not empty", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const download = new Download(url, "/p/x");
    await until("the reader is there", async () => (await end.row("x"))?.readers === 1);
    const writer = await end.open("x");
    end.send({ type: "abort", ref: writer.ref });
    expect(await download.status()).toBe(200);
    expect(await download.end()).toBe("cut");
    await end.close();
  });

  it("[H-15] one writer of a merge that is lost: the others go on, then it is cut", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const download = new Download(url, "/p/x");
    await until("the reader is there", async () => (await end.row("x"))?.readers === 1);
    const [lost, other] = [await end.open("x"), await end.open("x")];
    lost.write("lost\n");
    end.send({ type: "abort", ref: lost.ref });
    other.write("goes on\n");
    await until("both", () => download.text === "lost\ngoes on\n");
    other.finish("to its end\n");
    expect(await download.end()).toBe("cut");
    expect(download.text).toBe("lost\ngoes on\nto its end\n");
    await end.close();
  });

  it("[H-15] an interrupted writer: whole", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const download = new Download(url, "/p/x");
    await until("the reader is there", async () => (await end.row("x"))?.readers === 1);
    (await end.open("x")).finish("a line\n", Flag.interrupted);
    expect(await download.end()).toBe("whole");
    await end.close();
  });

  it("[H-15] for a client of HTTP/1.0: by a reset where it is not whole, by a plain end where it is", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    for (const isAborted of [false, true]) {
      const { hostname, port } = new URL(url);
      const socket = connect(Number(port), hostname);
      socket.write("GET /p/x HTTP/1.0\r\nhost: localhost\r\n\r\n");
      let got = "";
      let error: NodeJS.ErrnoException | undefined;
      socket.setEncoding("utf8").on("data", (text: string) => {
        got += text;
      });
      socket.on("error", (reason) => {
        error = reason;
      });
      const closed = new Promise((resolve) => {
        socket.once("close", resolve);
      });
      await until("the reader is there", async () => (await end.row("x"))?.readers === 1);
      const writer = await end.open("x");
      writer.write("a line\n");
      await until("the line", () => got.endsWith("\r\n\r\na line\n"));
      if (isAborted) end.send({ type: "abort", ref: writer.ref });
      else writer.finish();
      await within("the end", closed);
      expect(error?.code).toBe(isAborted ? "ECONNRESET" : undefined);
    }
    await end.close();
  });

  it("[H-15] a client that goes away in the middle of a binary stream leaves it whole", async () => {
    const { url } = await useSatellite();
    const bytes = noise(24 * MiB, 1);
    await leave(url, "x", bytes, { kind: "binary" });
    const download = new Download(url, "/p/x", {}, true);
    expect(await download.status()).toBe(200);
    download.leave();
    const end = await RawEnd.greet(url);
    await until("it is free", async () => (await end.row("x"))?.readers === 0);
    const second = new Download(url, "/p/x");
    expect(await second.end()).toBe("whole");
    expect(second.bytes.equals(bytes)).toBe(true);
    await until("it is gone", async () => (await end.row("x")) === undefined);
    await end.close();
  }, 60_000);

  it("[H-14] a client that goes away after the last byte was sent, but before it read it, leaves it whole", async () => {
    const { url } = await useSatellite();
    const text = "x".repeat(100 * KiB);
    await leave(url, "x", text);
    const end = await RawEnd.greet(url);
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.pause();
    socket.write("GET /p/x HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await until("the reader is there", async () => (await end.row("x"))?.readers === 1);
    // The kernel has all of it; two questions later it would be gone, if that were an ack.
    await end.inspect();
    await end.inspect();
    socket.destroy();
    await until("it is free again", async () => (await end.row("x"))?.readers === 0);
    expect((await ask(url, "/p/x")).body).toBe(text);
    await end.close();
  });

  it("[H-14] a client that has read all and does not close has had it after a while", async () => {
    const { url } = await useSatellite({ limits: { closeMs: 50, lingerMs: 100 } });
    await leave(url, "x", "a line\n");
    const end = await RawEnd.greet(url);
    const { hostname, port } = new URL(url);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    socket.write("GET /p/x HTTP/1.1\r\nhost: localhost\r\n\r\n");
    socket.resume();
    socket.on("error", () => {});
    await until("it is gone", async () => (await end.row("x")) === undefined);
    socket.destroy();
    await end.close();
  });

  it("[H-15] a client that goes away while it waits has taken nothing", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const download = new Download(url, "/p/x");
    await until("the reader is there", async () => (await end.row("x"))?.readers === 1);
    download.leave();
    await until("it has gone", async () => (await end.row("x")) === undefined);
    expect((await end.inspect()).sessions).toBe(1);
    await end.close();
  });

  it("[H-15] a reader that is cut because it fell behind ends abnormally, and holds up nobody", async () => {
    const { url } = await useSatellite({ limits: { maxLagBytes: MiB } });
    const end = await RawEnd.greet(url);
    const slow = new Download(url, "/p/x", {}, true);
    await until("the slow one is there", async () => (await end.row("x"))?.readers === 1);
    const fast = new Download(url, "/p/x");
    await until("both are there", async () => (await end.row("x"))?.readers === 2);
    const writer = await end.open("x");
    await writer.pour(48 * MiB);
    writer.finish();
    expect(await fast.end()).toBe("whole");
    await until("the slow one has gone", async () => (await end.row("x")) === undefined);
    slow.release();
    expect(await slow.end()).toBe("cut");
    expect(fast.receivedBytes).toBe(48 * MiB);
    await end.close();
  }, 60_000);

  it("[H-20] a satellite that stops: 503 to who waits, cut for who reads, and what it had is kept", async () => {
    const { url, stop } = await useSatellite();
    const end = await RawEnd.greet(url);
    const waiting = new Download(url, "/p/empty");
    const reading = new Download(url, "/p/x");
    await until("both are there", async () => (await end.list()).length === 2);
    (await end.open("x")).write("a line\n");
    await until("the line", () => reading.text === "a line\n");
    await stop();
    expect(await waiting.status()).toBe(503);
    expect(await reading.end()).toBe("cut");
  });
});

describe("flow", () => {
  it("[H-14] [L-14] a client that reads slowly slows its writer down, in constant memory", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const download = new Download(url, "/p/x", {}, true);
    await until("the reader is there", async () => (await end.row("x"))?.readers === 1);
    const writer = await end.open("x", { kind: "binary" });
    writer.pour(64 * MiB, 64 * KiB).catch(() => {}); // it never comes to its end
    await download.begun;
    const row = await until("it stands still", async () => {
      const before = writer.offset;
      for (let turn = 0; turn < 50; turn++) await end.inspect();
      return writer.offset === before ? end.row("x") : undefined;
    });
    expect(writer.offset).toBeLessThan(64 * MiB);
    expect(row.bytes).toBeLessThan(20 * MiB);
    download.leave();
    await end.close();
  }, 60_000);
});

describe("?timeout", () => {
  it("[H-16] answers 408 when nothing begins, and takes nothing", async () => {
    const { url } = await useSatellite();
    for (const query of ["timeout=50ms", "follow&timeout=50ms", "tap&timeout=50ms", "one&timeout=50ms"]) {
      const { status, body } = await ask(url, `/p/x?${query}`);
      expect([status, body]).toEqual([408, "nothing has begun to arrive from the pipe 'x' within 50ms\n"]);
    }
    expect(JSON.parse((await ask(url, "/p")).body)).toEqual([]);
  });

  it("[H-16] does not bound what has begun", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const writer = await end.open("x");
    writer.write("1\n");
    const download = new Download(url, "/p/x?timeout=100ms");
    await until("the first line", () => download.text === "1\n");
    const laterMs = nowMs() + 150;
    await until("the time is over", () => nowMs() > laterMs);
    writer.finish("2\n");
    expect(await download.end()).toBe("whole");
    expect(download.text).toBe("1\n2\n");
    await end.close();
  });
});

describe("a sealed stream", () => {
  it("[H-19] is refused with a sentence, and stays", async () => {
    const { url } = await useSatellite();
    await leave(url, "x", "\0noise", { kind: "binary", sealed: "k1" });
    for (const method of ["GET", "HEAD"]) {
      const { status, body } = await ask(url, "/p/x", { method });
      expect(status).toBe(403);
      expect(body).toMatch(method === "GET" ? /^this stream is encrypted: .*\n$/ : /^$/);
    }
    const end = await RawEnd.greet(url);
    expect(await end.row("x")).toMatchObject({ streams: 1, bytes: 6, readers: 0 });
    await end.close();
  });

  it.each(["?follow", "?one"])("[H-19] is refused with a sentence by %s too", async (query) => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const sealed = await end.open("x", { sealed: "k1" });
    sealed.write("noise\n");
    await sealed.untilSafe();
    const { status, body } = await ask(url, `/p/x${query}`);
    expect([status, body]).toEqual([403, expect.stringMatching(/^this stream is encrypted: /)]);
    expect(await end.row("x")).toMatchObject({ streams: 1, bytes: 6, readers: 0 });
    await end.close();
  });

  it("[H-19] that joins a response which has begun ends it abnormally, and stays", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const download = new Download(url, "/p/x?follow");
    await download.status();
    const plain = await end.open("x");
    plain.write("plain\n");
    await until("the plain line", () => download.text === "plain\n");
    const sealed = await end.open("x", { sealed: "k1" });
    sealed.finish("noise\n");
    expect(await download.end()).toBe("cut");
    expect(download.text).toBe("plain\n");
    plain.finish();
    await until("both are kept", async () => (await end.row("x"))?.readers === 0);
    expect((await end.row("x"))?.bytes).toBeGreaterThanOrEqual(6);
    await end.close();
  });
});

describe("events", () => {
  const headers = { accept: "text/event-stream" };

  it("[H-18] each line of text is an event, and the end is one", async () => {
    const { url } = await useSatellite();
    await leave(url, "x", "one\ntwo\r\n\nhalf");
    const { headers: answered, body } = await ask(url, "/p/x", { headers });
    expect(answered["content-type"]).toBe("text/event-stream; charset=utf-8");
    expect(body).toBe("data: one\n\ndata: two\n\ndata: \n\ndata: half\n\nevent: end\ndata: eof\n\n");
  });

  it("[H-18] a line can't make an event of its own", async () => {
    const { url } = await useSatellite();
    await leave(url, "x", "a\revent: end\n");
    expect((await ask(url, "/p/x", { headers })).body).toMatch(/^data: a\ndata: event: end\n\nevent: end\n/);
  });

  it("[H-18] an aborted stream says so, and is cut", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const writer = await end.open("x");
    writer.write("one\n");
    const download = new Download(url, "/p/x", headers);
    await until("the line", () => download.text === "data: one\n\n");
    end.send({ type: "abort", ref: writer.ref });
    expect(await download.end()).toBe("cut");
    expect(download.text).toBe("data: one\n\nevent: end\ndata: aborted\n\n");
    await end.close();
  });

  it("[H-18] a binary stream is refused, and stays", async () => {
    const { url } = await useSatellite();
    await leave(url, "x", "\0", { kind: "binary" });
    expect(await ask(url, "/p/x", { headers })).toMatchObject({
      status: 403,
      body: expect.stringContaining("binary"),
    });
    expect((await ask(url, "/p/x")).body).toBe("\0");
  });
});

describe("browsers", () => {
  it.each([
    { "sec-fetch-mode": "navigate" },
    { "sec-purpose": "prefetch" },
    { "sec-purpose": "prefetch;prerender" },
    { purpose: "prefetch" },
  ])("[H-5] take nothing by %o", async (headers) => {
    const { url } = await useSatellite();
    await leave(url, "x", "kept\n");
    for (const method of ["GET", "HEAD", "DELETE", "POST", "PUT"]) {
      expect(await ask(url, "/p/x", { method, headers })).toMatchObject({ status: 403 });
    }
    expect((await ask(url, "/p/x", { headers: { "sec-fetch-mode": "cors" } })).body).toBe("kept\n");
  });

  it.each([{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }, { host: "evil.example" }])(
    "[H-3] [T-3] of another site reach no pipe by %o",
    async (headers) => {
      const { url } = await useSatellite();
      await leave(url, "x", "kept\n");
      for (const method of ["GET", "HEAD", "DELETE", "POST", "PUT", "OPTIONS"]) {
        const { status, headers: answered } = await ask(url, "/p/x", { method, headers });
        expect(status).toBe(403);
        expect(Object.keys(answered).filter((name) => name.startsWith("access-control"))).toEqual([]);
      }
      expect((await ask(url, "/p/x")).body).toBe("kept\n");
    },
  );

  it("[H-3] get no leave for requests of other sites", async () => {
    const { url } = await useSatellite();
    const headers = { "access-control-request-method": "PUT" };
    const { status, headers: answered } = await ask(url, "/p/x", { method: "OPTIONS", headers });
    expect([status, answered.allow]).toEqual([405, "GET, HEAD, PUT, POST, DELETE"]);
    expect(Object.keys(answered).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});

describe("a connection that is kept", () => {
  it("[H-14] says that a response was read by another request", async () => {
    const { url } = await useSatellite({ limits: { closeMs: 60_000 } });
    await leave(url, "x", "a line\n");
    const end = await RawEnd.greet(url);
    const { socket, closed } = bareSocket(url);
    let got = "";
    socket.on("data", (bytes: Buffer) => {
      got += bytes.toString();
    });
    socket.write("GET /p/x HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await until("the whole response", () => got.endsWith("a line\n\r\n0\r\n\r\n"));
    await end.inspect();
    expect(await end.row("x")).toMatchObject({ streams: 1, readers: 1 });
    socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    await within("the end", closed);
    expect(got).toMatch(/ok\n$/);
    expect(await end.row("x")).toBeUndefined();
    await end.close();
  });

  it("[H-14] is closed by the satellite when it stays idle", async () => {
    const { url } = await useSatellite({ limits: { closeMs: 50 } });
    await leave(url, "x", "a line\n");
    const { socket, closed } = bareSocket(url);
    socket.write("GET /p/x HTTP/1.1\r\nhost: localhost\r\n\r\n");
    expect((await within("the end", closed)).toString()).toMatch(/keep-alive: timeout=1\r\n.*a line\n/s);
    const end = await RawEnd.greet(url);
    await until("it is gone", async () => (await end.row("x")) === undefined);
    await end.close();
  });

  it("[H-14] answers requests that were sent at once in turn", async () => {
    const { url } = await useSatellite({ limits: { closeMs: 50 } });
    for (const text of ["first\n", "second\n"]) await leave(url, "x", text);
    const { socket, closed } = bareSocket(url);
    socket.write("GET /p/x HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(2));
    expect((await within("the end", closed)).toString()).toMatch(/first\n.*second\n/s);
    const end = await RawEnd.greet(url);
    await until("both are gone", async () => (await end.row("x")) === undefined);
    await end.close();
  });
});
