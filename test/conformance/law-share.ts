/** Each stream to exactly one of the `one` readers. L-10. PROTOCOL §8. */
import { expect, it } from "vitest";
import type { RawReader } from "../support/raw-reader.ts";
import { cutSeen, eventually, fence, leave, parts, place, type Start } from "./harness.ts";

function share(start: Start): void {
  const at = place(start, { takeoverMs: 20, graceMs: 60_000 });

  it("[L-10] each stream goes to exactly one `one` reader, the one that has waited longest", async () => {
    const pipe = at.pipe();
    const [one, two, three, writing] = await at.greetAll(4);
    const readers: RawReader[] = [];
    for (const end of [one, two, three]) readers.push(await end.read(pipe, "one"));
    for (const text of ["a\n", "b\n", "c\n"]) {
      const writer = await writing.open(pipe);
      writer.finish(text);
      await writer.untilEndSafe();
    }
    for (const reader of readers) await reader.untilDone();
    expect(readers.map(({ text }) => text)).toEqual(["a\n", "b\n", "c\n"]);
  });

  it("[L-10] workers that come again and again take every stream once", async () => {
    const pipe = at.pipe();
    const texts = Array.from({ length: 20 }, (_, index) => `job ${index}\n`);
    for (const text of texts) await leave(at, pipe, [text]);
    const ends = await at.greetAll(3);
    const taken = await Promise.all(
      ends.map(async (end) => {
        const got: string[] = [];
        const isAnyLeft = async (): Promise<boolean> => ((await end.row(pipe))?.streams ?? 0) > 0;
        while (await isAnyLeft()) {
          const reader = await end.read(pipe, "one");
          await eventually("done, or nothing left", async () => reader.isDone || !(await isAnyLeft()));
          if (!reader.isDone) reader.leave();
          await reader.untilDone();
          got.push(reader.text);
        }
        return got.filter((text) => text !== "");
      }),
    );
    expect(taken.flat().toSorted()).toEqual(texts.toSorted());
  });

  it("[L-10] plain readers and followers that are attached when it opens get copies", async () => {
    const pipe = at.pipe();
    const [one, two, three, writing] = await at.greetAll(4);
    const worker = await one.read(pipe, "one");
    const plain = await two.read(pipe);
    const follower = await three.read(pipe, "follow");
    const writer = await writing.open(pipe);
    writer.write("a\n");
    writer.finish("b\n");
    for (const reader of [worker, plain]) await reader.untilDone();
    for (const reader of [worker, plain, follower]) await reader.untilText("a\nb\n");
    await writer.untilEndSafe();
    expect(await writing.row(pipe)).toMatchObject({ streams: 0 });
  });

  it("[L-10] copies do not consume: the stream waits for its `one` reader", async () => {
    const pipe = at.pipe();
    const [one, two, three, writing] = await at.greetAll(4);
    const busy = await one.read(pipe, "one", { autoAck: false });
    const first = await writing.open(pipe);
    first.finish("1\n");
    await busy.untilEnded(first);
    const plain = await two.read(pipe);
    const second = await writing.open(pipe);
    second.finish("2\n");
    await plain.untilDone();
    expect(plain.text).toBe("2\n");
    await second.untilEndSafe();
    expect(await writing.row(pipe)).toMatchObject({ streams: 2 });
    const next = await three.read(pipe, "one");
    await next.untilDone();
    expect(next.text).toBe("2\n");
  });

  it("[L-10] while a `one` reader is attached, plain readers that come later do not get what waits", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const busy = await one.read(pipe, "one", { autoAck: false });
    const first = await writing.open(pipe);
    first.finish("1\n");
    await busy.untilEnded(first);
    const second = await writing.open(pipe);
    second.finish("2\n");
    await second.untilEndSafe();
    const plain = await two.read(pipe);
    await fence(two);
    expect(plain.taken).toEqual([]);
    busy.ackAll();
    await busy.untilDone();
    await plain.untilDone();
    expect(plain.text).toBe("2\n");
  });

  it("[L-10] nor what a `one` reader has taken", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const worker = await one.read(pipe, "one");
    const writer = await writing.open(pipe);
    writer.write("a\n");
    await worker.untilText("a\n");
    const plain = await two.read(pipe);
    writer.write("b\n");
    await fence(writing, two);
    expect(plain.taken).toEqual([]);
    writer.finish();
    await worker.untilDone();
    await fence(two);
    expect(plain.isDone).toBe(false);
  });

  it("[L-10] a running stream comes back whole when its reader leaves, though it acknowledged", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const worker = await one.read(pipe, "one");
    const writer = await writing.open(pipe);
    writer.write("a\n");
    writer.write("b\n");
    await worker.untilText("a\nb\n");
    await fence(one);
    worker.leave();
    await worker.untilDone();
    const next = await two.read(pipe, "one");
    await next.untilText("a\nb\n");
    writer.finish("c\n");
    await next.untilDone();
    expect(next.text).toBe("a\nb\nc\n");
    await writer.untilEndSafe();
  });

  it("[L-10] so does a binary one", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const worker = await one.read(pipe, "one");
    const writer = await writing.open(pipe, { kind: "binary" });
    writer.write("BIN");
    await worker.untilText("BIN");
    await fence(one);
    worker.leave();
    writer.finish("ARY");
    const next = await two.read(pipe, "one");
    await next.untilDone();
    expect(next.text).toBe("BINARY");
  });

  it("[L-10] [L-12] so does the stream of a reader that is lost, and it is replaced", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const worker = await one.read(pipe, "one");
    const writer = await writing.open(pipe);
    writer.write("a\n");
    await worker.untilText("a\n");
    await cutSeen(one, writing);
    const next = await two.read(pipe, "one");
    await next.untilText("a\n");
    writer.finish("b\n");
    await next.untilDone();
    expect(next.text).toBe("a\nb\n");
    await one.resume();
    expect(await worker.untilFailed()).toMatchObject({ code: "replaced" });
  });

  it("[L-10] [L-3] an ended stream that its reader gave back goes to the next, before younger ones", async () => {
    const pipe = at.pipe();
    const [one, two] = await at.greetAll(2);
    const first = await leave(at, pipe, ["1\n"]);
    await leave(at, pipe, ["2\n"]);
    const worker = await one.read(pipe, "one", { autoAck: false });
    await worker.untilEnded(first);
    worker.leave();
    await worker.untilDone();
    const next = await two.read(pipe, "one");
    await next.untilDone();
    expect(next.text).toBe("1\n");
  });

  it("[L-10] reserved or not, nothing is lost when no reader is left", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const worker = await one.read(pipe, "one", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.finish("1\n");
    await worker.untilEnded(writer);
    worker.leave();
    await worker.untilDone();
    await writer.untilEndSafe();
    const plain = await two.read(pipe);
    await plain.untilDone();
    expect(plain.text).toBe("1\n");
  });
}

function tooLarge(start: Start): void {
  const MiB = 1024 * 1024;
  const at = place(start, { maxBufferBytes: MiB });

  it("[L-10] of a stream longer than half of the room the head is let go; then it aborts if its reader goes", async () => {
    const pipe = at.pipe();
    const [one, writing] = await at.greetAll(2);
    const worker = await one.read(pipe, "one");
    const writer = await writing.open(pipe, { kind: "binary" });
    await writer.pour(2 * MiB);
    await writer.untilSafe();
    expect((await writing.inspect()).usedBytes).toBeLessThanOrEqual(MiB);
    expect(writer.isPaused).toBe(false);
    worker.leave();
    expect(await writer.untilFailed()).toMatchObject({ code: "aborted" });
  });

  it("[L-10] and if its reader stays it is delivered", async () => {
    const pipe = at.pipe();
    const [one, writing] = await at.greetAll(2);
    const worker = await one.read(pipe, "one");
    const writer = await writing.open(pipe, { kind: "binary" });
    await writer.pour(2 * MiB);
    writer.finish();
    await worker.untilDone();
    await writer.untilEndSafe();
    expect(worker.seen(writer).bytes.length).toBe(2 * MiB);
    expect(await writing.inspect()).toMatchObject({ usedBytes: 0 });
  });
}

export function lawOfSharing(start: Start): void {
  parts(start, { share, "too large to come back": tooLarge });
}
