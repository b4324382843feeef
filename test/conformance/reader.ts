/** Readers: acks, windows, peeks. PROTOCOL §7. */
import { expect, it } from "vitest";
import { limits } from "../../satellite/wire/limits.ts";
import type { RawEnd } from "../support/raw-end.ts";
import { eventually, fence, leave, parts, place, type Start } from "./harness.ts";

const KiB = 1024;

function rules(start: Start): void {
  const at = place(start);

  it("[R-1] a second reader of one session on one pipe is error usage, and the first goes on", async () => {
    const [pipe, other] = [at.pipe(), at.pipe()];
    const end = await at.greet();
    const first = await end.read(pipe);
    for (const mode of ["plain", "follow", "one", "tap"] as const) {
      expect(await end.reading(pipe, mode).untilFailed()).toMatchObject({ code: "usage" });
    }
    await end.read(other);
    await leave(at, pipe, ["x\n"]);
    await first.untilDone();
  });

  it("[R-1] when the first is done the session may read the pipe again", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, ["1\n"]);
    await leave(at, pipe, ["2\n"]);
    const end = await at.greet();
    for (const text of ["1\n", "2\n"]) {
      const reader = await end.read(pipe);
      await reader.untilDone();
      expect(reader.text).toBe(text);
    }
  });

  it("[R-1] a session may write and read the same pipe", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    const reader = await end.read(pipe);
    const writer = await end.open(pipe);
    writer.finish("to myself\n");
    await reader.untilDone();
    expect(reader.text).toBe("to myself\n");
    await writer.untilEndSafe();
  });

  it("[R-2] `attached` comes first, `stream` before the first chunk, chunks in order", async () => {
    const pipe = at.pipe();
    const pieces = Array.from({ length: 100 }, (_, line) => `${line}\n`);
    await leave(at, pipe, pieces);
    const end = await at.greet();
    const reader = end.reading(pipe);
    await reader.untilDone();
    expect(reader.isAttached).toBe(true);
    expect(reader.text).toBe(pieces.join(""));
  });

  it("[R-2] a stream that is alone in its delivery says so", async () => {
    const [pipe, shared, whole] = [at.pipe(), at.pipe(), at.pipe()];
    const ended = await leave(at, pipe, ["ended\n"]);
    const reader = await (await at.greet()).read(pipe);
    await reader.untilDone();
    expect(reader.seen(ended).info.alone).toBe(true);

    const one = await (await at.greet()).read(shared, "one");
    const forOne = await leave(at, shared, ["for one\n"]);
    await one.untilDone();
    expect(one.seen(forOne).info.alone).toBe(true);

    const copying = await (await at.greet()).read(whole);
    const binary = await (await at.greet()).open(whole, { kind: "binary" });
    binary.finish("\0");
    await copying.untilDone();
    expect(copying.seen(binary).info.alone).toBe(true);
  });

  it("[R-2] a stream that is merged, followed or tapped does not say that it is alone", async () => {
    const pipe = at.pipe();
    const ends = await at.greetAll(3);
    const modes = ["plain", "follow", "tap"] as const;
    const readers = await Promise.all(modes.map((mode, index) => (ends[index] as RawEnd).read(pipe, mode)));
    const writer = await leave(at, pipe, ["a line\n"]);
    for (const reader of readers) {
      await reader.untilEnded(writer);
      expect(reader.seen(writer).info).not.toHaveProperty("alone");
    }
  });

  it("[R-3] an ack that goes back is ignored", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.write("a\n");
    await reader.untilText("a\n");
    reader.ack(writer.stream, 2);
    await writer.untilSafe(2);
    reader.ack(writer.stream, 0);
    reader.ack(writer.stream, 1);
    await fence(reading, writing);
    expect(writer.safe).toBe(2);
    writer.finish();
    await reader.untilEnded(writer);
    reader.ackAll();
    await reader.untilDone();
  });

  it("[R-3] an ack inside a chunk counts up to the chunk's start", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.write("ab\n");
    await reader.untilText("ab\n");
    reader.ack(writer.stream, 2);
    await fence(reading, writing);
    expect(writer.safe).toBe(0);
    reader.ack(writer.stream, 3);
    await writer.untilSafe(3);
  });

  it("[R-3] an ack beyond what was sent is error protocol", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.write("a\n");
    await reader.untilText("a\n");
    reader.ack(writer.stream, 3);
    expect(await reading.closedBy()).toMatchObject({ code: 1002, error: { code: "protocol" } });
  });

  it("[R-3] [R-4] an ack of an end that was not sent is error protocol", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.write("a\n");
    await reader.untilText("a\n");
    reader.ack(writer.stream, 2, true);
    expect(await reading.closedBy()).toMatchObject({ code: 1002, error: { code: "protocol" } });
  });

  it("[R-4] `done` comes after the ack of the last end, not before", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const one = await writing.open(pipe);
    const two = await writing.open(pipe);
    one.finish("1\n");
    two.finish("2\n");
    await reader.untilEnded(one);
    await reader.untilEnded(two);
    reader.ack(one.stream, 2, true);
    await fence(reading);
    expect(reader.isDone).toBe(false);
    reader.ack(two.stream, 2);
    await fence(reading);
    expect(reader.isDone).toBe(false);
    reader.ack(two.stream, 2, true);
    await reader.untilDone();
  });

  it("[R-4] a reader that leaves is done", async () => {
    const end = await at.greet();
    const reader = await end.read(at.pipe());
    reader.leave();
    await reader.untilDone();
    reader.leave();
    await fence(end);
  });

  it("[R-5] at most a window is on its way, 64 KiB at first", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    const writer = await end.open(pipe, { kind: "binary" });
    await writer.pour(512 * KiB);
    writer.finish();
    await writer.untilEndSafe();
    const reading = await at.greet();
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    await reader.untilBytes(64 * KiB);
    await fence(reading);
    expect(reader.seen(writer).bytes.length).toBe(limits.windowBytesMin);
    reader.ackAll();
    await reader.untilDone();
    expect(reader.seen(writer).bytes.length).toBe(512 * KiB);
  });
}

function quickWindows(start: Start): void {
  const at = place(start, { windowGrowMs: 60_000 });

  it("[R-5] the window grows with quick acks", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    const writer = await end.open(pipe, { kind: "binary" });
    await writer.pour(2048 * KiB);
    writer.finish();
    await writer.untilEndSafe();
    const reader = await (await at.greet()).read(pipe);
    await reader.untilBytes(1024 * KiB);
    reader.autoAck = false;
    const { ackedTo } = reader.seen(writer);
    await reader.untilBytes(Math.min(2048 * KiB, ackedTo + 128 * KiB));
    reader.ackAll();
    await reader.untilDone();
  });
}

function manyStreams(start: Start): void {
  const at = place(start, { streamsPerReaderMax: 3 });

  it("[R-5] so many streams begin for one reader without their end acknowledged, and no more", async () => {
    const pipe = at.pipe();
    const writers = [];
    for (let count = 0; count < 6; count += 1) writers.push(await leave(at, pipe, [`${count}\n`]));
    const end = await at.greet();
    const reader = await end.read(pipe, "follow", { autoAck: false });
    await end.until("three streams", () => reader.taken.length === 3);
    await fence(end);
    expect(reader.text).toBe("0\n1\n2\n");
    reader.ack(writers[0]?.stream ?? 0, 2, true);
    await reader.untilText("0\n1\n2\n3\n");
    reader.ackAll();
    await reader.untilText("0\n1\n2\n3\n4\n5\n");
  });
}

function peeks(start: Start): void {
  const at = place(start);

  it("[R-7] shows the oldest stream from its start, and takes nothing", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, ["oldest\n", "of two\n"]);
    await leave(at, pipe, ["newer\n"]);
    const end = await at.greet();
    for (let times = 0; times < 2; times += 1) {
      const peek = await end.read(pipe, "peek", { limitBytes: 1000 });
      await peek.untilDone();
      expect(peek.text).toBe("oldest\nof two\n");
    }
    expect(await end.row(pipe)).toMatchObject({ streams: 2, readers: 0, taps: 0 });
    const reader = await end.read(pipe);
    await reader.untilDone();
    expect(reader.text).toBe("oldest\nof two\n");
  });

  it("[R-7] shows up to limitBytes, in whole chunks", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, ["aaa\n", "bbb\n", "ccc\n"]);
    const end = await at.greet();
    const peek = await end.read(pipe, "peek", { limitBytes: 6 });
    await peek.untilDone();
    expect(peek.text).toBe("aaa\nbbb\n");
  });

  it("[R-7] of a running stream shows what is there now, then is done", async () => {
    const pipe = at.pipe();
    const [writing, peeking] = await at.greetAll(2);
    const writer = await writing.open(pipe);
    writer.write("so far\n");
    await writer.untilSafe();
    const peek = await peeking.read(pipe, "peek", { limitBytes: 1000 });
    await peek.untilDone();
    expect(peek.text).toBe("so far\n");
    writer.write("later\n");
    await writer.untilSafe();
    await fence(peeking);
    expect(peek.text).toBe("so far\n");
  });

  it("[R-7] counts nowhere, even while it goes on", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    const writer = await end.open(pipe, { kind: "binary" });
    await writer.pour(256 * KiB);
    const peeking = await at.greet();
    const peek = await peeking.read(pipe, "peek", { limitBytes: 256 * KiB, autoAck: false });
    await peek.untilBytes(64 * KiB);
    expect(await end.row(pipe)).toMatchObject({ readers: 0, taps: 0 });
    await writer.pour(256 * KiB);
    await writer.untilSafe();
    peek.ackAll();
    await peek.untilDone();
    expect(peek.seen(writer).bytes.length).toBe(256 * KiB);
  });

  it("[R-7] with nothing to show is not-found", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    expect(await end.reading(pipe, "peek").untilFailed()).toMatchObject({ code: "not-found" });
    await end.read(pipe);
    const other = await at.greet();
    expect(await other.reading(pipe, "peek").untilFailed()).toMatchObject({ code: "not-found" });
  });

  it("[R-7] of an empty stream is done at once", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, [""]);
    const end = await at.greet();
    const peek = end.reading(pipe, "peek", { limitBytes: 10 });
    await end.until("done or nothing to show", () => peek.isDone || peek.failure !== undefined);
    expect(peek.text).toBe("");
    expect(await end.row(pipe)).toMatchObject({ streams: 1 });
  });

  it("[R-7] does not hold up a reader that takes the stream meanwhile", async () => {
    const pipe = at.pipe();
    const writer = await leave(at, pipe, ["a\n", "b\n"]);
    const [peeking, reading] = await at.greetAll(2);
    const peek = await peeking.read(pipe, "peek", { limitBytes: 100, autoAck: false });
    await peek.untilBegun(writer);
    const reader = await reading.read(pipe);
    await reader.untilDone();
    expect(reader.text).toBe("a\nb\n");
    await eventually("the pipe gone", async () => (await reading.row(pipe)) === undefined);
  });
}

export function readerSuite(start: Start): void {
  parts(start, { rules, "quick windows": quickWindows, "many streams": manyStreams, peeks });
}
