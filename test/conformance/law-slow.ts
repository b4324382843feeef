/** Slow readers, taps, and a room that is full. L-14, L-15. PROTOCOL §8. */
import { expect, it } from "vitest";
import { limits } from "../../satellite/wire/limits.ts";
import { eventually, fence, parts, place, type Start } from "./harness.ts";

const KiB = 1024;

function pace(start: Start): void {
  const at = place(start, { maxLagBytes: 256 * KiB, windowBytesMax: 64 * KiB });

  it("[L-14] with one reader its pace is the writer's, and nothing is stored for it", async () => {
    const pipe = at.pipe();
    const [reading, writing] = await at.greetAll(2);
    const before = (await writing.inspect()).usedBytes;
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe, { kind: "binary" });
    await writer.pour(64 * KiB);
    await reader.untilBytes(64 * KiB);
    await fence(writing);
    expect(writer).toMatchObject({ safe: 0, credit: limits.windowBytesMin });
    expect((await writing.inspect()).usedBytes).toBe(before);
    reader.ackAll();
    await writer.pour(512 * KiB);
    writer.finish();
    await reader.untilDone();
    expect((await writing.inspect()).usedBytes).toBe(before);
  });

  it("[L-14] with several the fastest sets the pace, and a slow one gets everything later", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const fast = await one.read(pipe);
    const slow = await two.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe, { kind: "binary" });
    await writer.pour(192 * KiB);
    await fast.untilBytes(192 * KiB);
    writer.finish();
    await fast.untilDone();
    slow.ackAll();
    await slow.untilDone();
    expect(slow.seen(writer).bytes.equals(fast.seen(writer).bytes)).toBe(true);
    await writer.untilEndSafe();
  });

  it("[L-14] a reader that is more than maxLagBytes behind is cut, alone", async () => {
    const pipe = at.pipe();
    const [one, two, three, writing] = await at.greetAll(4);
    const fast = await one.read(pipe);
    const slow = await two.read(pipe, "plain", { autoAck: false });
    const other = await three.read(pipe, "follow");
    const writer = await writing.open(pipe, { kind: "binary" });
    await writer.pour(1024 * KiB);
    expect(await slow.untilFailed()).toMatchObject({ code: "behind" });
    writer.finish();
    await fast.untilDone();
    await writer.untilEndSafe();
    for (const reader of [fast, other]) {
      await reader.untilEnded(writer);
      expect(reader.seen(writer).bytes.length).toBe(1024 * KiB);
    }
    await fence(two);
    expect(two.link.isOpen).toBe(true);
  });

  it("[L-14] a reader in grace counts as a slow one", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const fast = await one.read(pipe);
    const away = await two.read(pipe);
    const writer = await writing.open(pipe, { kind: "binary" });
    await two.cut();
    await writer.pour(1024 * KiB);
    writer.finish();
    await fast.untilDone();
    await two.resume();
    expect(await away.untilFailed()).toMatchObject({ code: "behind" });
  });

  it("[L-14] a reader that comes back within maxLagBytes misses nothing", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const fast = await one.read(pipe);
    const away = await two.read(pipe);
    const writer = await writing.open(pipe);
    await writer.pour(32 * KiB);
    await away.untilBytes(32 * KiB);
    await two.cut();
    await writer.pour(160 * KiB);
    writer.finish("end\n");
    await fast.untilDone();
    await two.resume();
    await away.untilDone();
    expect(away.seen(writer).bytes.equals(fast.seen(writer).bytes)).toBe(true);
  });
}

function taps(start: Start): void {
  const at = place(start);

  it("[L-14] a tap sees live bytes and consumes nothing", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const writer = await writing.open(pipe);
    writer.write("before\n");
    await writer.untilSafe();
    const tap = await one.read(pipe, "tap");
    writer.write("live\n");
    await tap.untilText("live\n");
    writer.finish("end\n");
    await tap.untilEnded(writer);
    await writer.untilEndSafe();
    expect(tap.isDone).toBe(false);
    const reader = await two.read(pipe);
    await reader.untilDone();
    expect(reader.text).toBe("before\nlive\nend\n");
    tap.leave();
    await tap.untilDone();
  });

  it("[L-14] of text from a line start", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const reader = await two.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("half a");
    await reader.untilText("half a");
    const tap = await one.read(pipe, "tap");
    writer.write(" line\n");
    writer.write("whole\n");
    await tap.untilText("whole\n");
  });

  it("[L-14] of either kind, beside readers, and of every stream that comes", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const tap = await one.read(pipe, "tap");
    const reader = await two.read(pipe);
    const binary = await writing.open(pipe, { kind: "binary" });
    binary.finish("BIN");
    await reader.untilDone();
    await tap.untilEnded(binary);
    const text = await writing.open(pipe);
    text.finish("text\n");
    await tap.untilEnded(text);
    expect(tap.text).toBe("BINtext\n");
    expect(await writing.row(pipe)).toMatchObject({ streams: 1, taps: 1, readers: 0 });
  });

  it("[L-14] a tap that does not read holds up nothing, and is told of what it missed", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const tap = await one.read(pipe, "tap", { autoAck: false });
    const reader = await two.read(pipe);
    const writer = await writing.open(pipe, { kind: "binary" });
    await writer.pour(1024 * KiB);
    await reader.untilBytes(1024 * KiB);
    await fence(one);
    expect(tap.seen(writer).bytes.length).toBeLessThanOrEqual(limits.windowBytesMin);
    tap.ackAll();
    await writer.pour(64 * KiB);
    writer.finish();
    await reader.untilDone();
    await tap.untilEnded(writer);
    expect(tap.gaps.map(({ stream }) => stream)).toContain(writer.stream);
    expect(tap.seen(writer).offset).toBe(1088 * KiB);
    await writer.untilEndSafe();
  });

  it("[L-14] of text it goes on at a line start after a gap", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const tap = await one.read(pipe, "tap", { autoAck: false });
    const reader = await two.read(pipe);
    const writer = await writing.open(pipe);
    await writer.pour(512 * KiB, 1024);
    await reader.untilBytes(512 * KiB);
    await fence(one);
    const before = tap.text.length;
    tap.ackAll();
    await writer.pour(8 * KiB, 1024);
    writer.finish("last\n");
    await reader.untilDone();
    await tap.untilEnded(writer);
    expect(tap.gaps.length).toBeGreaterThan(0);
    expect(tap.text.slice(before)).toMatch(/^(x{1023}\n)*last\n$/);
  });

  it("[L-14] after a gap in mid-line it is told where the next line begins", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const tap = await one.read(pipe, "tap", { autoAck: false });
    const reader = await two.read(pipe);
    const writer = await writing.open(pipe);
    await writer.pour(512 * KiB, 1024);
    await writing.until("credit for more", () => writer.credit > writer.offset + 7);
    writer.write("in mid-");
    await reader.untilBytes(512 * KiB + 7);
    await fence(one);
    const before = tap.text.length;
    tap.ackAll();
    await fence(one);
    writer.write("line\n");
    writer.write("the next\n");
    await tap.end.until("the next line", () => tap.text.length > before);
    expect(tap.text.slice(before)).toBe("the next\n");
    expect(tap.gaps).toEqual([{ stream: writer.stream, offset: 512 * KiB + 12 }]);
    writer.finish();
    await reader.untilDone();
  });

  it("[L-14] a stream that only a tap sees is kept for a reader", async () => {
    const pipe = at.pipe();
    const [one, writing] = await at.greetAll(2);
    const tap = await one.read(pipe, "tap");
    const writer = await writing.open(pipe);
    writer.finish("kept\n");
    await writer.untilEndSafe();
    await tap.untilEnded(writer);
    expect(await writing.row(pipe)).toMatchObject({ streams: 1, bytes: 5 });
  });

  it("[L-14] a tap is told of an abort", async () => {
    const pipe = at.pipe();
    const [one, writing] = await at.greetAll(2);
    const tap = await one.read(pipe, "tap");
    const writer = await writing.open(pipe);
    writer.write("half\n");
    await tap.untilText("half\n");
    writer.abort();
    await tap.untilEnded(writer);
    expect(tap.seen(writer).ended).toBe("aborted");
  });
}

function full(start: Start): void {
  const room = 1024 * KiB;
  const at = place(start, { maxBufferBytes: room });

  it("[L-15] the last quarter is not for a pipe that holds more than a quarter; its writer pauses, and goes on", async () => {
    const [greedy, modest] = [at.pipe(), at.pipe()];
    const [one, two, reading] = await at.greetAll(3);
    const writer = await one.open(greedy, { kind: "binary" });
    const pouring = writer.pour(1600 * KiB);
    await one.until("pause", () => writer.isPaused);
    expect(await one.next("pause")).toMatchObject({ stream: writer.stream, reason: "full" });
    const { usedBytes, maxBytes } = await two.inspect();
    expect(maxBytes).toBe(room);
    expect(usedBytes).toBeLessThanOrEqual(room * 0.75);
    expect(usedBytes).toBeGreaterThan(room * 0.6);
    const other = await two.open(modest, { kind: "binary" });
    await other.pour(128 * KiB);
    other.finish();
    await other.untilEndSafe();
    const reader = await reading.read(greedy);
    await one.until("continue", () => !writer.isPaused);
    await pouring;
    writer.finish();
    await reader.untilDone();
    expect(reader.seen(writer).bytes.length).toBe(1600 * KiB);
    await writer.untilEndSafe();
    await two.remove(modest);
  });

  it("[L-15] [C-7] a removal makes room", async () => {
    const [old, waiting] = [at.pipe(), at.pipe()];
    const [one, two] = await at.greetAll(2);
    const hoard = await one.open(old, { kind: "binary" });
    const hoarding = hoard.pour(1600 * KiB);
    await one.until("pause", () => hoard.isPaused);
    const writer = await two.open(waiting, { kind: "binary" });
    const pouring = writer.pour(512 * KiB);
    await two.until("pause", () => writer.isPaused);
    await two.remove(old);
    await hoarding;
    await two.until("continue", () => !writer.isPaused);
    await pouring;
    writer.finish();
    await writer.untilEndSafe();
    await two.remove(waiting);
    expect(await two.inspect()).toMatchObject({ usedBytes: 0 });
  });

  it("[L-15] live bytes need no room", async () => {
    const [hoarded, live] = [at.pipe(), at.pipe()];
    const [one, two, reading] = await at.greetAll(3);
    const hoard = await one.open(hoarded, { kind: "binary" });
    const hoarding = hoard.pour(1600 * KiB);
    await one.until("pause", () => hoard.isPaused);
    const reader = await reading.read(live);
    const writer = await two.open(live, { kind: "binary" });
    await writer.pour(4096 * KiB);
    writer.finish();
    await reader.untilDone();
    expect(reader.seen(writer).bytes.length).toBe(4096 * KiB);
    await two.remove(hoarded);
    await hoarding;
  });

  it("[L-15] laggards are cut before a writer has to wait", async () => {
    const [lagging, hoarded] = [at.pipe(), at.pipe()];
    const [one, two, writing, other] = await at.greetAll(4);
    const fast = await one.read(lagging);
    const slow = await two.read(lagging, "plain", { autoAck: false });
    const writer = await writing.open(lagging, { kind: "binary" });
    await writer.pour(500 * KiB);
    await fast.untilBytes(500 * KiB);
    await eventually("the lag stored", async () => (await writing.inspect()).usedBytes > 200 * KiB);
    const hoard = await other.open(hoarded, { kind: "binary" });
    const hoarding = hoard.pour(700 * KiB);
    expect(await slow.untilFailed()).toMatchObject({ code: "behind" });
    await hoarding;
    await hoard.untilSafe(700 * KiB);
    writer.finish();
    await fast.untilDone();
    await other.remove(hoarded);
  });
}

export function lawOfSlowness(start: Start): void {
  parts(start, { pace, taps, "a full room": full });
}
