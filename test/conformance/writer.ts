/** Writers: offsets, credit, acks, kinds. PROTOCOL §6. */
import { expect, it } from "vitest";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { Flag } from "../../satellite/wire/frame.ts";
import { limits } from "../../satellite/wire/limits.ts";
import { fence, leave, parts, place, type Start } from "./harness.ts";

const KiB = 1024;

function offsets(start: Start): void {
  const at = place(start);

  it("[W-1] drops what it has already, without a word", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe);
    const first = writer.write("a\n");
    const second = writer.write("b\n");
    writing.sendBytes(first.frame);
    writing.sendBytes(second.frame);
    const last = writer.finish("c\n");
    writing.sendBytes(last.frame);
    writing.sendBytes(first.frame);
    await reader.untilDone();
    await writer.untilEndSafe();
    await fence(writing);
    expect(reader.text).toBe("a\nb\nc\n");
  });

  it.each([
    ["begins after `received`", 3, "x"],
    ["straddles `received`", 1, "xyz"],
    ["begins far behind it", 1_000_000, "x"],
  ])("[W-1] refuses a chunk that %s", async (_, offset, text) => {
    const end = await at.greet();
    const writer = await end.open(at.pipe());
    writer.write("a\n");
    end.sendBytes(encodeChunk(writer.stream, offset, 0, Buffer.from(text)).frame);
    expect(await end.closedBy()).toMatchObject({
      code: 1002,
      reason: "protocol",
      error: { code: "protocol" },
    });
  });

  it("[W-1] refuses a chunk after FINAL", async () => {
    const end = await at.greet();
    const writer = await end.open(at.pipe());
    writer.finish("a\n");
    end.sendBytes(encodeChunk(writer.stream, 2, 0, Buffer.from("b")).frame);
    expect(await end.closedBy()).toMatchObject({ code: 1002, error: { code: "protocol" } });
  });

  it("[W-1] ignores a FINAL that is repeated, empty or not", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    const full = await end.open(pipe);
    const empty = await end.open(pipe);
    for (const writer of [full, empty]) {
      const last = writer.finish(writer === full ? "a\n" : "");
      end.sendBytes(last.frame);
      await writer.untilEndSafe();
      end.sendBytes(last.frame);
    }
    await fence(end);
    expect(await end.row(pipe)).toMatchObject({ streams: 2, bytes: 2 });
  });

  it("[F-4] readers get the very bytes and flags that the writer sent", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("a", Flag.boundary);
    writer.write("bc");
    writer.write("d\n");
    writer.write("e\nf", Flag.boundary);
    writer.finish("g\n", Flag.interrupted);
    await reader.untilDone();
    expect(reader.pieces.map(({ text, flags }) => [text, flags])).toEqual([
      ["a", Flag.boundary],
      ["bc", 0],
      ["d\n", Flag.boundary | Flag.line],
      ["e\nf", Flag.boundary],
      ["g\n", Flag.boundary | Flag.line | Flag.final | Flag.interrupted],
    ]);
  });

  it("[F-5] the payload and `sealed` are opaque", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    const fields = { sealed: "AQID", name: "x.bin", contentType: "text/plain", host: "h", size: 256 };
    const writer = await writing.open(pipe, { kind: "binary", ...fields });
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    writer.finish(everyByte);
    await reader.untilDone();
    expect(reader.seen(writer).info).toMatchObject({ kind: "binary", ...fields });
    expect(reader.seen(writer).bytes).toEqual(everyByte);
  });

  it("[F-4] ids are the same for the writer and all its readers", async () => {
    const pipe = at.pipe();
    const [writing, one, two] = await at.greetAll(3);
    const readers = [await one.read(pipe), await two.read(pipe, "follow")];
    const writer = await writing.open(pipe);
    writer.finish("x\n");
    for (const reader of readers) expect((await reader.untilEnded(writer)).id).toBe(writer.stream);
  });
}

function credit(start: Start): void {
  const at = place(start);

  it("[W-2] [W-5] credit begins with the smallest window", async () => {
    const end = await at.greet();
    expect(await end.open(at.pipe())).toMatchObject({ received: 0, safe: 0, credit: limits.windowBytesMin });
  });

  it("[W-2] refuses a chunk that ends beyond the credit", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.write(Buffer.alloc(writer.credit, "x"));
    writer.write("y");
    expect(await writing.closedBy()).toMatchObject({ code: 1002, error: { code: "protocol" } });
  });

  it("[W-2] an empty FINAL needs no credit", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.write(Buffer.alloc(writer.credit, "x"));
    writer.finish();
    await reader.untilEnded(writer);
    reader.ackAll();
    await writer.untilEndSafe();
  });
}

function windows(start: Start): void {
  const at = place(start, { windowGrowMs: 60_000, windowBytesMax: 256 * KiB });

  it("[W-5] a window that is made safe quickly doubles, up to its maximum", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe, { kind: "binary" });
    let widest = 0;
    for (let times = 0; times < 40; times += 1) {
      await writer.pour(32 * KiB);
      await writer.untilSafe();
      widest = Math.max(widest, writer.credit - writer.safe);
    }
    expect(widest).toBe(256 * KiB);
    writer.finish();
    await reader.untilDone();
    expect(reader.seen(writer).bytes.length).toBe(40 * 32 * KiB);
  });

  it("[W-5] grows for a writer without readers too, as the store makes it safe", async () => {
    const end = await at.greet();
    const writer = await end.open(at.pipe());
    await writer.pour(1024 * KiB);
    await writer.untilSafe();
    expect(writer.credit - writer.safe).toBe(256 * KiB);
  });
}

function budget(start: Start): void {
  const at = place(start, { budgetBytes: 128 * KiB });

  it("[W-5] when the memory budget is spent a new stream's credit is 0, until there is some", async () => {
    const [one, two, three] = await at.greetAll(3);
    const first = await one.open(at.pipe());
    const second = await two.open(at.pipe());
    const third = await three.open(at.pipe());
    expect([first.credit, second.credit, third.credit]).toEqual([64 * KiB, 64 * KiB, 0]);
    first.finish("x\n");
    await first.untilEndSafe();
    await three.until("credit", () => third.credit > 0);
    third.finish("y\n");
    await third.untilEndSafe();
    second.finish();
    await second.untilEndSafe();
  });

  it("[W-5] windows do not grow past the budget", async () => {
    const end = await at.greet();
    const writer = await end.open(at.pipe());
    await writer.pour(1024 * KiB);
    await writer.untilSafe();
    expect(writer.credit - writer.safe).toBeLessThanOrEqual(128 * KiB);
    writer.finish();
    await writer.untilEndSafe();
  });

  it("[W-5] an empty stream ends without credit", async () => {
    const [one, two, three] = await at.greetAll(3);
    const held = [await one.open(at.pipe()), await two.open(at.pipe())];
    const empty = await three.open(at.pipe());
    expect(empty.credit).toBe(0);
    empty.finish();
    await empty.untilEndSafe();
    for (const writer of held) writer.abort();
  });
}

function safety(start: Start): void {
  const at = place(start);

  it("[W-4] without readers, safe is what the store has", async () => {
    const end = await at.greet();
    const writer = await end.open(at.pipe());
    writer.write("0123456789\n");
    await writer.untilSafe(11);
    expect(writer.isEndSafe).toBe(false);
    writer.finish();
    await writer.untilEndSafe();
  });

  it("[W-4] [L-13] with one reader, safe is what it has acknowledged, and the end its ack of the end", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.write("a\n");
    writer.finish("b\n");
    await reader.untilEnded(writer);
    await fence(writing);
    expect(writer.safe).toBe(0);
    reader.ack(writer.stream, 4);
    await writer.untilSafe(4);
    await fence(writing);
    expect(writer.isEndSafe).toBe(false);
    reader.ack(writer.stream, 4, true);
    await writer.untilEndSafe();
    await reader.untilDone();
  });

  it("[W-4] [L-13] with two readers, the end is safe when both have acknowledged it", async () => {
    const pipe = at.pipe();
    const [writing, one, two] = await at.greetAll(3);
    const quick = await one.read(pipe);
    const slow = await two.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.finish("a\n");
    await quick.untilDone();
    await slow.untilEnded(writer);
    await fence(writing);
    expect(writer.isEndSafe).toBe(false);
    slow.ackAll();
    await writer.untilEndSafe();
  });

  it("[W-4] bytes that were safe in the store stay safe when a reader comes", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const writer = await writing.open(pipe);
    writer.write("stored\n");
    await writer.untilSafe(7);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    writer.write("live\n");
    await reader.untilText("stored\nlive\n");
    await fence(writing);
    expect(writer.safe).toBe(7);
    reader.ackAll();
    await writer.untilSafe(12);
  });
}

function syncing(start: Start): void {
  const at = place(start);

  it("[W-6] taken follows when one reader has acknowledged it all", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const writer = await writing.open(pipe, { sync: true });
    writer.finish("x\n");
    await writer.untilEndSafe();
    await fence(writing);
    expect(writer.isTaken).toBe(false);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    await reader.untilEnded(writer);
    await fence(writing);
    expect(writer.isTaken).toBe(false);
    reader.ackAll();
    await writing.until("taken", () => writer.isTaken);
    expect(await writing.next("taken")).toMatchObject({ stream: writer.stream, ref: writer.ref });
  });

  it("[W-6] without sync nothing is said", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const writer = await writing.open(pipe);
    writer.finish("x\n");
    await writer.untilEndSafe();
    const reader = await reading.read(pipe);
    await reader.untilDone();
    await fence(reading, writing);
    expect(writer.isTaken).toBe(false);
  });

  it("[W-6] a stream that is removed before it was taken is error removed", async () => {
    const pipe = at.pipe();
    const [writing, other] = await at.greetAll(2);
    const synced = await writing.open(pipe, { sync: true });
    const plain = await writing.open(pipe);
    for (const writer of [synced, plain]) {
      writer.finish("x\n");
      await writer.untilEndSafe();
    }
    expect(await other.remove(pipe)).toMatchObject({ streams: 2 });
    expect(await synced.untilFailed()).toMatchObject({ code: "removed" });
    await fence(writing);
    expect(plain.failure).toBeUndefined();
  });

  it("[W-6] [L-2] a stream whose time is over before it was taken is error removed", async () => {
    const end = await at.greet();
    const writer = await end.open(at.pipe(), { sync: true, ttlMs: 1 });
    writer.finish("x\n");
    expect(await writer.untilFailed()).toMatchObject({ code: "removed" });
  });
}

function kinds(start: Start): void {
  const at = place(start);

  it.each([
    ["text in `open`, binary in a chunk", { kind: "text" } as const, [Flag.binary]],
    ["binary in `open`, text in a chunk", { kind: "binary" } as const, [0]],
    ["text, then binary", {}, [0, Flag.binary]],
    ["binary, then text", {}, [Flag.binary, 0]],
  ])("[F-6] [W-7] refuses a chunk of another kind: %s", async (_, fields, flags) => {
    const end = await at.greet();
    const writer = await end.open(at.pipe(), fields);
    writer.offset = flags.length;
    flags.forEach((bits, offset) => {
      end.sendBytes(encodeChunk(writer.stream, offset, bits, Buffer.from("x")).frame);
    });
    expect(await end.closedBy()).toMatchObject({ code: 1002, error: { code: "protocol" } });
  });

  it("[W-7] [F-6] without a kind in `open` the first chunk decides", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("\0\u0001", Flag.binary);
    await reader.untilBytes(2);
    expect(reader.seen(writer).info.kind).toBe("binary");
    writer.finish("", Flag.binary);
    await reader.untilDone();
  });

  it("[W-7] readers are told the kind", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, ["x\n"], { kind: "text" });
    const reader = await (await at.greet()).read(pipe);
    await reader.untilDone();
    expect([...reader.streams.values()].map(({ info }) => info.kind)).toEqual(["text"]);
  });
}

function releases(start: Start): void {
  const at = place(start, { attachmentsPerSessionMax: 2 });

  it("[C-3] [K-1] a released writer makes place for another in its session", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    const first = await end.open(pipe);
    const second = await end.open(pipe);
    const third = end.opening(pipe);
    expect(await third.untilFailed()).toMatchObject({ code: "limit" });
    first.finish("x\n");
    await first.untilEndSafe();
    first.release();
    const fourth = await end.open(pipe);
    for (const writer of [second, fourth]) {
      writer.finish("y\n");
      await writer.untilEndSafe();
    }
    expect(await end.row(pipe)).toMatchObject({ streams: 3, bytes: 6 });
  });
}

export function writerSuite(start: Start): void {
  parts(start, { offsets, credit, windows, budget, safety, syncing, kinds, releases });
}
