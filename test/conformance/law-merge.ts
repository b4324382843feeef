/** Fan-in: lines stay whole, and each writer's bytes stay in order. L-6, L-11. PROTOCOL §8. */
import { expect, it } from "vitest";
import { Flag } from "../../satellite/wire/frame.ts";
import type { RawEnd } from "../support/raw-end.ts";
import type { RawReader } from "../support/raw-reader.ts";
import type { RawWriter } from "../support/raw-writer.ts";
import { randomFrom } from "../wire/fuzz.ts";
import { fence, parts, place, type Start } from "./harness.ts";

function lines(start: Start): void {
  const at = place(start, { midLineMs: 60_000 });

  it("[L-6] a stream that stands in mid-line holds the others", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const reader = await reading.read(pipe);
    const first = await one.open(pipe);
    const second = await two.open(pipe);
    first.write("half of ");
    await reader.untilText("half of ");
    second.write("another\n");
    await fence(two, reading);
    expect(reader.text).toBe("half of ");
    first.write("a line\n");
    await reader.untilText("half of a line\nanother\n");
  });

  it("[L-6] a place to switch that ends no line lets the others go on", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const reader = await reading.read(pipe);
    const first = await one.open(pipe);
    const second = await two.open(pipe);
    first.write("prompt> ", Flag.boundary);
    await reader.untilText("prompt> ");
    second.write("other\n");
    await reader.untilText("prompt> other\n");
  });

  it("[L-6] [L-7] the end of a stream is a place to switch, in mid-line too", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const reader = await reading.read(pipe);
    const first = await one.open(pipe);
    const second = await two.open(pipe);
    first.write("no new");
    await reader.untilText("no new");
    second.write("other\n");
    await fence(two, reading);
    first.finish("line");
    await reader.untilText("no newlineother\n");
  });

  it("[L-6] an abort in mid-line is a place to switch", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const reader = await reading.read(pipe);
    const first = await one.open(pipe);
    const second = await two.open(pipe);
    first.write("lost in");
    await reader.untilText("lost in");
    second.write("other\n");
    await fence(two, reading);
    first.abort();
    await reader.untilText("lost inother\n");
    second.finish();
    await reader.untilDone();
    expect(reader.seen(first).ended).toBe("aborted");
  });

  it("[L-6] what was held comes in order of arrival", async () => {
    const pipe = at.pipe();
    const [one, two, three, reading] = await at.greetAll(4);
    const reader = await reading.read(pipe);
    const writers = [await one.open(pipe), await two.open(pipe), await three.open(pipe)] as const;
    writers[0].write("0");
    await reader.untilText("0");
    for (const [index, text] of [
      [2, "c\n"],
      [1, "b\n"],
      [2, "d\n"],
      [1, "e\n"],
    ] as const) {
      writers[index].write(text);
      await fence(writers[index].end);
    }
    writers[0].write("!\n");
    await reader.untilText("0!\nc\nb\nd\ne\n");
  });

  it("[L-6] no line is broken, lost, doubled or out of its writer's order, whatever the pieces", async () => {
    const pipe = at.pipe();
    const seed = Date.now() % 1e9;
    const random = randomFrom(seed);
    const ends = await at.greetAll(5);
    const reader = await ends[4]?.read(pipe);
    const writers = await Promise.all(ends.slice(0, 4).map((end) => end.open(pipe)));
    const linesPerWriter = 150;
    const text = (writer: number): string =>
      Array.from(
        { length: linesPerWriter },
        (_, line) => `${writer}:${line} ${"z".repeat(line % 40)}\n`,
      ).join("");
    const rest = writers.map((_, index) => text(index));
    while (rest.some((left) => left !== "")) {
      const index = Math.floor(random() * writers.length);
      const size = 1 + Math.floor(random() * 60);
      const piece = rest[index]?.slice(0, size) ?? "";
      if (piece !== "") writers[index]?.write(piece);
      rest[index] = rest[index]?.slice(size) ?? "";
      if (random() < 0.05) await fence(ends[index] as RawEnd);
    }
    for (const writer of writers) writer.finish();
    await reader?.untilDone();
    const got = (reader?.text ?? "").split(/(?<=\n)/);
    expect(got.length, `seed ${seed}`).toBe(4 * linesPerWriter);
    for (const index of writers.keys()) {
      expect(got.filter((line) => line.startsWith(`${index}:`)).join(""), `seed ${seed}`).toBe(text(index));
    }
  });
}

function holding(start: Start): void {
  const at = place(start, { midLineMs: 30, graceMs: 60_000 });

  it("[L-6] a silent stream in mid-line holds the others for midLineMs at most", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const reader = await reading.read(pipe);
    const first = await one.open(pipe);
    const second = await two.open(pipe);
    first.write("half");
    await reader.untilText("half");
    second.write("other\n");
    await reader.untilText("halfother\n");
    first.write(" and half\n");
    await reader.untilText("halfother\n and half\n");
  });

  it("[L-6] so does a writer that is lost in mid-line", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const reader = await reading.read(pipe);
    const first = await one.open(pipe);
    const second = await two.open(pipe);
    first.write("half");
    await reader.untilText("half");
    await one.cut();
    second.finish("other\n");
    await reader.untilText("halfother\n");
    await one.resume();
    first.resend();
    first.finish(" more\n");
    await reader.untilDone();
    expect(reader.text).toBe("halfother\n more\n");
  });
}

/** Cuts one of the ends, and brings it back as an end does. */
async function cutAndResume(end: RawEnd): Promise<void> {
  await end.cut();
  await end.resume();
  for (const writer of end.writers.values()) {
    const { received } = await end.next("opened", { ref: writer.ref });
    writer.resend(received);
  }
  for (const reader of end.readers.values()) reader.ackAll();
}

function exactlyOnce(start: Start): void {
  const at = place(start, { graceMs: 60_000, takeoverMs: 60_000, midLineMs: 60_000 });

  async function disturbed(seed: number, binary: boolean): Promise<void> {
    const pipe = at.pipe();
    const random = randomFrom(seed);
    const [writing, one, two, other] = await at.greetAll(4);
    const ends = [writing, one, two, ...(binary ? [] : [other])];
    const readers: RawReader[] = [await one.read(pipe), await two.read(pipe, "follow")];
    const fields = binary ? { kind: "binary" as const } : {};
    const writers: RawWriter[] = [await writing.open(pipe, fields)];
    if (!binary) writers.push(await other.open(pipe));
    for (let step = 0; step < 120; step += 1) {
      const writer = writers[Math.floor(random() * writers.length)] as RawWriter;
      writer.write(`${writer.stream}:${step}${random() < 0.5 ? "\n" : "+\n"}`);
      if (random() < 0.12) await cutAndResume(ends[Math.floor(random() * ends.length)] as RawEnd);
    }
    for (const writer of writers) writer.finish();
    await readers[0]?.untilDone();
    for (const writer of writers) {
      await writer.untilEndSafe();
      const sent = Buffer.concat(writer.sent.map(({ frame }) => frame.subarray(16)));
      for (const reader of readers) {
        await reader.untilEnded(writer);
        expect(reader.seen(writer).bytes.equals(sent), `seed ${seed}`).toBe(true);
      }
    }
  }

  it("[L-11] no gap, no repeat and no reordering of lines, whatever connections drop", async () => {
    for (let run = 0; run < 4; run += 1) await disturbed((Date.now() + run) % 1e9, false);
  });

  it("[L-11] nor of binary streams", async () => {
    for (let run = 0; run < 4; run += 1) await disturbed((Date.now() + run) % 1e9, true);
  });
}

export function lawOfMerging(start: Start): void {
  parts(start, { lines, holding, "exactly once": exactlyOnce });
}
