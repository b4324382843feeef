/** Random ends do random things to one broker: nothing is lost, repeated, reordered or broken, and everything comes to an end. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Flag } from "../../satellite/wire/frame.ts";
import { type End, Stage, type TestReader, type TestWriter } from "./stage.ts";

interface Act {
  readonly kind: number;
  readonly who: number;
  readonly which: number;
}

const act: fc.Arbitrary<Act> = fc.record({
  kind: fc.nat(99),
  who: fc.nat(5),
  which: fc.nat(50),
});

/** One play: what was written, by stream, and who read it. */
class Play {
  readonly stage = new Stage({
    graceMs: 20_000,
    windowBytesMin: 64,
    maxLagBytes: 400,
    maxBufferBytes: 20_000,
  });
  readonly ends: End[];
  readonly written: Map<number, string[]> = new Map();
  readonly kinds: Map<number, "text" | "binary"> = new Map();
  readonly readers: { end: End; reader: TestReader; mode: string }[] = [];
  readonly writers: { end: End; writer: TestWriter; finished: boolean; binary: boolean; lines: number }[] =
    [];

  constructor() {
    this.ends = Array.from({ length: 6 }, (_, i) => this.stage.end({ autoAck: i % 3 !== 0 }));
  }

  async run(acts: readonly Act[]): Promise<void> {
    for (const each of acts) {
      this.#perform(each);
      if (each.kind % 3 === 0) await this.stage.settle();
    }
  }

  /** Everybody comes back, everything is acknowledged and read. */
  async finish(): Promise<void> {
    for (const end of this.ends) this.#back(end);
    for (const each of this.writers) this.#finishWriter(each);
    for (let i = 0; i < 200; i++) {
      for (const { end, reader } of this.readers) end.ackAll(reader);
      await this.stage.settle();
    }
    for (const { end, reader } of this.readers) if (!reader.done) end.say({ type: "leave", ref: reader.ref });
    const drain = this.stage.end();
    const sweeper = drain.read("p", "follow");
    this.readers.push({ end: drain, reader: sweeper, mode: "follow" });
    for (let i = 0; i < 200; i++) await this.stage.settle();
    for (const each of this.writers) this.#finishWriter(each);
    for (let i = 0; i < 200; i++) await this.stage.settle();
  }

  #perform({ kind, who, which }: Act): void {
    const end = this.ends[who % this.ends.length] as End;
    if (kind < 12) this.#open(end, which % 3 === 0);
    else if (kind < 45) this.#write(which);
    else if (kind < 55) this.#finishWriter(this.writers[which % Math.max(1, this.writers.length)]);
    else if (kind < 67) this.#read(end, ["plain", "follow", "one", "plain"][which % 4] as "plain");
    else if (kind < 75) this.#ack(which);
    else if (kind < 80) this.#leave(which);
    else if (kind < 87) end.cut();
    else if (kind < 96) this.#back(end);
    else if (kind < 98) this.stage.advance((which % 8) * 1000);
    else this.stage.restart();
  }

  #open(end: End, binary: boolean): void {
    if (end.connectionNumber === 0) return;
    const writer = end.open("p", { kind: kindOf(binary) });
    this.writers.push({ end, writer, finished: false, binary, lines: 0 });
    this.written.set(writer.stream, []);
    this.kinds.set(writer.stream, binary ? "binary" : "text");
  }

  #write(index: number): void {
    const each = this.writers[index % Math.max(1, this.writers.length)];
    if (each === undefined || each.finished || each.writer.error !== null) return;
    const line = `<${this.writers.indexOf(each)}.${++each.lines}>\n`;
    if (each.writer.offset + line.length > each.writer.credit) {
      each.lines--;
      return;
    }
    this.written.get(each.writer.stream)?.push(line);
    each.end.write(each.writer, line, each.binary ? Flag.binary : Flag.boundary | Flag.line);
  }

  #finishWriter(each: Play["writers"][number] | undefined): void {
    if (each === undefined || each.finished || each.writer.error !== null) return;
    each.finished = true;
    each.end.finish(each.writer, "", each.binary ? Flag.binary : 0);
  }

  #read(end: End, mode: "plain" | "follow" | "one"): void {
    const hasOne = [...end.readers.values()].some((reader) => !reader.done && reader.error === null);
    if (end.connectionNumber === 0 || hasOne) return;
    this.readers.push({ end, reader: end.read("p", mode), mode });
  }

  #ack(index: number): void {
    const each = this.readers[index % Math.max(1, this.readers.length)];
    if (each !== undefined) each.end.ackAll(each.reader);
  }

  #leave(index: number): void {
    const each = this.readers[index % Math.max(1, this.readers.length)];
    if (each === undefined || each.end.connectionNumber === 0 || each.reader.done) return;
    each.end.say({ type: "leave", ref: each.reader.ref });
  }

  #back(end: End): void {
    if (end.connectionNumber === 0) end.resume();
  }
}

function kindOf(binary: boolean): "text" | "binary" {
  return binary ? "binary" : "text";
}

function checkReader(play: Play, reader: TestReader): void {
  for (const stream of reader.streams) {
    const written = (play.written.get(stream) ?? []).join("");
    const got = reader.pieces
      .filter((piece) => piece.startsWith(`${stream}:`))
      .map((piece) => piece.slice(piece.indexOf(":") + 1))
      .join("");
    expect(written).toContain(got);
    const isFromStart = play.kinds.get(stream) === "text" || written.startsWith(got);
    const isToEnd = reader.ends.get(stream) !== "eof" || written.endsWith(got);
    expect([isFromStart, isToEnd]).toEqual([true, true]);
  }
}

describe("chaos", () => {
  it("[L-3] [L-11] [L-13] [S-10] loses nothing that was promised, whatever happens", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 150 }), async (acts) => {
        const play = new Play();
        await play.run(acts);
        await play.finish();
        for (const { reader } of play.readers) checkReader(play, reader);
        for (const { writer } of play.writers) {
          if (writer.error !== null || !writer.endSafe) continue;
          const everybody = play.readers.map(({ reader }) => reader.text).join("");
          for (const line of play.written.get(writer.stream) ?? []) expect(everybody).toContain(line);
        }
        const left = play.writers.filter(({ writer }) => writer.error === null && !writer.endSafe);
        expect(left.map(({ writer }) => writer.stream)).toEqual([]);
      }),
      { numRuns: Number(process.env["CHAOS_RUNS"] ?? 300) },
    );
  });
});
