/** What is kept, and who gets what had ended: L-1 to L-3. PROTOCOL §8. */
import { expect, it } from "vitest";
import { Flag } from "../../satellite/wire/frame.ts";
import type { RawReader } from "../support/raw-reader.ts";
import { eventually, fence, leave, parts, place, type Start } from "./harness.ts";

const KiB = 1024;

function eitherEndFirst(start: Start): void {
  const at = place(start);

  it("[L-1] the reader first", async () => {
    const pipe = at.pipe();
    const [reading, writing] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe);
    writer.finish("hello\n");
    await reader.untilDone();
    await writer.untilEndSafe();
    expect(reader.text).toBe("hello\n");
  });

  it("[L-1] the writer first, and gone before the reader comes", async () => {
    const pipe = at.pipe();
    const writer = await leave(at, pipe, ["hello\n"]);
    await writer.end.close();
    const reader = await (await at.greet()).read(pipe);
    await reader.untilDone();
    expect(reader.text).toBe("hello\n");
  });

  it("[L-1] the default pipe is a pipe like any other", async () => {
    await leave(at, "", ["hello\n"]);
    const reader = await (await at.greet()).read("");
    await reader.untilDone();
    expect(reader.text).toBe("hello\n");
  });

  it("[L-1] what one pipe holds is nobody else's", async () => {
    const [full, empty] = [at.pipe(), at.pipe()];
    await leave(at, full, ["hello\n"]);
    const end = await at.greet();
    const reader = await end.read(empty);
    await fence(end);
    expect(reader.taken).toEqual([]);
  });
}

function buffered(start: Start): void {
  const at = place(start, { takeoverMs: 60_000 });

  it("[L-2] keeps what arrives while no reader is attached, though its writer goes", async () => {
    const pipe = at.pipe();
    const pieces = Array.from({ length: 50 }, (_, line) => `line ${line}\n`);
    await (await leave(at, pipe, pieces)).end.close();
    const end = await at.greet();
    expect(await end.row(pipe)).toMatchObject({ streams: 1, bytes: pieces.join("").length, writers: 0 });
    const reader = await end.read(pipe);
    await reader.untilDone();
    expect(reader.text).toBe(pieces.join(""));
    expect(await end.row(pipe)).toBeUndefined();
  });

  it("[L-2] drops a stream that is older than its ttlMs, and no other", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, ["kept\n"]);
    await leave(at, pipe, ["short-lived\n"], { ttlMs: 20 });
    const end = await at.greet();
    await eventually("one stream left", async () => (await end.row(pipe))?.streams === 1);
    const reader = await end.read(pipe);
    await reader.untilDone();
    expect(reader.text).toBe("kept\n");
  });

  it("[L-2] a ttl does not run while the writer does", async () => {
    const [pipe, clock] = [at.pipe(), at.pipe()];
    const end = await at.greet();
    const writer = await end.open(pipe, { ttlMs: 1 });
    writer.write("running\n");
    await writer.untilSafe();
    await leave(at, clock, ["tick\n"], { ttlMs: 40 });
    await eventually("the other gone", async () => (await end.row(clock)) === undefined);
    expect(await end.row(pipe)).toMatchObject({ streams: 1, bytes: 8 });
  });

  it("[L-2] a ttl does not run while a reader holds the stream", async () => {
    const [pipe, clock] = [at.pipe(), at.pipe()];
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe, { ttlMs: 1 });
    writer.finish("held\n");
    await reader.untilEnded(writer);
    await leave(at, clock, ["tick\n"], { ttlMs: 40 });
    await eventually("the other gone", async () => (await writing.row(clock)) === undefined);
    expect(await writing.row(pipe)).toMatchObject({ streams: 1 });
    reader.ackAll();
    await reader.untilDone();
    expect(reader.seen(writer).ended).toBe("eof");
    await writer.untilEndSafe();
  });

  it("[L-2] a ttl that is over ends a stream that its reader gave back", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe, { ttlMs: 1 });
    writer.finish("held\n");
    await reader.untilEnded(writer);
    reader.leave();
    await eventually("the stream gone", async () => (await writing.row(pipe)) === undefined);
  });
}

function inOrder(start: Start): void {
  const at = place(start, { takeoverMs: 30, graceMs: 60_000 });

  it("[L-3] streams that have ended go oldest first, each to one reader, whole", async () => {
    const pipe = at.pipe();
    const texts = ["a1\na2\n", "b\n", "c1\nc2\nc3\n"];
    for (const text of texts) await leave(at, pipe, text.match(/.*\n/g) ?? []);
    for (const text of texts) {
      const reader = await (await at.greet()).read(pipe);
      await reader.untilDone();
      expect(reader.text).toBe(text);
    }
  });

  it("[L-3] readers that come together get one each", async () => {
    const pipe = at.pipe();
    for (const text of ["a\n", "b\n", "c\n"]) await leave(at, pipe, [text]);
    const ends = await at.greetAll(3);
    const readers: RawReader[] = [];
    for (const end of ends) readers.push(await end.read(pipe));
    for (const reader of readers) await reader.untilDone();
    expect(readers.map(({ text }) => text)).toEqual(["a\n", "b\n", "c\n"]);
  });

  it("[L-3] a stream that comes back goes to the reader that has waited longest", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, ["whole\n", "and all\n"]);
    const [one, two, three] = await at.greetAll(3);
    const first = await one.read(pipe, "plain", { autoAck: false });
    await first.untilText("whole\nand all\n");
    const second = await two.read(pipe);
    const third = await three.read(pipe);
    first.leave();
    await second.untilDone();
    expect(second.text).toBe("whole\nand all\n");
    await fence(three);
    expect(third.taken).toEqual([]);
  });

  it("[L-3] is deleted only when its end is acknowledged", async () => {
    const pipe = at.pipe();
    const writer = await leave(at, pipe, ["whole\n"]);
    const end = await at.greet();
    const reader = await end.read(pipe, "plain", { autoAck: false });
    await reader.untilEnded(writer);
    reader.ack(writer.stream, 6);
    expect(await end.row(pipe)).toMatchObject({ streams: 1 });
    reader.ack(writer.stream, 6, true);
    await reader.untilDone();
    expect(await end.row(pipe)).toBeUndefined();
  });

  it("[L-3] a reader that leaves half way leaves it whole, though it acknowledged a part", async () => {
    const pipe = at.pipe();
    const writer = await leave(at, pipe, ["1\n", "2\n", "3\n"]);
    const [one, two] = await at.greetAll(2);
    const first = await one.read(pipe, "plain", { autoAck: false });
    await first.untilText("1\n2\n3\n");
    first.ack(writer.stream, 4);
    first.leave();
    await first.untilDone();
    const second = await two.read(pipe);
    await second.untilDone();
    expect(second.text).toBe("1\n2\n3\n");
    expect(await one.row(pipe)).toBeUndefined();
  });

  it("[L-3] [L-12] a reader that dies half way leaves it whole", async () => {
    const pipe = at.pipe();
    const writer = await leave(at, pipe, ["1\n", "2\n"]);
    const [one, two] = await at.greetAll(2);
    const first = await one.read(pipe, "plain", { autoAck: false });
    await first.untilText("1\n2\n");
    first.ack(writer.stream, 2);
    await one.cut();
    const second = await two.read(pipe);
    await second.untilDone();
    expect(second.text).toBe("1\n2\n");
  });

  it("[L-3] a follower leaves, of text, the lines that it has not acknowledged", async () => {
    const pipe = at.pipe();
    const writer = await leave(at, pipe, ["1\n", "2\n", "3\n"]);
    const [one, two] = await at.greetAll(2);
    const follower = await one.read(pipe, "follow", { autoAck: false });
    await follower.untilText("1\n2\n3\n");
    follower.ack(writer.stream, 2);
    follower.leave();
    await follower.untilDone();
    const next = await two.read(pipe);
    await next.untilDone();
    expect(next.text).toBe("2\n3\n");
  });

  it("[L-3] a follower's leftover begins at the start of the line that it stands in", async () => {
    const pipe = at.pipe();
    const writer = await leave(at, pipe, ["1\n", "2a", "2b", "2c\n"]);
    const [one, two] = await at.greetAll(2);
    const follower = await one.read(pipe, "follow", { autoAck: false });
    await follower.untilText("1\n2a2b2c\n");
    follower.ack(writer.stream, 6);
    follower.leave();
    await follower.untilDone();
    const next = await two.read(pipe);
    await next.untilDone();
    expect(next.text).toBe("2a2b2c\n");
  });

  it("[L-3] a follower leaves a binary stream whole", async () => {
    const pipe = at.pipe();
    const writer = await leave(at, pipe, ["ab", "cd"], { kind: "binary" });
    const [one, two] = await at.greetAll(2);
    const follower = await one.read(pipe, "follow", { autoAck: false });
    await follower.untilText("abcd");
    follower.ack(writer.stream, 2);
    follower.leave();
    await follower.untilDone();
    const next = await two.read(pipe);
    await next.untilDone();
    expect(next.text).toBe("abcd");
  });
}

function longLines(start: Start): void {
  const at = place(start);

  it("[L-3] when the line start is more than 64 KiB back, the leftover begins at the last place to switch", async () => {
    const pipe = at.pipe();
    const [writing, one, two] = await at.greetAll(3);
    const writer = await writing.open(pipe);
    writer.write("a".repeat(30 * KiB));
    writer.write("b".repeat(30 * KiB), Flag.boundary);
    await writer.untilSafe();
    writer.write("c".repeat(10 * KiB));
    writer.write("rest\n");
    const follower = await one.read(pipe, "follow", { autoAck: false });
    await follower.untilBytes(60 * KiB);
    follower.ack(writer.stream, 60 * KiB);
    await follower.untilBytes(70 * KiB + 5);
    follower.ack(writer.stream, 70 * KiB);
    follower.leave();
    await follower.untilDone();
    writer.finish();
    await writer.untilEndSafe();
    const next = await two.read(pipe);
    await next.untilDone();
    expect(next.seen(writer).start).toBe(60 * KiB);
    expect(next.text).toBe(`${"c".repeat(10 * KiB)}rest\n`);
  });

  it("[L-3] when that is too, at the start of the chunk", async () => {
    const pipe = at.pipe();
    const [writing, one, two] = await at.greetAll(3);
    const writer = await writing.open(pipe);
    for (const letter of ["a", "b", "c"]) {
      await writing.until("credit", () => writer.credit >= writer.offset + 30 * KiB);
      writer.write(letter.repeat(30 * KiB));
      await writer.untilSafe();
    }
    const follower = await one.read(pipe, "follow", { autoAck: false });
    await follower.untilBytes(60 * KiB);
    follower.ack(writer.stream, 60 * KiB);
    await follower.untilBytes(90 * KiB);
    follower.ack(writer.stream, 90 * KiB);
    follower.leave();
    await follower.untilDone();
    writer.finish("end\n");
    await writer.untilEndSafe();
    const next = await two.read(pipe);
    await next.untilDone();
    expect(next.text).toBe("end\n");
  });
}

export function lawOfDelivery(start: Start): void {
  parts(start, {
    "either end first": eitherEndFirst,
    buffered,
    "in order, whole": inOrder,
    "long lines": longLines,
  });
}
