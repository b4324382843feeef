/** A reader from its own end (PROTOCOL.md §7). */
import { describe, expect, it } from "vitest";
import { Flag } from "../../satellite/wire/frame.ts";
import type { StreamBegins } from "../../satellite/wire/messages.ts";
import { Bench, bytesOf, GRACE_MS, LINE } from "./bench.ts";

const FINAL = LINE | Flag.final;

function stream(id: number, offset = 0): StreamBegins {
  return { type: "stream", ref: 1, stream: id, offset };
}

function ack(id: number, offset: number, end?: true) {
  return { type: "ack", ref: 1, stream: id, offset, ...(end && { end }) };
}

/** A bench with reader 1 attached. */
function reading(options: Parameters<Bench["read"]>[1] = {}): Bench {
  return new Bench().greet().read(1, options).say({ type: "attached", ref: 1 }).clear();
}

/** The text that the application was given. */
function output(bench: Bench): string {
  const chunks = bench.notices().filter((notice) => notice.type === "chunk");
  return Buffer.concat(chunks.map(({ chunk }) => chunk.frame.subarray(16))).toString();
}

describe("a delivery", () => {
  it("attaches, plain where nothing else is said", () => {
    const bench = new Bench().greet().clear().read(1).read(2, { mode: "peek", limitBytes: 9 });
    expect(bench.sent()).toEqual([
      { type: "read", ref: 1, pipe: "p", mode: "plain" },
      { type: "read", ref: 2, pipe: "p", mode: "peek", limitBytes: 9 },
    ]);
    bench.clear().say({ type: "attached", ref: 1 }).say({ type: "attached", ref: 1 });
    expect(bench.notices()).toEqual([{ type: "attached", ref: 1 }]);
  });

  it("passes on streams, chunks and ends in order, and is done when the satellite says so", () => {
    const bench = reading().say(stream(7)).send(7, 0, "a\n").send(7, 2, "b\n", FINAL);
    expect(bench.noticeTypes()).toEqual(["begin", "chunk", "chunk", "end"]);
    expect(output(bench)).toBe("a\nb\n");
    expect(bench.notices().at(-1)).toEqual({
      type: "end",
      ref: 1,
      stream: stream(7),
      offset: 4,
      cause: "eof",
    });
    bench.consumeAll().clear().say({ type: "done", ref: 1 });
    expect(bench.notices()).toEqual([{ type: "done", ref: 1, aborted: false }]);
  });

  it("[L-8] passes on an empty stream as an end", () => {
    const bench = reading().say(stream(7)).send(7, 0, "", Flag.final);
    expect(bench.noticeTypes()).toEqual(["begin", "end"]);
    expect(bench.consumeAll().sent()).toEqual([ack(7, 0, true)]);
  });

  it("[L-9] says that a stream was interrupted, or aborted and why", () => {
    const bench = reading()
      .say(stream(7))
      .send(7, 0, "", Flag.final | Flag.interrupted)
      .say(stream(8));
    bench.say({ type: "aborted", ref: 1, stream: 8, offset: 0, code: "aborted", reason: "killed" });
    const ends = bench.notices().filter(({ type }) => type === "end");
    expect(ends).toMatchObject([{ cause: "interrupted" }, { cause: "aborted", reason: "killed" }]);
    bench.consumeAll().clear().say({ type: "done", ref: 1 });
    expect(bench.notices()).toEqual([{ type: "done", ref: 1, aborted: true }]);
  });

  it("acknowledges the end of a stream that aborts before it has begun", () => {
    const bench = reading().say({ type: "aborted", ref: 1, stream: 8, offset: 0, code: "removed" });
    expect(bench.noticeTypes()).toEqual(["begin", "end"]);
    expect(bench.consumeAll().sent()).toEqual([ack(8, 0, true)]);
  });

  it("passes on what a tap has missed", () => {
    const bench = reading({ mode: "tap" }).say(stream(7, 10)).send(7, 10, "a\n");
    bench.say({ type: "gap", ref: 1, stream: 7, offset: 50 }).send(7, 50, "b\n");
    expect(bench.notices().at(2)).toEqual({ type: "gap", ref: 1, stream: stream(7, 10), from: 12, to: 50 });
    expect(output(bench)).toBe("a\nb\n");
  });

  it("forgets a stream that is withdrawn", () => {
    const bench = reading().say(stream(7)).say({ type: "withdrawn", ref: 1, stream: 7 }).send(7, 0, "a\n");
    expect(bench.noticeTypes()).toEqual(["begin", "withdrawn"]);
    bench.clear().say(stream(7)).send(7, 0, "a\n");
    expect(output(bench)).toBe("a\n");
  });

  it("[R-2] calls a chunk that leaves a gap, or overlaps, a defect", () => {
    for (const offset of [1, 5]) {
      const bench = reading().say(stream(7)).send(7, 0, "abc\n").clear().send(7, offset, "xyz\n");
      expect(bench.notices()).toMatchObject([{ type: "failed", error: { code: "protocol" } }]);
    }
  });

  it("fails as the satellite says", () => {
    const bench = reading().say({ type: "error", ref: 1, code: "behind", message: "too slow" });
    expect(bench.notices()).toMatchObject([{ type: "failed", ref: 1, error: { code: "behind" } }]);
    expect(bench.clear().say(stream(7)).send(7, 0, "a\n").effects).toEqual([]);
  });
});

describe("[R-3] acks", () => {
  it("come when nothing more waits to be put out", () => {
    const bench = reading()
      .say(stream(7))
      .say(stream(8))
      .send(7, 0, "a\n")
      .send(8, 0, "b\n")
      .send(7, 2, "c\n");
    expect(bench.sent()).toEqual([]);
    expect(bench.consumeAll().sent()).toEqual([ack(7, 4), ack(8, 2)]);
  });

  it("come for every 32 KiB while more waits", () => {
    const bench = reading().say(stream(7));
    const text = `${"x".repeat(8_191)}\n`;
    for (let i = 0; i < 10; i++) bench.send(7, i * 8_192, text);
    expect(bench.consumeAll().sent()).toEqual([ack(7, 32_768), ack(7, 65_536), ack(7, 81_920)]);
  });

  it("[R-4] come with each end", () => {
    const bench = reading().say(stream(7)).say(stream(8)).send(7, 0, "a\n", FINAL).send(8, 0, "b\n");
    expect(bench.consumeAll().sent()).toEqual([ack(7, 2, true), ack(8, 2)]);
  });

  it("come once", () => {
    const bench = reading().say(stream(7)).send(7, 0, "a\n");
    bench.consumeAll();
    expect(bench.sent()).toEqual([ack(7, 2)]);
    bench.clear().say(stream(8)).send(8, 0, "b\n").consumeAll();
    expect(bench.sent()).toEqual([ack(8, 2)]);
  });
});

describe("leaving", () => {
  it("acknowledges what was put out, leaves, and passes nothing on", () => {
    const bench = reading().say(stream(7)).send(7, 0, "a\n").send(7, 2, "b\n");
    const first = bench.notices()[1];
    if (first?.type !== "chunk") throw new Error("no chunk");
    bench.clear().do({ type: "consumed", ref: 1, stream: first.stream, offset: 2, end: false });
    bench.do({ type: "leave", ref: 1 }).do({ type: "leave", ref: 1 });
    expect(bench.sent()).toEqual([ack(7, 2), { type: "leave", ref: 1 }]);
    bench
      .clear()
      .send(7, 4, "c\n")
      .say(stream(9))
      .do({ type: "consumed", ref: 1, stream: first.stream, offset: 4, end: false });
    expect(bench.effects).toEqual([]);
    expect(bench.say({ type: "done", ref: 1 }).noticeTypes()).toEqual(["done"]);
  });

  it("does not wait for a satellite that is away, and tells it when it is back", () => {
    const bench = reading().say(stream(7)).cut().clear().do({ type: "leave", ref: 1 });
    expect(bench.noticeTypes()).toEqual(["done"]);
    bench.clear().greet({ resumed: true }).say({ type: "attached", ref: 1 }).say(stream(7)).send(7, 0, "a\n");
    expect(bench.sentTypes()).toEqual(["hello", "leave"]);
    expect(bench.notices()).toEqual([]);
  });

  it("has left when the connection is lost meanwhile", () => {
    const bench = reading().do({ type: "leave", ref: 1 }).clear().cut();
    expect(bench.noticeTypes()).toEqual(["done"]);
  });

  it("[S-7] acknowledges before bye", () => {
    const bench = reading().say(stream(7)).say(stream(8)).send(7, 0, "a\n").send(8, 0, "b\n");
    const first = bench.notices()[2];
    if (first?.type !== "chunk") throw new Error("no chunk");
    bench.do({ type: "consumed", ref: 1, stream: first.stream, offset: 2, end: false }).clear();
    expect(bench.do({ type: "close" }).sent()).toEqual([ack(7, 2), { type: "bye" }]);
  });
});

describe("a lost connection", () => {
  it("[S-5] repeats read until it is answered", () => {
    const bench = new Bench().greet().read(1).cut().clear().greet({ resumed: true });
    expect(bench.sentTypes()).toEqual(["hello", "read"]);
  });

  it("[S-10] says that it is inside a binary stream, as the satellite may have forgotten it", () => {
    const bench = reading()
      .say(stream(7))
      .send(7, 0, "ab", Flag.binary)
      .cut()
      .clear()
      .greet({ resumed: true });
    expect(bench.sent()).toMatchObject([{ resume: { readers: [{ streams: [[7, 2, 0, 3]] }] } }]);
  });

  it("[S-4] [R-6] [L-11] says what has come, drops what comes again, and acknowledges again", () => {
    const bench = reading().say(stream(7)).send(7, 0, "a\n").consumeAll().send(7, 2, "b\n").cut().clear();
    bench.greet({ resumed: true });
    expect(bench.sent()).toMatchObject([{ resume: { readers: [{ ref: 1, streams: [[7, 4, 2, 0]] }] } }]);
    bench.clear().say({ type: "attached", ref: 1 }).say(stream(7));
    expect(bench.sent()).toEqual([ack(7, 2)]);
    bench.send(7, 0, "a\n").send(7, 2, "b\n").send(7, 4, "c\n");
    expect(bench.noticeTypes()).toEqual(["chunk"]);
    expect(output(bench)).toBe("c\n");
  });

  it("acknowledges what was put out while it was away", () => {
    const bench = reading()
      .say(stream(7))
      .send(7, 0, "a\n")
      .cut()
      .consumeAll()
      .clear()
      .greet({ resumed: true });
    expect(bench.clear().say(stream(7)).sent()).toEqual([ack(7, 2)]);
  });

  it("at FINAL: does not end twice", () => {
    for (const [offset, text] of [
      [0, "a\n"],
      [2, ""],
    ] as const) {
      const bench = reading().say(stream(7));
      if (offset > 0) bench.send(7, 0, "a\n");
      bench.send(7, offset, text, FINAL).cut().clear().greet({ resumed: true }).say(stream(7));
      bench.send(7, 0, "a\n", offset > 0 ? LINE : FINAL).send(7, offset, text, FINAL);
      expect(bench.notices()).toEqual([]);
    }
  });

  it("before FINAL: takes an empty end behind what has come", () => {
    const bench = reading().say(stream(7)).send(7, 0, "a\n").cut().greet({ resumed: true }).clear();
    bench.say(stream(7)).send(7, 2, "", Flag.final);
    expect(bench.notices()).toMatchObject([{ type: "end", cause: "eof" }]);
  });

  it("at the ack of an end: acknowledges it again when the satellite tells the stream again", () => {
    const bench = reading().say(stream(7)).send(7, 0, "a\n", FINAL).consumeAll().cut().clear();
    bench.greet({ resumed: true });
    expect(bench.sent()).toMatchObject([{ resume: { readers: [{ streams: [[7, 2, 2, 1]] }] } }]);
    bench.clear().say({ type: "attached", ref: 1 }).say(stream(7));
    expect(bench.sent()).toEqual([ack(7, 2, true)]);
    expect(bench.clear().say({ type: "done", ref: 1 }).noticeTypes()).toEqual(["done"]);
  });

  it("[S-11] remembers a stream whose end the satellite has heard of, should that lose power and offer it again", () => {
    const bench = reading({ mode: "follow" }).say(stream(7)).send(7, 0, "a\n", FINAL).consumeAll();
    bench.pass(5_000).pong().cut().clear().greet({ resumed: true });
    expect(bench.sent()).toMatchObject([{ resume: { readers: [{ ref: 1, streams: [[7, 2, 2, 1]] }] } }]);
    bench.clear().say({ type: "attached", ref: 1 }).say(stream(7)).send(7, 0, "a\n", FINAL);
    expect(bench.notices()).toEqual([]);
    expect(bench.sent().at(-1)).toEqual(ack(7, 2, true));
  });

  it("[R-6] forgets all but the 1,024 streams that ended last, once their ends are known to have been heard of", () => {
    const bench = reading({ mode: "follow" });
    for (let id = 1; id <= 1_100; id++)
      bench.clear().say(stream(id)).send(id, 0, "", Flag.final).consumeAll();
    const [hello] = bench.pass(5_000).pong().cut().clear().greet({ resumed: true }).sent();
    const streams = JSON.parse(JSON.stringify(hello)).resume.readers[0].streams as number[][];
    expect([streams.length, streams[0]?.[0]]).toEqual([1_024, 77]);
  });

  it("[S-11] attaches again when a pong comes before a word of it: the satellite has forgotten it", () => {
    const bench = reading({ mode: "follow" }).say(stream(7)).send(7, 0, "a\n").consumeAll();
    bench.cut().clear().greet({ resumed: true }).clear().pass(20_000).pong();
    expect(bench.sentTypes()).toEqual(["read"]);
  });

  it("asks early when very many ends wait to be known", () => {
    const bench = reading({ mode: "follow" });
    for (let id = 1; id <= 256; id++) bench.clear().say(stream(id)).send(id, 0, "", Flag.final).consumeAll();
    expect(bench.types()).toContain("ping");
  });

  it("says no more in hello than there is room for", () => {
    const bench = reading({ mode: "follow" });
    const first = 2 ** 47;
    for (let id = first; id < first + 5_000; id++) {
      bench.clear().say(stream(id)).send(id, 0, "", Flag.final).consumeAll();
    }
    const [hello] = bench.cut().clear().greet({ resumed: true }).sent();
    expect(bytesOf(JSON.stringify(hello)).length).toBeLessThan(65_536);
  });
});

describe("a session that is over", () => {
  it("comes back as new where nothing of a delivery had come", () => {
    const bench = reading()
      .say(stream(7))
      .cut()
      .pass(GRACE_MS * 10)
      .clear()
      .greet();
    expect(bench.sentTypes()).toEqual(["hello", "read"]);
    expect(bench.notices()).toEqual([{ type: "withdrawn", ref: 1, stream: stream(7) }]);
    bench.clear().say({ type: "attached", ref: 1 }).say(stream(7)).send(7, 0, "a\n");
    expect(output(bench)).toBe("a\n");
    expect(bench.noticeTypes()).not.toContain("attached");
  });

  it("gives up after the grace in the middle of a delivery, with `expired`", () => {
    for (const mode of ["plain", "one", "peek"] as const) {
      const bench = reading({ mode }).say(stream(7)).send(7, 0, "a\n").cut().clear().pass(GRACE_MS);
      expect(bench.notices()).toMatchObject([{ type: "failed", ref: 1, error: { code: "expired" } }]);
    }
  });

  it("gives up as soon as the session is known to be over", () => {
    for (const expired of [false, true]) {
      const bench = reading().say(stream(7)).send(7, 0, "a\n").cut().clear().greet({ expired }).pong();
      expect(bench.notices()).toMatchObject([{ type: "failed", error: { code: "expired" } }]);
    }
  });

  it("[L-11] brings a follower back without a gap or a repeat, where the satellite is the same", () => {
    const bench = reading({ mode: "follow" }).say(stream(7)).send(7, 0, "a\n").send(7, 2, "b\n");
    bench
      .cut()
      .pass(GRACE_MS * 2)
      .clear()
      .greet({ expired: true })
      .pong();
    expect(bench.sentTypes()).toEqual(["hello", "read"]);
    bench.clear().say({ type: "attached", ref: 1 }).say(stream(7, 2)).send(7, 2, "b\n").send(7, 4, "c\n");
    expect(output(bench)).toBe("c\n");
  });

  it("[L-11] does not take an end for known that the old session may not have heard of", () => {
    const bench = reading({ mode: "follow" }).say(stream(7)).send(7, 0, "a\n", FINAL).consumeAll().cut();
    bench.clear().greet({ expired: true }).pong().say({ type: "attached", ref: 1 });
    bench.say(stream(7)).send(7, 0, "a\n", FINAL);
    expect(output(bench)).toBe("");
    expect(bench.sent().at(-1)).toEqual(ack(7, 2, true));
  });

  it("[R-3] acknowledges in the new session no more than was sent in it", () => {
    const bench = reading({ mode: "follow" })
      .say(stream(7))
      .send(7, 0, "a\n")
      .send(7, 2, "b\n", FINAL)
      .consumeAll();
    bench
      .cut()
      .pass(GRACE_MS * 2)
      .clear()
      .greet({ expired: true })
      .pong();
    bench.clear().say({ type: "attached", ref: 1 }).say(stream(7)).send(7, 0, "a\n");
    expect(bench.sent().at(-1)).toEqual(ack(7, 2));
    bench.clear().send(7, 2, "b\n", FINAL);
    expect(bench.sent()).toEqual([ack(7, 4, true)]);
    expect(bench.notices()).toEqual([]);
  });

  it("tells a follower of what others took meanwhile", () => {
    const bench = reading({ mode: "follow" }).say(stream(7)).send(7, 0, "a\n").cut();
    bench.clear().greet({ expired: true }).pong().say({ type: "attached", ref: 1 }).say(stream(7, 10));
    expect(bench.notices()).toMatchObject([{ type: "gap", from: 2, to: 10 }]);
  });

  it("[S-9] takes nothing that a new satellite says for what an old one said", () => {
    const bench = reading({ mode: "follow" }).say(stream(7)).send(7, 0, "old\n").cut().clear().greet();
    const old = bench.notices();
    expect(old).toEqual([]);
    bench.say({ type: "attached", ref: 1 }).say(stream(7)).send(7, 0, "new\n");
    expect(output(bench)).toBe("new\n");
  });
});
