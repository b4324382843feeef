/** A store that keeps what it is given in a medium, as the interface promises and no better: what is not synced may go. */
import type { OnDurable, OnTrouble, Store, StreamRecord, Trouble } from "../../satellite/store/store.ts";
import type { Fact, JsonValue } from "../../satellite/wire/fact.ts";
import { type Chunk, Flag, hasFlag } from "../../satellite/wire/frame.ts";
import type { KeptStream, Recovered } from "../../satellite/wire/recovered.ts";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

type Line =
  | { type: "note" /** JSON of them. */; facts: string }
  | { type: "create"; stream: number }
  | { type: "remove"; stream: number }
  | { type: "release"; stream: number; offset: number };

/** What outlives a process: a journal that is written at once, chunks that are written by commits, both synced by them. */
export class Medium {
  journal: Line[] = [];
  journalSynced = 0;
  chunks: Chunk[] = [];
  chunksSynced = 0;
  trouble: Trouble | null = null;

  sync(): void {
    this.journalSynced = this.journal.length;
    this.chunksSynced = this.chunks.length;
  }

  /** The power goes: of what was not synced, a part from the front may be there. */
  losePower(random: Random): void {
    this.journal.length = random.between(this.journalSynced, this.journal.length);
    this.chunks.length = random.between(this.chunksSynced, this.chunks.length);
    this.sync();
  }
}

interface Kept {
  chunks: Chunk[];
  released: number;
  told: number;
}

const READ_RETRIES_MS = 20;

export class ModelStore implements Store {
  readonly name = "model";
  readonly isLasting = true;
  onDurable: OnDurable = () => {};
  onTrouble: OnTrouble = () => {};
  readonly #medium: Medium;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #streams: Map<number, Kept> = new Map();
  #waiting: Chunk[] = [];
  #isCommitting = false;
  #isDead = false;
  #hasTrouble = false;
  #whenIdle: (() => void)[] = [];

  constructor(medium: Medium, clock: Clock, random: Random) {
    this.#medium = medium;
    this.#clock = clock;
    this.#random = random;
  }

  /** The process is killed: a part of what waits may have been written. */
  kill(): void {
    this.#isDead = true;
    if (!this.#isCommitting || this.#medium.trouble !== null) return;
    const written = this.#random.between(0, this.#waiting.length);
    this.#medium.chunks.push(...this.#waiting.slice(0, written));
  }

  /** What a process that was killed has left with the operating system is on disk before anything is told of it. */
  recover(): Promise<Recovered> {
    if (this.#medium.trouble === "failing")
      return Promise.reject(new Error("the simulated disk does not sync"));
    this.#medium.sync();
    const facts = new Map<string, JsonValue>();
    for (const line of this.#medium.journal) {
      if (line.type === "note") {
        for (const { key, value } of JSON.parse(line.facts) as Fact[]) {
          if (value === null) facts.delete(key);
          else facts.set(key, value);
        }
      } else if (line.type === "create") {
        this.#streams.set(line.stream, { chunks: [], released: 0, told: 0 });
      } else if (line.type === "remove") this.#streams.delete(line.stream);
      else {
        const kept = this.#streams.get(line.stream);
        if (kept !== undefined) kept.released = Math.max(kept.released, line.offset);
      }
    }
    for (const chunk of this.#medium.chunks) this.#streams.get(chunk.stream)?.chunks.push(chunk);
    for (const kept of this.#streams.values()) dropReleased(kept);
    const streams = [...this.#streams].map(([id, kept]) => describe(id, kept));
    return Promise.resolve({ facts, streams, lostTailBytes: 0, damage: [] });
  }

  note(facts: readonly Fact[]): void {
    this.#medium.journal.push({ type: "note", facts: JSON.stringify(facts) });
  }

  create({ id }: StreamRecord): void {
    if (this.#streams.has(id)) throw new Error(`stream ${id} is created twice`);
    this.#streams.set(id, { chunks: [], released: 0, told: 0 });
    this.#medium.journal.push({ type: "create", stream: id });
  }

  append(chunk: Chunk): void {
    const kept = this.#streams.get(chunk.stream);
    if (kept === undefined) throw new Error(`stream ${chunk.stream} was not created`);
    const last = kept.chunks.at(-1);
    if (last !== undefined && last.end !== chunk.offset) {
      throw new Error(`a chunk of stream ${chunk.stream} begins at ${chunk.offset} instead of ${last.end}`);
    }
    const copy = { ...chunk, frame: new Uint8Array(chunk.frame) };
    kept.chunks.push(copy);
    this.#waiting.push(copy);
    this.#commit();
  }

  async read(stream: number, offset: number, bytesMax: number): Promise<Chunk[]> {
    const chunks = this.#streams.get(stream)?.chunks ?? [];
    const first = chunks.findIndex((chunk) => chunk.offset === offset);
    if (first === -1) return [];
    let last = first;
    while (last + 1 < chunks.length && (chunks[last + 1] as Chunk).end - offset <= bytesMax) last++;
    const found = chunks.slice(first, last + 1).map((chunk) => ({ ...chunk }));
    if (this.#medium.trouble === "failing") throw new Error("the disk does not read");
    await Promise.resolve();
    return found;
  }

  release(stream: number, offset: number): void {
    const kept = this.#streams.get(stream);
    if (kept === undefined || offset <= kept.released) return;
    kept.released = offset;
    dropReleased(kept);
    this.#medium.journal.push({ type: "release", stream, offset });
  }

  remove(stream: number): void {
    if (this.#streams.delete(stream)) this.#medium.journal.push({ type: "remove", stream });
  }

  close(): Promise<void> {
    if (!this.#isCommitting && this.#waiting.length === 0) {
      this.#medium.journalSynced = this.#medium.journal.length;
      this.#isDead = true;
      return Promise.resolve();
    }
    return new Promise<void>((resolve) => this.#whenIdle.push(resolve)).then(() => this.close());
  }

  #commit(): void {
    if (this.#isCommitting || this.#waiting.length === 0) return;
    this.#isCommitting = true;
    this.#clock.after(this.#random.below(8), () => this.#write());
  }

  #write(): void {
    if (this.#isDead) return;
    const { trouble } = this.#medium;
    if (trouble !== null) {
      if (!this.#hasTrouble) this.onTrouble(trouble, "simulated");
      this.#hasTrouble = true;
      this.#clock.after(READ_RETRIES_MS * 10, () => this.#write());
      return;
    }
    if (this.#hasTrouble) this.onTrouble(null, "simulated");
    this.#hasTrouble = false;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#medium.chunks.push(...batch);
    const journalTo = this.#medium.journal.length;
    const chunksTo = this.#medium.chunks.length;
    this.#clock.after(this.#random.below(30), () => {
      if (this.#isDead) return;
      this.#medium.journalSynced = Math.max(this.#medium.journalSynced, journalTo);
      this.#medium.chunksSynced = chunksTo;
      this.#isCommitting = false;
      this.#tell(batch);
      this.#commit();
      if (this.#isCommitting) return;
      const idle = this.#whenIdle;
      this.#whenIdle = [];
      for (const resolve of idle) resolve();
    });
  }

  #tell(batch: readonly Chunk[]): void {
    const last = new Map(batch.map((chunk) => [chunk.stream, chunk]));
    for (const chunk of last.values()) {
      if (this.#streams.has(chunk.stream))
        this.onDurable(chunk.stream, chunk.end, hasFlag(chunk, Flag.final));
    }
  }
}

function dropReleased(kept: Kept): void {
  const needed = kept.chunks.findIndex((chunk) => chunk.end > kept.released || hasFlag(chunk, Flag.final));
  kept.chunks.splice(0, needed === -1 ? kept.chunks.length : needed);
}

function describe(id: number, { chunks, released }: Kept): KeptStream {
  const [first, last] = [chunks[0], chunks.at(-1)];
  return {
    id,
    from: first?.offset ?? released,
    to: last?.end ?? released,
    end: last !== undefined && hasFlag(last, Flag.final),
    lastFlags: last?.flags ?? 0,
    lastOffset: last?.offset ?? released,
    firstArrival: first?.arrival ?? 0,
    lastArrival: last?.arrival ?? 0,
    damaged: false,
  };
}
