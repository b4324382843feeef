/** A writer from its own end (PROTOCOL.md §6). */
import { describe, expect, it } from "vitest";
import { Flag } from "../../satellite/wire/frame.ts";
import type { Opened } from "../../satellite/wire/messages.ts";
import { Bench, GRACE_MS, LINE } from "./bench.ts";

const FINAL = Flag.final;

function opened(fields: Partial<Opened> = {}): Opened {
  return { type: "opened", ref: 1, stream: 7, received: 0, safe: 0, credit: 65_536, ...fields };
}

function ack(offset: number, fields: { end?: true; credit?: number; stream?: number } = {}) {
  return { type: "ack", ref: 1, stream: 7, offset, credit: offset + 65_536, ...fields } as const;
}

/** A bench with writer 1 open as stream 7. */
function writing(options: Parameters<Bench["open"]>[1] = {}): Bench {
  return new Bench().greet().open(1, options).say(opened()).clear();
}

/** Three lines written, the first one safe; then the grace passes. */
function away(options: Parameters<typeof writing>[0] = {}): Bench {
  const bench = writing(options).write(1, "a\n").write(1, "b\n").write(1, "c\n").say(ack(2));
  return bench
    .cut()
    .pass(GRACE_MS + 1)
    .clear();
}

describe("opening", () => {
  it("asks for a stream with what is known of it", () => {
    const bench = new Bench().greet().clear().open(1, { size: 3, name: "f", sync: true, kind: "binary" });
    expect(bench.sent()).toEqual([
      { type: "open", ref: 1, pipe: "p", size: 3, name: "f", sync: true, kind: "binary" },
    ]);
    bench.clear().say(opened());
    expect(bench.notices()).toEqual([{ type: "opened", ref: 1, stream: 7 }]);
  });

  it("holds what is written until the stream is open, and no more than a chunk of it", () => {
    const bench = new Bench().greet().open(1).clear().write(1, "a\n");
    expect(bench.types()).toEqual(["notice"]);
    bench.write(1, "x".repeat(65_536));
    expect(bench.noticeTypes()).toEqual(["accepted"]);
    bench.clear().say(opened());
    expect(bench.chunks()).toEqual([[0, "a\n", LINE]]);
    expect(bench.noticeTypes()).toEqual(["opened"]);
    bench.clear().say(ack(2));
    expect(bench.frames()).toHaveLength(1);
    expect(bench.noticeTypes()).toEqual(["safe", "accepted"]);
  });

  it("[S-5] repeats open after a loss until it is answered", () => {
    const bench = new Bench().greet().open(1).cut().clear().greet({ resumed: true });
    expect(bench.sentTypes()).toEqual(["hello", "open"]);
    bench.clear().write(1, "a\n").say(opened());
    expect(bench.chunks()).toEqual([[0, "a\n", LINE]]);
  });

  it("sends the end with the last chunk where that was not sent", () => {
    const bench = new Bench().greet().open(1).write(1, "go\n").finish(1).clear().say(opened());
    expect(bench.chunks()).toEqual([[0, "go\n", LINE | FINAL]]);
    expect(Buffer.from(bench.frames()[0]?.frame ?? []).toString("hex")).toBe(
      "010b0000000000070000000000000000676f0a",
    );
  });

  it("[L-8] ends an empty stream with an empty chunk, without credit", () => {
    const bench = new Bench()
      .greet()
      .open(1)
      .finish(1)
      .clear()
      .say(opened({ credit: 0 }));
    expect(bench.chunks()).toEqual([[0, "", FINAL]]);
  });

  it("fails as the satellite says, and lets it forget", () => {
    const bench = new Bench().greet().open(1).clear();
    bench.say({ type: "error", ref: 1, code: "forbidden", message: "no" });
    expect(bench.notices()).toMatchObject([
      { type: "failed", ref: 1, error: { code: "forbidden", message: "no" } },
    ]);
    expect(bench.sent()).toEqual([{ type: "release", ref: 1 }]);
    bench.clear().write(1, "x\n").finish(1).do({ type: "abort", ref: 1 });
    expect(bench.effects).toEqual([]);
  });
});

describe("sending", () => {
  it("[W-1] sends chunks in order, each where the last one ended", () => {
    const bench = writing().write(1, "a\n").write(1, "bc\n").finish(1);
    expect(bench.chunks()).toEqual([
      [0, "a\n", LINE],
      [2, "bc\n", LINE],
      [5, "", FINAL],
    ]);
  });

  it("[W-2] sends no chunk that ends beyond the credit, but an empty end", () => {
    const bench = writing().write(1, "x".repeat(65_530)).write(1, "0123456789\n");
    expect(bench.chunks().map(([offset]) => offset)).toEqual([0]);
    bench.clear().say(ack(0, { credit: 65_541 }));
    expect(bench.chunks()).toEqual([[65_530, "0123456789\n", LINE]]);
    bench.clear().finish(1);
    expect(bench.chunks()).toEqual([[65_541, "", FINAL]]);
  });

  it("[W-2] takes no credit back", () => {
    const bench = writing()
      .say(ack(0, { credit: 10 }))
      .write(1, "0123456789\n");
    expect(bench.chunks()).toHaveLength(1);
  });

  it("tells how much is safe, once for each step, and never less", () => {
    const bench = writing().write(1, "a\n").write(1, "b\n").clear();
    bench.say(ack(2)).say(ack(2)).say(ack(0)).say(ack(4));
    expect(bench.notices()).toEqual([
      { type: "safe", ref: 1, bytes: 2 },
      { type: "safe", ref: 1, bytes: 4 },
    ]);
  });

  it("waits for safety when very many small chunks are under way, so that what comes is put together", () => {
    const bench = writing().say(ack(0, { credit: 2 ** 24 }));
    for (let i = 0; i < 4_096; i++) bench.write(1, "\n");
    expect(bench.noticeTypes().filter((type) => type === "accepted")).toHaveLength(4_095);
    bench.clear().say(ack(1));
    expect(bench.noticeTypes()).toEqual(["safe", "accepted"]);
  });

  it("passes pause and continue on", () => {
    const bench = writing().say({ type: "pause", ref: 1, stream: 7, reason: "full" });
    bench.say({ type: "continue", ref: 1, stream: 7 });
    expect(bench.notices()).toEqual([
      { type: "paused", ref: 1, reason: "full" },
      { type: "continued", ref: 1 },
    ]);
  });

  it("says so when a satellite speaks to a writer as to a reader", () => {
    const bench = writing().say({ type: "attached", ref: 1 });
    expect(bench.notices()).toMatchObject([{ type: "failed", error: { code: "protocol" } }]);
    expect(bench.effects).toContainEqual({ type: "close", connection: 1, code: "protocol" });
  });
});

describe("the end", () => {
  it("[W-4] [L-13] succeeds when the end is safe, not when the bytes are", () => {
    const bench = writing().write(1, "a\n").finish(1).clear().say(ack(2));
    expect(bench.noticeTypes()).toEqual(["safe"]);
    bench.clear().say(ack(2, { end: true }));
    expect(bench.notices()).toEqual([{ type: "finished", ref: 1 }]);
    expect(bench.sent()).toEqual([{ type: "release", ref: 1 }]);
  });

  it("[W-6] [L-13] waits for a reader that has taken it all where that was asked for", () => {
    const bench = writing({ sync: true })
      .finish(1)
      .clear()
      .say(ack(0, { end: true }));
    expect(bench.notices()).toEqual([]);
    bench.say({ type: "taken", ref: 1, stream: 7 });
    expect(bench.notices()).toEqual([{ type: "finished", ref: 1 }]);
    const early = writing({ sync: true }).finish(1).clear().say({ type: "taken", ref: 1, stream: 7 });
    expect(early.notices()).toEqual([]);
    expect(early.say(ack(0, { end: true })).noticeTypes()).toEqual(["finished"]);
  });

  it("[W-6] fails where it was removed before anybody had taken it", () => {
    const bench = writing({ sync: true })
      .finish(1)
      .say(ack(0, { end: true }))
      .clear();
    bench.say({ type: "error", ref: 1, code: "removed", message: "gone" });
    expect(bench.notices()).toMatchObject([{ type: "failed", error: { code: "removed" } }]);
  });

  it("marks an interrupted end", () => {
    const bench = writing().write(1, "a\n").finish(1, true);
    expect(bench.chunks().at(-1)).toEqual([2, "", FINAL | Flag.interrupted]);
  });

  it("[F-6] marks the end of a binary stream as binary", () => {
    expect(writing({ kind: "binary" }).finish(1).chunks()).toEqual([[0, "", FINAL | Flag.binary]]);
    const decided = writing().write(1, "x", Flag.binary).finish(1);
    expect(decided.chunks().at(-1)).toEqual([1, "", FINAL | Flag.binary]);
  });

  it("ends once", () => {
    expect(writing().finish(1).finish(1, true).chunks()).toEqual([[0, "", FINAL]]);
  });

  it("aborts, with the reason, and is told nothing more", () => {
    const bench = writing().write(1, "a\n").clear().do({ type: "abort", ref: 1, reason: "killed" });
    expect(bench.sent()).toEqual([
      { type: "abort", ref: 1, reason: "killed" },
      { type: "release", ref: 1 },
    ]);
    expect(bench.clear().say(ack(2)).effects).toEqual([]);
  });
});

describe("a lost connection", () => {
  it("[S-4] [S-5] [W-3] goes on from `received`, chunk by chunk as before", () => {
    const bench = writing().write(1, "a\n").write(1, "b\n").write(1, "c\n").cut();
    bench.clear().greet({ resumed: true });
    expect(bench.sentTypes()).toEqual(["hello"]);
    bench.say(opened({ received: 2 }));
    expect(bench.chunks()).toEqual([
      [2, "b\n", LINE],
      [4, "c\n", LINE],
    ]);
  });

  it("sends again what was sent as it was, and puts the end behind it", () => {
    const bench = writing().write(1, "a\n").cut().finish(1).greet({ resumed: true }).clear().say(opened());
    expect(bench.chunks()).toEqual([
      [0, "a\n", LINE],
      [2, "", FINAL],
    ]);
  });

  it("holds what is written meanwhile, and no more than a chunk of it", () => {
    const bench = writing().cut().clear().write(1, "a\n");
    expect(bench.noticeTypes()).toEqual(["accepted"]);
    expect(bench.clear().write(1, "x".repeat(65_536)).effects).toEqual([]);
    bench
      .greet({ resumed: true })
      .clear()
      .say(opened({ credit: 100_000 }));
    expect(bench.frames()).toHaveLength(2);
    expect(bench.noticeTypes()).toEqual(["accepted"]);
  });

  it("at FINAL: sends an empty end again, and not one that came with its bytes", () => {
    const empty = writing().write(1, "a\n").finish(1).cut().greet({ resumed: true }).clear();
    expect(empty.say(opened({ received: 2 })).chunks()).toEqual([[2, "", FINAL]]);
    const full = new Bench().greet().open(1).write(1, "a\n").finish(1).say(opened()).cut();
    full
      .greet({ resumed: true })
      .clear()
      .say(opened({ received: 2 }));
    expect(full.chunks()).toEqual([]);
    expect(full.say(ack(2, { end: true })).noticeTypes()).toEqual(["safe", "finished"]);
  });

  it("at the ack of the end: the satellite tells it again", () => {
    const bench = writing().write(1, "a\n").finish(1).say(ack(2)).cut().greet({ resumed: true }).clear();
    bench.say(opened({ received: 2, safe: 2 })).say(ack(2, { end: true }));
    expect(bench.noticeTypes()).toEqual(["finished"]);
  });

  it("at the release: the satellite is told again", () => {
    const bench = writing()
      .finish(1)
      .say(ack(0, { end: true }))
      .cut()
      .greet({ resumed: true })
      .clear();
    expect(bench.say(opened()).sent()).toEqual([
      { type: "abort", ref: 1 },
      { type: "release", ref: 1 },
    ]);
  });

  it("during a resume: goes on from the next `received`", () => {
    const bench = writing().write(1, "a\n").cut().greet({ resumed: true }).cut();
    bench.greet({ resumed: true }).clear().say(opened());
    expect(bench.chunks()).toEqual([[0, "a\n", LINE]]);
  });

  it("aborts when it can, if it is aborted meanwhile", () => {
    const bench = writing().cut().do({ type: "abort", ref: 1 }).greet({ resumed: true }).clear();
    expect(bench.say(opened()).sentTypes()).toEqual(["abort", "release"]);
  });

  it("[C-3] is not misled by an answer that is repeated", () => {
    const bench = writing().write(1, "a\n").clear().say(opened());
    expect(bench.effects).toEqual([]);
  });
});

describe("a session that is over", () => {
  it("[S-6] continues text in a new stream exactly where the satellite was", () => {
    const bench = away({ size: 9 }).greet({ session: "s2", secret: "new", expired: true });
    expect(bench.sentTypes()).toEqual(["hello"]);
    bench.say({ type: "expired", ref: 1, stream: 7, received: 4 }).pong();
    expect(bench.sent().at(-1)).toEqual({ type: "open", ref: 1, pipe: "p" });
    bench.clear().say(opened({ stream: 9 }));
    expect(bench.chunks()).toEqual([[0, "c\n", LINE]]);
    expect(bench.frames()[0]?.stream).toBe(9);
    bench.clear().say(ack(2, { stream: 9 }));
    expect(bench.notices()).toEqual([{ type: "safe", ref: 1, bytes: 6 }]);
  });

  it("continues at what was safe where the satellite does not know", () => {
    const bench = away().greet();
    expect(bench.sentTypes()).toEqual(["hello", "open"]);
    bench
      .clear()
      .say(opened({ stream: 7 }))
      .finish(1);
    expect(bench.chunks()).toEqual([
      [0, "b\n", LINE],
      [2, "c\n", LINE],
      [4, "", FINAL],
    ]);
  });

  it("continues in the middle of a chunk where that much was safe", () => {
    const bench = writing()
      .write(1, "a\nb\n")
      .say(ack(2))
      .cut()
      .greet()
      .clear()
      .say(opened({ stream: 9 }));
    expect(bench.chunks()).toEqual([[0, "b\n", LINE]]);
  });

  it("[S-9] treats a satellite that forgot the session the same way, without waiting for the grace", () => {
    const bench = writing().write(1, "a\n").finish(1).cut().clear().greet();
    expect(bench.sentTypes()).toEqual(["hello", "open"]);
    bench.clear().say(opened({ stream: 1 }));
    expect(bench.chunks()).toEqual([
      [0, "a\n", LINE],
      [2, "", FINAL],
    ]);
  });

  it("[S-6] does not end a second time where the end had come", () => {
    const bench = writing().write(1, "a\n").finish(1).cut().clear().greet({ expired: true });
    bench.say({ type: "expired", ref: 1, stream: 7, received: 2, end: true }).pong();
    expect(bench.sentTypes()).toEqual(["hello", "release"]);
    expect(bench.notices()).toEqual([{ type: "finished", ref: 1 }]);
  });

  it("ends again where the bytes had come and the end had not", () => {
    const bench = writing().write(1, "a\n").finish(1).cut().greet({ expired: true }).clear();
    bench
      .say({ type: "expired", ref: 1, stream: 7, received: 2 })
      .pong()
      .say(opened({ stream: 9 }));
    expect(bench.chunks()).toEqual([[0, "", FINAL]]);
  });

  it("asks again how much had come when the connection is lost before it is told", () => {
    const bench = away().greet({ session: "s2", secret: "new", expired: true }).cut().clear();
    bench.greet({ session: "s3", expired: true });
    expect(bench.sent()[0]).toMatchObject({ resume: { session: "s1", secret: "secret" } });
    bench.say({ type: "expired", ref: 1, stream: 7, received: 6 }).pong().clear();
    bench.finish(1).say(opened({ stream: 9 }));
    expect(bench.chunks()).toEqual([[0, "", FINAL]]);
  });

  it("keeps what it was told until the new stream is open", () => {
    const bench = away().greet({ session: "s2", expired: true });
    bench.say({ type: "expired", ref: 1, stream: 7, received: 4 }).pong().cut();
    bench.greet({ session: "s2", resumed: true });
    bench.clear().say(opened({ stream: 9 }));
    expect(bench.chunks()).toEqual([[0, "c\n", LINE]]);
  });

  it("goes on through several sessions, counting all that was written", () => {
    const bench = away()
      .greet()
      .say(opened({ stream: 1 }))
      .say(ack(2, { stream: 1 }))
      .cut();
    bench
      .clear()
      .greet()
      .say(opened({ stream: 2 }));
    expect(bench.chunks()).toEqual([[0, "c\n", LINE]]);
    bench.clear().say(ack(2, { stream: 2 }));
    expect(bench.notices()).toEqual([{ type: "safe", ref: 1, bytes: 6 }]);
  });

  it("keeps a writer that is not open yet, whatever its kind", () => {
    const bench = new Bench().greet().open(1, { kind: "binary", size: 3 }).cut().clear().greet();
    expect(bench.sent().at(-1)).toMatchObject({ type: "open", size: 3, kind: "binary" });
  });

  it("gives a binary writer up after the grace, with `expired`", () => {
    const bench = writing({ kind: "binary" })
      .write(1, "x", Flag.binary)
      .cut()
      .clear()
      .pass(GRACE_MS - 1);
    expect(bench.notices()).toEqual([]);
    bench.pass(1);
    expect(bench.notices()).toMatchObject([{ type: "failed", ref: 1, error: { code: "expired" } }]);
    expect(bench.notices()[0]).toHaveProperty("error.message", expect.stringMatching(/sat:80.*'p'/));
  });

  it("gives a binary writer up as soon as its session is known to be over", () => {
    for (const expired of [false, true]) {
      const bench = writing().write(1, "x", Flag.binary).cut().clear().greet({ expired }).pong();
      expect(bench.notices()).toMatchObject([{ type: "failed", error: { code: "expired" } }]);
    }
  });

  it("[W-6] gives up waiting for a reader: whether one has taken it is not known", () => {
    const bench = writing({ sync: true })
      .finish(1)
      .say(ack(0, { end: true }))
      .cut()
      .clear()
      .greet();
    expect(bench.notices()).toMatchObject([{ type: "failed", error: { code: "expired" } }]);
    const told = writing({ sync: true }).finish(1).cut().clear().greet({ expired: true });
    told.say({ type: "expired", ref: 1, stream: 7, received: 0, end: true }).pong();
    expect(told.notices()).toMatchObject([{ type: "failed", error: { code: "expired" } }]);
  });

  it("[W-6] goes on with `sync` text, and does not say in the end that a reader has all of it", () => {
    const bench = away({ sync: true }).finish(1).greet({ session: "s2", expired: true });
    bench
      .say({ type: "expired", ref: 1, stream: 7, received: 4 })
      .pong()
      .say(opened({ stream: 9 }));
    expect(bench.chunks()).toEqual([
      [0, "c\n", LINE],
      [2, "", FINAL],
    ]);
    bench.clear().say(ack(2, { stream: 9, end: true }));
    expect(bench.notices()).toMatchObject([{ type: "safe" }, { type: "failed", error: { code: "expired" } }]);
    const whole = writing({ sync: true }).cut();
    whole.pass(GRACE_MS + 1).greet({ session: "s2", expired: true });
    whole.say({ type: "expired", ref: 1, stream: 7, received: 0 }).pong().write(1, "a\n").finish(1);
    whole.say(opened({ stream: 9 })).say(ack(2, { stream: 9, end: true }));
    whole.clear().say({ type: "taken", ref: 1, stream: 9 });
    expect(whole.notices()).toEqual([{ type: "finished", ref: 1 }]);
  });

  it("tries on with text until it is stopped", () => {
    const bench = away().pass(3_600_000);
    expect(bench.notices()).toEqual([]);
    bench.do({ type: "close" });
    expect(bench.notices()).toMatchObject([{ type: "failed", error: { code: "aborted" } }]);
  });
});
