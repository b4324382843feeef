/** Several ends that come and go at once: where the rules of L-3 to L-15 meet. PROTOCOL §8. */
import { expect, it } from "vitest";
import { cutSeen, fence, leave, parts, place, type Start } from "./harness.ts";

const KiB = 1024;

function comingAndGoing(start: Start): void {
  const at = place(start, { takeoverMs: 60_000, graceMs: 60_000, midLineMs: 60_000 });

  it("[W-4] [L-4] when a reader that acknowledged nothing leaves, the others decide what is safe", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const slow = await one.read(pipe, "plain", { autoAck: false });
    const quick = await two.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("a\n");
    await quick.untilText("a\n");
    await slow.untilText("a\n");
    slow.leave();
    await slow.untilDone();
    await writer.untilSafe(2);
    writer.finish("b\n");
    await quick.untilDone();
    expect(quick.text).toBe("a\nb\n");
    await writer.untilEndSafe();
    expect(await one.row(pipe)).toBeUndefined();
  });

  it("[L-12] [L-13] what only the reader that left was given is not lost, though another had joined after it", async () => {
    const pipe = at.pipe();
    const [one, two, three, writing] = await at.greetAll(4);
    const first = await one.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.write("a\n");
    writer.write("b\n");
    await first.untilText("a\nb\n");
    const second = await two.read(pipe);
    await fence(two);
    first.leave();
    await first.untilDone();
    writer.finish("c\n");
    await second.untilDone();
    await writer.untilEndSafe();
    const third = await three.read(pipe);
    await fence(three);
    expect(`${third.text}${second.text}`).toContain("a\nb\n");
    expect(second.text).toContain("c\n");
  });

  it("[L-3] [L-12] a merge that its reader leaves: the next gets the rest of each stream", async () => {
    const pipe = at.pipe();
    const [one, two, reading, later] = await at.greetAll(4);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const first = await one.open(pipe);
    const second = await two.open(pipe);
    for (const text of ["1a\n", "1b\n"]) first.write(text);
    for (const text of ["2a\n", "2b\n"]) second.write(text);
    await reader.untilBytes(12);
    reader.ack(first.stream, 3);
    reader.ack(second.stream, 6);
    reader.leave();
    await reader.untilDone();
    const next = await later.read(pipe);
    first.finish("1c\n");
    second.finish("2c\n");
    await next.untilDone();
    expect(next.seen(first).bytes.toString()).toBe("1b\n1c\n");
    expect(next.seen(second).bytes.toString()).toBe("2c\n");
  });

  it("[L-4] a binary broadcast goes on for the others when one leaves", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const leaving = await one.read(pipe);
    const staying = await two.read(pipe);
    const writer = await writing.open(pipe, { kind: "binary" });
    await writer.pour(100 * KiB);
    await leaving.untilBytes(64 * KiB);
    leaving.leave();
    await writer.pour(100 * KiB);
    writer.finish();
    await staying.untilDone();
    expect(staying.seen(writer).bytes.length).toBe(200 * KiB);
    await writer.untilEndSafe();
  });

  it("[L-3] a broadcast that one reader acknowledged to its end is not given to anybody again", async () => {
    const pipe = at.pipe();
    const [one, two, three, writing] = await at.greetAll(4);
    const whole = await one.read(pipe);
    const half = await two.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.finish("a\n");
    await whole.untilDone();
    await half.untilEnded(writer);
    half.leave();
    await half.untilDone();
    await writer.untilEndSafe();
    const next = await three.read(pipe);
    await fence(three);
    expect(next.taken).toEqual([]);
    expect(await one.row(pipe)).toMatchObject({ streams: 0 });
  });

  it("[L-6] [S-4] a reader that comes back in mid-line is still in that line", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const reader = await reading.read(pipe);
    const first = await one.open(pipe);
    const second = await two.open(pipe);
    first.write("half ");
    await reader.untilText("half ");
    await cutSeen(reading, one);
    second.write("other\n");
    await fence(two);
    await reading.resume();
    await fence(reading);
    expect(reader.text).toBe("half ");
    first.write("line\n");
    await reader.untilText("half line\nother\n");
  });

  it("[L-7] [S-4] a delivery that has ended is still closed after a resume", async () => {
    const pipe = at.pipe();
    const [one, reading, later] = await at.greetAll(3);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const first = await one.open(pipe);
    const second = await one.open(pipe);
    first.finish("1\n");
    second.finish("2\n");
    await reader.untilEnded(first);
    await reader.untilEnded(second);
    reader.ack(first.stream, 2, true);
    await fence(reading);
    await reading.cut();
    const third = await one.open(pipe);
    third.finish("3\n");
    await third.untilEndSafe();
    await reading.resume();
    reader.ackAll();
    await reader.untilDone();
    expect(reader.text).toBe("1\n2\n");
    const next = await later.read(pipe);
    await next.untilDone();
    expect(next.text).toBe("3\n");
  });

  it("[L-14] [S-4] a tap that comes back goes on with what is live, nothing twice", async () => {
    const pipe = at.pipe();
    const [tapping, reading, writing] = await at.greetAll(3);
    const tap = await tapping.read(pipe, "tap");
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("a\n");
    await tap.untilText("a\n");
    await cutSeen(tapping, writing);
    writer.write("missed, or not\n");
    await reader.untilText("a\nmissed, or not\n");
    await tapping.resume();
    await fence(tapping);
    writer.finish("b\n");
    await reader.untilDone();
    await tap.untilEnded(writer);
    expect(["a\nb\n", "a\nmissed, or not\nb\n"]).toContain(tap.text);
  });
}

function removals(start: Start): void {
  const at = place(start, { maxBufferBytes: 1024 * KiB });

  it("[C-7] a reader that had got the end already is not told of the removal, and is done", async () => {
    const pipe = at.pipe();
    const [reading, other] = await at.greetAll(2);
    const writer = await leave(at, pipe, ["a\n", "b\n"]);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    await reader.untilText("a\nb\n");
    expect(await other.remove(pipe)).toMatchObject({ streams: 1 });
    reader.ackAll();
    await reader.untilDone();
    expect(reader.seen(writer).ended).toBe("eof");
    expect(await other.row(pipe)).toBeUndefined();
  });

  it("[C-7] a removal ends every stream of a merge, and frees all that was stored", async () => {
    const pipe = at.pipe();
    const [one, two, reading, other] = await at.greetAll(4);
    const first = await one.open(pipe);
    const second = await two.open(pipe);
    await first.pour(32 * KiB);
    await second.pour(32 * KiB);
    const reader = await reading.read(pipe);
    await reader.untilBytes(64 * KiB);
    await other.remove(pipe);
    await reader.untilDone();
    expect(reader.seen(first).ended).toBe("aborted");
    expect(reader.seen(second).ended).toBe("aborted");
    for (const writer of [first, second]) expect((await writer.untilFailed()).code).toBe("removed");
    expect(await other.inspect()).toMatchObject({ usedBytes: 0, streams: 0, pipes: 0 });
  });

  it("[C-7] a removal while a big stream is on its way", async () => {
    const pipe = at.pipe();
    const [writing, reading, other] = await at.greetAll(3);
    const writer = await writing.open(pipe, { kind: "binary" });
    await writer.pour(512 * KiB);
    writer.finish();
    await writer.untilEndSafe();
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    await reader.untilBytes(64 * KiB);
    await other.remove(pipe);
    reader.ackAll();
    await reader.untilDone();
    expect(reader.seen(writer).ended).toBe("aborted");
    expect(await other.inspect()).toMatchObject({ usedBytes: 0, streams: 0 });
  });

  it("[L-15] [L-9] a writer that waits for room may abort", async () => {
    const pipe = at.pipe();
    const [writing, other] = await at.greetAll(2);
    const writer = await writing.open(pipe, { kind: "binary" });
    const pouring = writer.pour(1600 * KiB);
    await writing.until("pause", () => writer.isPaused);
    writer.abort("enough");
    await writer.untilFailed();
    await pouring;
    const reader = await other.read(pipe);
    await reader.untilDone();
    expect(reader.seen(writer)).toMatchObject({ ended: "aborted", reason: "enough" });
    expect(await other.inspect()).toMatchObject({ usedBytes: 0 });
  });

  it("[L-15] nothing is left behind when everything was read", async () => {
    const pipe = at.pipe();
    for (let round = 0; round < 3; round += 1) {
      const [writing, one, two] = await at.greetAll(3);
      const readers = [await one.read(pipe), await two.read(pipe, "follow")] as const;
      const writer = await writing.open(pipe, round % 2 === 0 ? { kind: "binary" } : {});
      await writer.pour(700 * KiB);
      writer.finish();
      await readers[0].untilDone();
      await readers[1].untilEnded(writer);
      await writer.untilEndSafe();
      readers[1].leave();
      await readers[1].untilDone();
    }
    expect(await (await at.greet()).inspect()).toMatchObject({ usedBytes: 0, streams: 0, pipes: 0 });
  });
}

export function lawOfCrowds(start: Start): void {
  parts(start, { "coming and going": comingAndGoing, removals });
}
