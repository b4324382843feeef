import { describe, expect, it } from "vitest";
import { Flag } from "../../satellite/wire/frame.ts";
import { PositionState, type ReaderPosition } from "../../satellite/wire/messages.ts";
import { Stage } from "./stage.ts";

describe("a restart", () => {
  it("[S-9] [L-2] the backlog and its order are still there", async () => {
    const stage = new Stage();
    const end = stage.end();
    for (const text of ["a\n", "b\n"]) end.finish(end.open("x"), text);
    stage.restart();
    const first = stage.end().read("x");
    await stage.settle();
    const second = stage.end().read("x");
    await stage.settle();
    expect([first.text, second.text, first.done, second.done]).toEqual(["a\n", "b\n", true, true]);
  });

  it("[S-10] [L-11] what flowed live goes on where the ends are, with no gap and no repeat", () => {
    const stage = new Stage();
    const readerEnd = stage.end();
    const reader = readerEnd.read("x");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x", { kind: "binary" });
    for (const text of ["ab", "cd"]) writerEnd.write(writer, text, Flag.binary);
    stage.restart();
    readerEnd.resume();
    writerEnd.resume();
    writerEnd.write(writer, "ef", Flag.binary);
    writerEnd.finish(writer, "", Flag.binary);
    expect([reader.text, reader.done, writer.endSafe]).toEqual(["abcdef", true, true]);
  });

  it("[S-10] [W-4] nothing is safe that the satellite has not got again, however far its readers are", () => {
    const stage = new Stage();
    const readerEnd = stage.end();
    const reader = readerEnd.read("x");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x", { kind: "binary" });
    stage.deafen(writerEnd.connectionNumber);
    for (const text of ["ab", "cd"]) writerEnd.write(writer, text, Flag.binary);
    stage.restart();
    writerEnd.holdsBack = true;
    writerEnd.resume();
    readerEnd.resume();
    expect([reader.text, writer.safe]).toEqual(["abcd", 0]);
    writerEnd.sendHeldBack();
    expect(writer.safe).toBe(4);
  });

  it("[S-10] [L-4] what went live is not begun by others before its writer has said how far it was", () => {
    const stage = new Stage();
    const readerEnd = stage.end();
    const reader = readerEnd.read("x");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x", { kind: "binary" });
    writerEnd.write(writer, "ab", Flag.binary);
    stage.restart();
    readerEnd.resume();
    readerEnd.say({ type: "leave", ref: reader.ref });
    const late = stage.end().read("x", "one");
    writerEnd.resume();
    expect([late.text, late.streams, writer.error]).toEqual(["", [], "aborted"]);
  });

  it("[S-9] a writer learns of an end that its reader acknowledged just before", () => {
    const stage = new Stage();
    const reader = stage.end().read("x");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x");
    const { connectionNumber } = writerEnd;
    writerEnd.write(writer, "once\n");
    stage.deafen(connectionNumber);
    writerEnd.finish(writer);
    expect([reader.done, writer.endSafe]).toEqual([true, false]);
    stage.restart();
    writerEnd.resume();
    expect(writer.endSafe).toBe(true);
    expect(stage.end().read("x").text).toBe("");
  });

  it("[L-12] what a reader held stays its own for takeoverMs after the restart", async () => {
    const stage = new Stage();
    const end = stage.end();
    end.finish(end.open("x"), "mine\n");
    const holder = stage.end({ autoAck: false });
    const held = holder.read("x");
    await stage.settle();
    stage.restart();
    const newcomer = stage.end().read("x");
    await stage.settle();
    expect(newcomer.text).toBe("");
    stage.advance(stage.limits.takeoverMs);
    await stage.settle();
    expect(newcomer.text).toBe("mine\n");
    holder.resume();
    expect([held.text, held.error]).toEqual(["mine\n", "replaced"]);
  });

  it("[W-2] an empty end needs no credit, where there is none after the restart", () => {
    const stage = new Stage();
    const end = stage.end();
    const writer = end.open("x");
    end.write(writer, "a\n");
    Object.assign(stage.limits, { budgetBytes: 0 });
    stage.restart();
    end.resume();
    expect([writer.credit, writer.safe]).toEqual([0, 2]);
    end.finish(writer);
    expect([end.closedWith, writer.endSafe]).toEqual([null, true]);
  });

  it("[L-10] [L-3] what runs again, as its end was not stored, is not let go for a reader that had it whole", async () => {
    const stage = new Stage({ maxBufferBytes: 24 });
    stage.holdsDurable = true;
    const writerEnd = stage.end();
    const writer = writerEnd.open("x");
    const texts = ["1234567\n", "2345678\n", "3456789\n", "4567890\n"]; // for two of them there is no room
    for (const text of texts) writerEnd.write(writer, text);
    writerEnd.finish(writer);
    const lazy = stage.end({ autoAck: false });
    const first = lazy.read("x");
    await stage.settle();
    expect(first.text).toBe(texts.join(""));
    stage.restart();
    writerEnd.resume();
    stage.advance(stage.limits.graceMs);
    const second = stage.end().read("x");
    await stage.settle();
    expect([writer.error, second.text]).toEqual([null, first.text]);
  });

  it("[L-4] [S-10] a binary stream of which a part is gone aborts as soon as its kind is known again", () => {
    const stage = new Stage();
    const readerEnd = stage.end();
    readerEnd.read("x");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x");
    writerEnd.write(writer, "ab", Flag.binary);
    const fact = stage.fact(`stream/${writer.stream}`) as { kind?: string };
    delete fact.kind;
    stage.restart((key) => key.startsWith("cursor/"));
    writerEnd.resume();
    expect(writer.error).toBe(null);
    writerEnd.write(writer, "cd", Flag.binary);
    expect(writer.error).toBe("aborted");
    expect(stage.broker.idle).toBe(false);
  });

  it("[L-4] [S-11] a reader that waits does not begin a binary stream in the middle, where who had it is forgotten", async () => {
    const stage = new Stage();
    stage.end().read("x");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x");
    writerEnd.write(writer, "ab", Flag.binary);
    delete (stage.fact(`stream/${writer.stream}`) as { kind?: string }).kind;
    stage.restart((key) => /^(cursor|reader)/.test(key));
    const waiting = stage.end().read("x");
    writerEnd.resume();
    writerEnd.write(writer, "cd", Flag.binary);
    expect([writer.error, waiting.text, waiting.done]).toEqual(["aborted", "", false]);
    const other = stage.end();
    other.finish(other.open("x"), "text\n");
    expect([waiting.text, waiting.done]).toEqual(["text\n", true]);
  });

  it("[S-10] [L-7] a reader inside a binary stream stays alone with it, where the journal has lost its kind", () => {
    const stage = new Stage();
    const readerEnd = stage.end();
    const reader = readerEnd.read("x");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x");
    writerEnd.write(writer, "ab", Flag.binary);
    const key = `reader/${readerEnd.session}/${reader.ref}`;
    Object.assign(stage.fact(key) as object, { phase: "merge", hasBegun: false });
    delete (stage.fact(`stream/${writer.stream}`) as { kind?: string }).kind;
    stage.restart();
    const other = stage.end();
    other.finish(other.open("x"), "text\n");
    const { session, secret } = readerEnd;
    const streams: ReaderPosition["streams"] = [[writer.stream, 2, 2, PositionState.binary]];
    readerEnd.connect({ session, secret, writers: [], readers: [{ ref: reader.ref, streams }] });
    stage.advance(stage.limits.midLineMs);
    expect([reader.text, reader.streams]).toEqual(["ab", [writer.stream]]);
    writerEnd.resume();
    writerEnd.finish(writer, "", Flag.binary);
    expect([reader.text, reader.done]).toEqual(["ab", true]);
  });

  it("[S-11] [L-5] a reader whose delivery was forgotten gets nothing of the next one", async () => {
    const stage = new Stage();
    const readerEnd = stage.end();
    const reader = readerEnd.read("x");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x", { kind: "binary" });
    writerEnd.write(writer, "ab", Flag.binary);
    Object.assign(stage.fact(`reader/${readerEnd.session}/${reader.ref}`) as object, { phase: "waiting" });
    stage.restart((key) => /^(cursor|stream|writer)/.test(key));
    const other = stage.end();
    other.finish(other.open("x"), "text\n");
    stage.restart();
    readerEnd.resume();
    other.resume();
    expect([reader.ends.get(writer.stream), reader.done]).toEqual(["aborted", true]);
    const next = stage.end().read("x");
    await stage.settle();
    expect([reader.text, next.text, next.done]).toEqual(["ab", "text\n", true]);
  });

  it("[S-11] [L-9] a reader that was told that its delivery is forgotten is told again until it knows", () => {
    const stage = new Stage();
    const readerEnd = stage.end();
    const reader = readerEnd.read("x");
    const writerEnd = stage.end();
    writerEnd.write(writerEnd.open("x"), "a\n");
    Object.assign(stage.fact(`reader/${readerEnd.session}/${reader.ref}`) as object, { phase: "waiting" });
    stage.restart((key) => /^(cursor|stream|writer)/.test(key));
    for (const told of [false, true]) {
      const { session, secret } = readerEnd;
      const streams: ReaderPosition["streams"] = [[reader.streams[0] as number, 2, 2, PositionState.inside]];
      reader.done = false;
      reader.ends.clear();
      readerEnd.connect({ session, secret, writers: [], readers: [{ ref: reader.ref, streams }] });
      expect([told, [...reader.ends.values()], reader.done]).toEqual([told, ["aborted"], true]);
      stage.restart();
    }
  });

  it("[S-11] [L-11] a follower that was told that a stream is forgotten does not get it once more", async () => {
    const stage = new Stage();
    const readerEnd = stage.end();
    const reader = readerEnd.read("x", "follow");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x");
    writerEnd.write(writer, "a\n");
    stage.restart((key) => key.startsWith("cursor/"));
    readerEnd.resume();
    writerEnd.resume();
    writerEnd.finish(writer, "b\n");
    expect([reader.text, reader.ends.get(writer.stream)]).toEqual(["a\n", "aborted"]);
    const next = stage.end().read("x");
    await stage.settle();
    expect(next.text).toBe("b\n");
  });

  it.each(["plain", "one", "follow"] as const)(
    "[S-11] [L-9] a '%s' reader of a binary stream whose first reader was forgotten is told that the rest went to that one",
    async (mode) => {
      const stage = new Stage();
      const writerEnd = stage.end();
      const writer = writerEnd.open("x", { kind: "binary" });
      writerEnd.write(writer, "ab", Flag.binary);
      const { disk } = stage;
      stage.end().read("x");
      await stage.settle();
      writerEnd.write(writer, "cd", Flag.binary);
      expect(writer.safe).toBe(4);
      stage.restartFrom(disk);
      const reader = stage.end().read("x", mode);
      await stage.settle();
      writerEnd.resume();
      writerEnd.finish(writer, "ef", Flag.binary);
      expect([reader.text, [...reader.ends.values()]]).toEqual(["ab", ["aborted"]]);
      expect([reader.done, writer.error]).toEqual([mode !== "follow", "aborted"]);
      const next = stage.end();
      next.finish(next.open("x"), "text\n");
      const last = stage.end().read("x");
      await stage.settle();
      expect(mode === "follow" ? reader.text : last.text).toBe(mode === "follow" ? "abtext\n" : "text\n");
    },
  );

  it.each(["first", "last"] as const)(
    "[S-11] [L-12] a reader of text that was replaced by one who is forgotten comes back %s, and is told that the rest went to that one",
    async (place) => {
      const stage = new Stage();
      const writerEnd = stage.end();
      const writer = writerEnd.open("x");
      const oldEnd = stage.end();
      const old = oldEnd.read("x");
      writerEnd.write(writer, "a\n");
      const { disk } = stage;
      oldEnd.cut();
      writerEnd.write(writer, "b\n");
      stage.advance(stage.limits.takeoverMs);
      const heir = stage.end().read("x");
      await stage.settle();
      expect([heir.text, writer.safe]).toEqual(["b\n", 4]);
      stage.restartFrom(disk);
      if (place === "first") oldEnd.resume();
      writerEnd.resume();
      if (place === "last") oldEnd.resume();
      writerEnd.finish(writer, "c\n");
      const next = stage.end().read("x");
      await stage.settle();
      expect([old.text, old.ends.get(writer.stream), old.done]).toEqual(["a\n", "aborted", true]);
      expect([next.text, next.done, writer.endSafe]).toEqual(["c\n", true, true]);
    },
  );

  it("[S-11] [L-14] a follower of text goes on behind what a reader had who is forgotten, and is told of the gap", async () => {
    const stage = new Stage();
    const writerEnd = stage.end();
    const writer = writerEnd.open("x");
    writerEnd.write(writer, "a\n");
    const { disk } = stage;
    stage.end().read("x");
    await stage.settle();
    writerEnd.write(writer, "b\n");
    expect(writer.safe).toBe(4);
    stage.restartFrom(disk);
    const follower = stage.end().read("x", "follow");
    await stage.settle();
    writerEnd.resume();
    writerEnd.finish(writer, "c\n");
    expect([follower.text, follower.gaps, writer.endSafe]).toEqual(["a\nc\n", [4], true]);
  });

  describe.each(["SIGKILL", "power"] as const)(
    "[L-11] by %s, with a reader that had joined in mid-line",
    (by) => {
      it.each(["nothing yet", "a line already"] as const)(
        "and had %s: it gets every line behind",
        async (had) => {
          const stage = new Stage();
          const firstEnd = stage.end();
          firstEnd.read("x", "follow");
          const writerEnd = stage.end();
          const writer = writerEnd.open("x");
          writerEnd.write(writer, "a", Flag.boundary);
          const joinedEnd = stage.end();
          const joined = joinedEnd.read("x", "follow");
          const { disk } = stage;
          if (had === "a line already") for (const text of ["b\n", "c\n"]) writerEnd.write(writer, text);
          if (by === "power") stage.restartFrom(disk);
          else stage.restart();
          writerEnd.resume();
          firstEnd.resume();
          for (const text of ["d\n", "e\n"]) writerEnd.write(writer, text);
          writerEnd.finish(writer);
          joinedEnd.resume();
          await stage.settle();
          const behind = had === "a line already" ? "c\nd\ne\n" : "e\n";
          expect([joined.text, joined.gaps, joined.ends.get(writer.stream)]).toEqual([behind, [], "eof"]);
        },
      );
    },
  );

  it("[S-10] [L-8] an end is there for the next, when a follower acknowledges its last line after it, and not the end", async () => {
    const stage = new Stage();
    const followerEnd = stage.end({ autoAck: false });
    const follower = followerEnd.read("x", "follow");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x", { sync: true });
    writerEnd.finish(writer, "a\n");
    stage.restart();
    writerEnd.resume();
    followerEnd.resume();
    followerEnd.say({ type: "ack", ref: follower.ref, stream: writer.stream, offset: 2 });
    followerEnd.say({ type: "leave", ref: follower.ref });
    const next = stage.end().read("x");
    await stage.settle();
    expect([next.text, next.ends.get(writer.stream), next.done]).toEqual(["a\n", "eof", true]);
    expect(writer.taken).toBe(true);
  });

  it("[S-11] facts go to the journal before anything that follows from them is sent", () => {
    const stage = new Stage();
    const end = stage.end();
    stage.effects.length = 0;
    end.open("x");
    end.read("y");
    const types = stage.effects.map(({ type }) => type);
    expect(types.indexOf("note")).toBe(0);
    expect(types.lastIndexOf("note")).toBeLessThan(types.lastIndexOf("send"));
  });
});
