/** How streams and readers end other than well: L-9, L-12. PROTOCOL §8. */
import { expect, it } from "vitest";
import { Flag } from "../../satellite/wire/frame.ts";
import { cutSeen, eventually, fence, leave, parts, place, type Start } from "./harness.ts";

function truth(start: Start): void {
  const at = place(start);

  it("[L-9] readers learn of an abort at once, with its reason, and are done", async () => {
    const pipe = at.pipe();
    const [writing, one, two] = await at.greetAll(3);
    const readers = [await one.read(pipe), await two.read(pipe)];
    const writer = await writing.open(pipe);
    writer.write("half\n");
    for (const reader of readers) await reader.untilText("half\n");
    writer.abort("killed by a signal");
    expect(await one.next("aborted")).toMatchObject({ stream: writer.stream, offset: 5, code: "aborted" });
    for (const reader of readers) {
      await reader.untilDone();
      expect(reader.seen(writer)).toMatchObject({ ended: "aborted", reason: "killed by a signal" });
    }
    expect(await two.row(pipe)).toBeUndefined();
  });

  it("[L-9] `done` comes when the abort is acknowledged", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.write("half\n");
    writer.abort();
    await reader.untilEnded(writer);
    await fence(reading);
    expect(reader.isDone).toBe(false);
    reader.ackAll();
    await reader.untilDone();
  });

  it("[L-9] in a merge the others go on", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const reader = await reading.read(pipe);
    const first = await one.open(pipe);
    const second = await two.open(pipe);
    first.write("1\n");
    second.write("2\n");
    await reader.untilBytes(4);
    first.abort();
    await reader.untilEnded(first);
    second.finish("3\n");
    await reader.untilDone();
    expect(reader.seen(first).ended).toBe("aborted");
    expect(reader.seen(second)).toMatchObject({ ended: "eof" });
  });

  it("[L-9] a follower notes it and stays", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const reader = await reading.read(pipe, "follow");
    const first = await one.open(pipe);
    first.write("1\n");
    await reader.untilText("1\n");
    first.abort();
    await reader.untilEnded(first);
    const second = await two.open(pipe);
    second.finish("2\n");
    await reader.untilText("1\n2\n");
    expect(reader.isDone).toBe(false);
  });

  it("[L-9] what an aborted text left unread belongs to the next merge, and is then gone", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const lost = await one.open(pipe);
    lost.write("fragment");
    await lost.untilSafe();
    lost.abort("gone");
    const running = await two.open(pipe);
    running.write("running\n");
    await running.untilSafe();
    const reader = await reading.read(pipe);
    await reader.untilText("fragmentrunning\n");
    running.finish();
    await reader.untilDone();
    expect(reader.seen(lost)).toMatchObject({ ended: "aborted", reason: "gone" });
    expect(reader.seen(running).ended).toBe("eof");
    expect(await reading.row(pipe)).toBeUndefined();
  });

  it("[L-9] without running text the rest is delivered, ends with aborted, and is gone", async () => {
    const pipe = at.pipe();
    const [one, reading] = await at.greetAll(2);
    const lost = await one.open(pipe);
    lost.write("fragment");
    await lost.untilSafe();
    lost.abort();
    await fence(one);
    const reader = await reading.read(pipe);
    await reader.untilDone();
    expect(reader.text).toBe("fragment");
    expect(reader.seen(lost).ended).toBe("aborted");
    expect(await reading.row(pipe)).toBeUndefined();
  });

  it("[L-9] of binary the rest is a delivery of its own", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const lost = await one.open(pipe, { kind: "binary" });
    lost.write("BIN");
    await lost.untilSafe();
    lost.abort();
    const running = await two.open(pipe);
    running.write("running\n");
    await running.untilSafe();
    const reader = await reading.read(pipe);
    await reader.untilDone();
    expect(reader.text).toBe("BIN");
    expect(reader.seen(lost).ended).toBe("aborted");
    const next = await reading.read(pipe);
    running.finish();
    await next.untilDone();
    expect(next.text).toBe("running\n");
  });

  it("[L-9] an interrupted stream has ended cleanly, and says why", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("a\n");
    writer.finish("", Flag.interrupted);
    await reader.untilDone();
    await writer.untilEndSafe();
    expect(reader.seen(writer).ended).toBe("interrupted");
  });

  it("[L-9] an interrupted stream that was buffered still says why", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    const writer = await end.open(pipe);
    writer.finish("a\n", Flag.interrupted);
    await writer.untilEndSafe();
    const reader = await end.read(pipe);
    await reader.untilDone();
    expect(reader.seen(writer).ended).toBe("interrupted");
  });

  it("[L-9] an abort after the end is ignored", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    const writer = await end.open(pipe);
    writer.finish("whole\n");
    await writer.untilEndSafe();
    writer.abort();
    await fence(end);
    const reader = await end.read(pipe);
    await reader.untilDone();
    expect(reader.seen(writer).ended).toBe("eof");
  });

  it("[L-9] chunks that cross with a removal do no harm", async () => {
    const pipe = at.pipe();
    const [writing, other] = await at.greetAll(2);
    const writer = await writing.open(pipe);
    writer.write("a\n");
    await writer.untilSafe();
    expect(await other.remove(pipe)).toMatchObject({ streams: 1, bytes: 2 });
    writer.write("b\n");
    writer.finish("c\n");
    writer.abort();
    expect(await writer.untilFailed()).toMatchObject({ code: "removed" });
    await fence(writing);
    expect(await other.row(pipe)).toBeUndefined();
  });
}

function waitingOut(start: Start): void {
  const at = place(start, { takeoverMs: 60_000, graceMs: 60_000 });

  it("[L-12] until takeoverMs is over newcomers do not get the stream of a lost reader", async () => {
    const pipe = at.pipe();
    const [writing, one, two] = await at.greetAll(3);
    const lost = await one.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("a\n");
    await lost.untilText("a\n");
    await cutSeen(one, two);
    const newcomer = await two.read(pipe);
    writer.write("b\n");
    await fence(writing, two);
    expect(newcomer.taken).toEqual([]);
    await one.resume();
    writer.finish();
    await lost.untilDone();
    expect(lost.text).toBe("a\nb\n");
    await leave(at, pipe, ["next\n"]);
    await newcomer.untilDone();
    expect(newcomer.text).toBe("next\n");
  });

  it("[L-12] a newcomer joins running text of which one reader is still there", async () => {
    const pipe = at.pipe();
    const [writing, one, two, three] = await at.greetAll(4);
    const lost = await one.read(pipe);
    const there = await two.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("a\n");
    await there.untilText("a\n");
    await lost.untilText("a\n");
    await cutSeen(one, three);
    const newcomer = await three.read(pipe);
    writer.finish("b\n");
    await newcomer.untilDone();
    await there.untilDone();
    expect(newcomer.text).toBe("b\n");
    await one.resume();
    await lost.untilDone();
    expect(lost.text).toBe("a\nb\n");
  });
}

function takeover(start: Start): void {
  const at = place(start, { takeoverMs: 30, graceMs: 60_000 });

  it("[L-12] text is taken over from the lowest unacknowledged line, and the ghost is replaced", async () => {
    const pipe = at.pipe();
    const [writing, one, two] = await at.greetAll(3);
    const ghost = await one.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    for (const line of ["a\n", "b\n", "c\n"]) writer.write(line);
    await ghost.untilText("a\nb\nc\n");
    ghost.ack(writer.stream, 2);
    await fence(one);
    await cutSeen(one, two);
    const newcomer = await two.read(pipe);
    await newcomer.untilText("b\nc\n");
    writer.finish("d\n");
    await newcomer.untilDone();
    expect(newcomer.text).toBe("b\nc\nd\n");
    await one.resume();
    expect(await ghost.untilFailed()).toMatchObject({ code: "replaced" });
    await writer.untilEndSafe();
  });

  it("[L-12] of several lost readers the one that had least decides", async () => {
    const pipe = at.pipe();
    const [writing, one, two, three] = await at.greetAll(4);
    const ghosts = [
      await one.read(pipe, "plain", { autoAck: false }),
      await two.read(pipe, "plain", { autoAck: false }),
    ] as const;
    const writer = await writing.open(pipe);
    for (const line of ["a\n", "b\n", "c\n"]) writer.write(line);
    for (const ghost of ghosts) await ghost.untilText("a\nb\nc\n");
    ghosts[0].ack(writer.stream, 6);
    ghosts[1].ack(writer.stream, 4);
    await fence(one, two);
    await cutSeen(one, three);
    await cutSeen(two, three);
    const newcomer = await three.read(pipe);
    await newcomer.untilText("c\n");
    for (const [index, end] of [one, two].entries()) {
      await end.resume();
      expect(await ghosts[index]?.untilFailed()).toMatchObject({ code: "replaced" });
    }
  });

  it("[L-12] a reader that waited all along takes over", async () => {
    const pipe = at.pipe();
    const writer = await leave(at, pipe, ["a\n", "b\n"]);
    const [one, two] = await at.greetAll(2);
    const lost = await one.read(pipe, "plain", { autoAck: false });
    await lost.untilEnded(writer);
    const waiting = await two.read(pipe);
    await cutSeen(one, two);
    await waiting.untilDone();
    expect(waiting.text).toBe("a\nb\n");
  });

  it("[L-12] a follower that comes takes over too", async () => {
    const pipe = at.pipe();
    const writer = await leave(at, pipe, ["a\n", "b\n"]);
    const [one, two] = await at.greetAll(2);
    const lost = await one.read(pipe, "plain", { autoAck: false });
    await lost.untilEnded(writer);
    await cutSeen(one, two);
    const follower = await two.read(pipe, "follow");
    await follower.untilText("a\nb\n");
    await one.resume();
    expect(await lost.untilFailed()).toMatchObject({ code: "replaced" });
  });

  it("[L-12] a follower that waits takes over too", async () => {
    const pipe = at.pipe();
    const writer = await leave(at, pipe, ["a\n", "b\n"]);
    const [one, two] = await at.greetAll(2);
    const lost = await one.read(pipe, "plain", { autoAck: false });
    await lost.untilEnded(writer);
    const follower = await two.read(pipe, "follow");
    await cutSeen(one, two);
    await follower.untilText("a\nb\n");
  });

  it("[L-12] an ended stream is taken over from its first byte", async () => {
    const pipe = at.pipe();
    const writer = await leave(at, pipe, ["a\n", "b\n", "c\n"]);
    const [one, two] = await at.greetAll(2);
    const ghost = await one.read(pipe, "plain", { autoAck: false });
    await ghost.untilEnded(writer);
    ghost.ack(writer.stream, 4);
    await fence(one);
    await cutSeen(one, two);
    const newcomer = await two.read(pipe);
    await newcomer.untilDone();
    expect(newcomer.text).toBe("a\nb\nc\n");
    await one.resume();
    expect(await ghost.untilFailed()).toMatchObject({ code: "replaced" });
  });

  it("[L-12] a binary stream of which everything is held is taken over from its first byte", async () => {
    const pipe = at.pipe();
    const [writing, one, two] = await at.greetAll(3);
    const writer = await writing.open(pipe, { kind: "binary" });
    writer.write("held");
    await writer.untilSafe();
    const ghost = await one.read(pipe, "plain", { autoAck: false });
    await ghost.untilText("held");
    await cutSeen(one, two);
    const newcomer = await two.read(pipe);
    await newcomer.untilText("held");
    writer.finish("more");
    await newcomer.untilDone();
    expect(newcomer.text).toBe("heldmore");
  });

  it("[L-12] a reader that comes back before anybody took over goes on", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("a\n");
    await reader.untilText("a\n");
    await cutSeen(reading, writing);
    const uptimeS = (await writing.inspect()).uptimeS + 0.06;
    await eventually("takeoverMs over", async () => (await writing.inspect()).uptimeS > uptimeS);
    await reading.resume();
    writer.finish("b\n");
    await reader.untilDone();
    expect(reader.text).toBe("a\nb\n");
  });

  it("[L-12] a reader that leaves is lost at once: text goes on from its lowest unacknowledged line", async () => {
    const pipe = at.pipe();
    const [writing, one, two] = await at.greetAll(3);
    const first = await one.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    for (const line of ["a\n", "b\n", "c\n"]) writer.write(line);
    await first.untilText("a\nb\nc\n");
    first.ack(writer.stream, 4);
    first.leave();
    await first.untilDone();
    await writer.untilSafe();
    const second = await two.read(pipe);
    writer.finish();
    await second.untilDone();
    expect(second.text).toBe("c\n");
  });

  it("[L-12] [L-11] nobody gets a line twice when the reader that left had acknowledged it", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const writer = await writing.open(pipe);
    let got = "";
    for (let turn = 0; turn < 10; turn += 1) {
      const reader = await reading.read(pipe);
      writer.write(`turn ${turn}\n`);
      await reader.untilText(`turn ${turn}\n`);
      await fence(reading);
      reader.leave();
      await reader.untilDone();
      got += reader.text;
    }
    expect(got).toBe(Array.from({ length: 10 }, (_, turn) => `turn ${turn}\n`).join(""));
  });
}

function beyondRescue(start: Start): void {
  const at = place(start, { takeoverMs: 10, graceMs: 80 });

  it("[L-12] a binary stream that is not whole any more aborts when the last of its readers has gone", async () => {
    const pipe = at.pipe();
    const [writing, one, two] = await at.greetAll(3);
    const reader = await one.read(pipe);
    const writer = await writing.open(pipe, { kind: "binary" });
    writer.write("let go");
    await writer.untilSafe();
    await cutSeen(one, two);
    const newcomer = await two.read(pipe);
    expect(await writer.untilFailed()).toMatchObject({ code: "aborted" });
    await fence(two);
    expect(newcomer.taken).toEqual([]);
    expect(newcomer.isDone).toBe(false);
    expect(reader.isDone).toBe(false);
  });

  it("[L-12] so it does when that reader leaves", async () => {
    const pipe = at.pipe();
    const [writing, one] = await at.greetAll(2);
    const reader = await one.read(pipe);
    const writer = await writing.open(pipe, { kind: "binary" });
    writer.write("let go");
    await writer.untilSafe();
    reader.leave();
    expect(await writer.untilFailed()).toMatchObject({ code: "aborted" });
    expect(await one.row(pipe)).toBeUndefined();
  });

  it("[L-12] text without readers is buffered again", async () => {
    const pipe = at.pipe();
    const [writing, one, two] = await at.greetAll(3);
    const reader = await one.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("a\n");
    await writer.untilSafe();
    await cutSeen(one, two);
    await eventually("the reader gone", async () => (await two.row(pipe))?.readers === 0);
    writer.finish("b\n");
    await writer.untilEndSafe();
    expect(reader.text).toBe("a\n");
    const next = await two.read(pipe);
    await next.untilDone();
    expect(next.text).toBe("b\n");
  });
}

export function lawOfEndings(start: Start): void {
  parts(start, {
    truth,
    "before takeover": waitingOut,
    takeover,
    "beyond rescue": beyondRescue,
  });
}
