/** The library over a real satellite: writers, readers and questions. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { connect } from "../../cli/client/index.ts";
import { until } from "../support/until.ts";
import { all, put, useBoth, useEnd, useSatellite } from "./library.ts";

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

describe("connecting", () => {
  it("tells what the satellite calls itself, and where it is", async () => {
    const url = await useSatellite({ software: "sat/7" });
    const end = await useEnd(url);
    expect(end).toMatchObject({ software: "sat/7", graceMs: 60_000, host: "127.0.0.1" });
    expect(end.address).toBe(new URL(url).host);
    expect(end.port).toBe(Number(new URL(url).port));
  });

  it("reaches a Unix socket", async () => {
    const url = await useSatellite({ socketPath: `/tmp/skypipe-client-test-${process.pid}.sock` });
    expect(url).toMatch(/^unix:/);
    const end = await useEnd(url);
    await put(end.writer("a"), "x\n");
    expect((await all(end.reader("a"))).toString()).toBe("x\n");
  });

  it("fails with exit 4 for a wrong token or none, and says which variable to look at", async () => {
    const url = await useSatellite({ token: "secret" });
    const wrong = connect({ url, token: "guess" });
    await expect(wrong).rejects.toMatchObject({ code: "unauthorized", exitCode: 4 });
    await expect(wrong).rejects.toThrow(/SKYPIPE_TOKEN/);
    await expect(wrong).rejects.not.toThrow(/guess/);
    await expect(connect({ url, token: "" })).rejects.toMatchObject({ code: "unauthorized", exitCode: 4 });
    await useEnd(url, { token: "secret" });
    await useEnd(url.replace("//", "//:secret@"));
  });

  it("fails with exit 3 where nothing answers, naming host and port", async () => {
    const failed = connect({ url: "http://127.0.0.1:1", connectTimeoutMs: 200 });
    await expect(failed).rejects.toMatchObject({ code: "unreachable", exitCode: 3 });
    await expect(failed).rejects.toThrow(/127\.0\.0\.1:1 \(connection refused\)/);
  });

  it("fails with exit 3 where something else answers", async () => {
    const url = await useSatellite();
    const failed = connect({ url: `${url}/elsewhere`, connectTimeoutMs: 200 });
    await expect(failed).rejects.toMatchObject({ code: "unreachable", exitCode: 3 });
    await expect(failed).rejects.toThrow(/HTTP 404/);
  });

  it.each([
    [401, "unauthorized", 4],
    [403, "forbidden", 4],
    [426, "version", 3],
    [500, "unreachable", 3],
  ])("[T-1] [T-3] [T-4] takes HTTP %i in the handshake for %s", async (status, code, exitCode) => {
    const server = createServer((_request, response) => response.writeHead(status).end());
    server.on("upgrade", (_request, socket) => {
      socket.end(`HTTP/1.1 ${status} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const failed = connect({ url: `http://127.0.0.1:${port}`, connectTimeoutMs: 300 });
    await expect(failed).rejects.toMatchObject({ code, exitCode });
    await expect(failed).rejects.toThrow(`127.0.0.1:${port}`);
  });

  it("needs an address, and keeps a token to itself", async () => {
    await expect(connect({ url: "" })).rejects.toMatchObject({ code: "unreachable", exitCode: 3 });
    await expect(connect({ url: "http://example.org", token: "t" })).rejects.toMatchObject({ exitCode: 2 });
  });

  it("stops trying when it is told to", async () => {
    const stop = new AbortController();
    const trying = connect({ url: "http://127.0.0.1:1", signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(trying).rejects.toThrow("enough");
    await expect(connect({ url: "http://127.0.0.1:1", signal: stop.signal })).rejects.toThrow("enough");
  });
});

describe("writers and readers", () => {
  it("[L-1] [L-2] meet in a pipe, whoever comes first", async () => {
    const end = await useBoth();
    await put(end.writer("later"), "a\n", "b\n");
    expect((await all(end.reader("later"))).toString()).toBe("a\nb\n");
    const reader = end.reader("first");
    const got = all(reader);
    await once(reader, "attached");
    await put(end.writer("first"), "c\n");
    expect((await got).toString()).toBe("c\n");
  });

  it("carry bytes as they are, through the default pipe", async () => {
    const end = await useBoth();
    const bytes = randomBytes(3_000_000);
    const reader = end.reader();
    const begins = once(reader, "stream");
    const got = all(reader);
    await once(reader, "attached");
    const writer = end.writer("", { name: "noise", size: bytes.length, host: "here", contentType: "x/y" });
    await pipeline(Readable.from([bytes]), writer);
    expect(writer.kind).toBe("binary");
    expect(sha256(await got)).toBe(sha256(bytes));
    expect(await begins).toMatchObject([
      { offset: 0, name: "noise", size: bytes.length, host: "here", contentType: "x/y" },
    ]);
  });

  it("[L-8] carry an empty stream as a signal", async () => {
    const end = await useBoth();
    const waiting = all(end.reader("trigger"));
    await put(end.writer("trigger"));
    expect(await waiting).toHaveLength(0);
  });

  it("[F-6] decide the kind by the first write, unless somebody has said it", async () => {
    const end = await useBoth();
    const guessed = end.writer("a");
    expect(guessed.kind).toBeUndefined();
    guessed.write(Uint8Array.of(0, 1, 2));
    expect(guessed.kind).toBe("binary");
    expect(() => {
      guessed.kind = "text";
    }).toThrow(expect.objectContaining({ code: "usage" }) as Error);
    const told = end.writer("b");
    told.kind = "text";
    told.write(Uint8Array.of(0, 1, 2));
    expect(told.kind).toBe("text");
    const said = end.writer("c", { kind: "binary" });
    expect(said.kind).toBe("binary");
    for (const writer of [guessed, told, said]) writer.destroy();
  });

  it("[L-6] keep lines whole, and send a fragment only after a silence", async () => {
    const end = await useBoth();
    const chunks: string[] = [];
    end.receive("a", {}, { chunk: (_stream, bytes) => void chunks.push(Buffer.from(bytes).toString()) });
    const writer = end.writer("a");
    writer.write("one\ntwo\nth");
    writer.write("ree\nfragment");
    await until("the fragment", () => chunks.join("").endsWith("fragment"));
    expect(chunks.every((chunk, i) => chunk.endsWith("\n") || i === chunks.length - 1)).toBe(true);
    writer.end();
    await once(writer, "finish");
    expect(chunks.join("")).toBe("one\ntwo\nthree\nfragment");
  });

  it("put many small writes into few chunks", async () => {
    const end = await useBoth();
    const writer = end.writer("a");
    writer.cork();
    for (let i = 0; i < 1_000; i++) writer.write(`line ${i}\n`);
    writer.uncork();
    await put(writer);
    let chunks = 0;
    await end.receive("a", {}, { chunk: () => void chunks++ }).done;
    expect(chunks).toBe(1);
  });

  it("take a write that is far larger than memory should hold twice", async () => {
    const end = await useBoth();
    const block = Buffer.alloc(40_000_000, "0123456789abcde\n");
    const reader = end.reader("a");
    const hash = createHash("sha256");
    reader.on("data", (bytes: Buffer) => hash.update(bytes));
    const ended = once(reader, "end");
    await put(end.writer("a"), block);
    await ended;
    expect(hash.digest("hex")).toBe(sha256(block));
  });

  it("tell of the stream, of what is safe and of the end", async () => {
    const end = await useBoth();
    const writer = end.writer("a");
    const [id] = (await once(writer, "open")) as [number];
    expect(id).toBeGreaterThan(0);
    const safe = once(writer, "safe");
    writer.write("abc\n");
    expect(await safe).toEqual([4]);
    await put(writer, "de\n");
    expect(await end.list()).toMatchObject([{ name: "a", streams: 1, bytes: 7, writers: 0 }]);
  });

  it("[W-6] wait for a reader that takes it all, where that was asked for", async () => {
    const end = await useBoth();
    const writer = end.writer("a", { sync: true });
    const order: string[] = [];
    writer.once("safe", () => order.push("safe"));
    writer.once("finish", () => order.push("finish"));
    writer.end("x\n");
    await until("it is safe", () => order.length > 0);
    await all(end.reader("a"));
    await until("it is taken", () => order.length > 1);
    expect(order).toEqual(["safe", "finish"]);
  });

  it("[L-9] abort a stream that is destroyed: its reader gets the bytes, then the error", async () => {
    const end = await useBoth();
    const reader = end.reader("a");
    const got: Buffer[] = [];
    const cause = once(reader, "streamEnd");
    reader.on("data", (bytes: Buffer) => got.push(bytes));
    const writer = end.writer("a");
    writer.write("half\n");
    await once(writer, "safe");
    const failed = once(reader, "error");
    writer.on("error", () => {});
    writer.destroy(new Error("the disk is full"));
    expect((await cause).slice(1)).toEqual(["aborted", "the disk is full"]);
    expect((await failed)[0]).toMatchObject({ code: "aborted", exitCode: 5 });
    expect(Buffer.concat(got).toString()).toBe("half\n");
  });

  it("[L-9] end an interrupted text stream cleanly, and say so", async () => {
    const end = await useBoth();
    const reader = end.reader("a");
    const cause = once(reader, "streamEnd");
    const got = all(reader);
    const writer = end.writer("a", { kind: "text" });
    writer.write("a\nfragment");
    writer.interrupt();
    await once(writer, "finish");
    expect((await got).toString()).toBe("a\nfragment");
    expect((await cause)[1]).toBe("interrupted");
  });

  it("[L-9] abort an interrupted binary stream", async () => {
    const end = await useBoth();
    const reader = end.reader("a");
    const failed = once(reader, "error");
    reader.resume();
    const writer = end.writer("a", { kind: "binary" });
    writer.write("abc");
    await once(writer, "safe");
    writer.interrupt();
    expect((await failed)[0]).toMatchObject({ code: "aborted" });
  });

  it("work as streams of the web", async () => {
    const end = await useBoth();
    const writable = Writable.toWeb(end.writer("a")).getWriter();
    await writable.write(Buffer.from("web\n"));
    await writable.close();
    const parts: Buffer[] = [];
    for await (const part of Readable.toWeb(end.reader("a"))) parts.push(Buffer.from(part as Uint8Array));
    expect(Buffer.concat(parts).toString()).toBe("web\n");
  });
});

describe("slow and leaving readers", () => {
  it("[L-14] hold up their writer, who keeps no more than the window", async () => {
    const end = await useBoth({ limits: { windowBytesMax: 65_536 } });
    const reader = end.reader("a");
    const writer = end.writer("a", { kind: "binary" });
    await once(reader, "attached");
    let accepted = 0;
    const block = Buffer.alloc(65_536);
    const feed = (): void => {
      while (accepted < 100 && writer.write(block)) accepted++;
    };
    writer.on("drain", feed);
    feed();
    await until("a chunk waits", () => reader.readableLength > 0);
    const inspected = await end.inspect();
    expect(accepted).toBeLessThan(8);
    expect(inspected.usedBytes).toBe(0);
    writer.off("drain", feed);
    let got = 0;
    reader.on("data", (bytes: Buffer) => (got += bytes.length));
    const ended = once(reader, "end");
    await put(writer);
    await ended;
    expect(got).toBeGreaterThanOrEqual(accepted * block.length);
  });

  it("[R-3] acknowledge only what was taken: the rest stays in the pipe", async () => {
    const end = await useBoth();
    await put(end.writer("a"), "x".repeat(100_000), "\n");
    const first = end.reader("a");
    for await (const _ of first) break; // leaves
    expect(first.destroyed).toBe(true);
    expect(await all(end.reader("a"))).toHaveLength(100_001);
  });

  it("leave without an end, and without an error", async () => {
    const end = await useBoth();
    const reader = end.reader("a");
    await once(reader, "attached");
    expect(await end.list()).toMatchObject([{ name: "a", readers: 1 }]);
    reader.destroy();
    await once(reader, "close");
    await until("it has gone", async () => (await end.list()).length === 0);
  });

  it("do not hold up others: each has a connection of its own", async () => {
    const end = await useBoth();
    const held = end.writer("slow");
    held.write("nobody takes this\n");
    const slow = end.reader("slow");
    await until("it is offered", () => slow.readableLength > 0);
    const block = randomBytes(1_000_000);
    await put(end.writer("a", { kind: "binary" }), block);
    expect(sha256(await all(end.reader("a")))).toBe(sha256(block));
    held.destroy();
  });
});

describe("receive", () => {
  it("hands over one thing at a time, in order", async () => {
    const end = await useBoth();
    const calls: string[] = [];
    let isInside = false;
    const receiving = end.receive(
      "a",
      {},
      {
        begin: ({ name }) => void calls.push(`begin ${name}`),
        chunk: async (_stream, bytes) => {
          expect(isInside).toBe(false);
          isInside = true;
          await new Promise((resolve) => setImmediate(resolve));
          isInside = false;
          calls.push(Buffer.from(bytes).toString());
        },
        end: async (_stream, cause) => {
          await Promise.resolve();
          calls.push(cause);
        },
      },
    );
    await receiving.attached;
    const writer = end.writer("a", { name: "n" });
    for (let i = 0; i < 5; i++) {
      const safe = once(writer, "safe");
      writer.write(`${i}\n`);
      await safe;
    }
    await put(writer);
    expect(await receiving.done).toEqual({ aborted: false });
    expect(calls).toEqual(["begin n", "0\n", "1\n", "2\n", "3\n", "4\n", "eof"]);
  });

  it("ends with what the sink throws, and leaves the stream to others", async () => {
    const end = await useBoth();
    await put(end.writer("a"), "x\n");
    const broken = new Error("EPIPE");
    const receiving = end.receive(
      "a",
      {},
      {
        chunk: () => {
          throw broken;
        },
      },
    );
    await expect(receiving.done).rejects.toBe(broken);
    expect((await all(end.reader("a"))).toString()).toBe("x\n");
  });

  it("ends when it leaves, in the middle of a chunk, too", async () => {
    const end = await useBoth();
    await put(end.writer("a"), "x\n");
    let hasBegun = false;
    const receiving = end.receive(
      "a",
      {},
      {
        chunk: async () => {
          hasBegun = true;
          await new Promise(() => {});
        },
      },
    );
    await until("the sink is busy", () => hasBegun);
    await receiving.leave();
    expect(await receiving.done).toEqual({ aborted: false });
    expect((await all(end.reader("a"))).toString()).toBe("x\n");
  });

  it("[R-7] fails as the satellite says", async () => {
    const end = await useBoth();
    const receiving = end.receive("nothing", { mode: "peek", limitBytes: 10 }, { chunk: () => {} });
    await expect(receiving.done).rejects.toMatchObject({ code: "not-found", exitCode: 1 });
  });

  it("shows a peek without taking", async () => {
    const end = await useBoth();
    await put(end.writer("a"), "x\n");
    for (let i = 0; i < 2; i++) {
      expect((await all(end.reader("a", { mode: "peek", limitBytes: 1_000 }))).toString()).toBe("x\n");
    }
  });
});

describe("questions", () => {
  it("are answered, or fail with the satellite's code", async () => {
    const end = await useBoth();
    await put(end.writer("a"), "abc\n");
    expect(await end.list()).toMatchObject([
      { name: "a", streams: 1, bytes: 4, readers: 0, writers: 0, taps: 0 },
    ]);
    expect(await end.inspect()).toMatchObject({ store: "memory", pipes: 1, streams: 1, usedBytes: 4 });
    expect(await end.remove("a")).toEqual({ streams: 1, bytes: 4 });
    expect(await end.list()).toEqual([]);
    await expect(end.remove("a")).rejects.toMatchObject({ code: "not-found" });
    await expect(end.remove("a\n")).rejects.toMatchObject({ code: "usage", exitCode: 2 });
  });

  it("[C-7] remove what a writer has sent: it fails with exit 5", async () => {
    const end = await useBoth();
    const writer = end.writer("a");
    writer.write("x\n");
    await once(writer, "safe");
    const failed = once(writer, "error");
    await end.remove("a");
    expect((await failed)[0]).toMatchObject({ code: "removed", exitCode: 5 });
  });
});

describe("the end of it all", () => {
  it("drains: all that was written is safe, with the end where there is one", async () => {
    const end = await useBoth();
    const open = end.writer("a");
    const ended = end.writer("b");
    open.write("x\nfragment");
    ended.end("y\n");
    await end.drain();
    expect(ended.writableFinished).toBe(true);
    expect(open.writableEnded).toBe(false);
    expect((await end.list()).map(({ bytes }) => bytes)).toEqual([10, 2]);
    await end.drain();
    open.destroy();
  });

  it("drains with the error of a writer that fails", async () => {
    const end = await useBoth();
    const reader = end.reader("a");
    await once(reader, "attached");
    const writer = end.writer("a", { sync: true });
    writer.on("error", () => {});
    writer.end("x\n");
    const drained = end.drain();
    await until("it has arrived", () => reader.readableLength > 0);
    await end.remove("a");
    reader.on("error", () => {});
    await expect(drained).rejects.toMatchObject({ code: "removed" });
  });

  it("closes at once: writers fail, readers end, nothing begins any more", async () => {
    const end = await useBoth();
    const writer = end.writer("a");
    const reader = end.reader("b");
    await Promise.all([once(writer, "open"), once(reader, "attached")]);
    const failed = once(writer, "error");
    const ended = once(reader.resume(), "end");
    await end.close();
    expect((await failed)[0]).toMatchObject({ code: "aborted", exitCode: 5 });
    await ended;
    expect(() => end.writer("a")).toThrow(/closed/);
    await expect(end.list()).rejects.toThrow(/closed/);
  });
});
