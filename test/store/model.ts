/** What a store was given and has promised, and whether a store that has recovered keeps the promise. */
import assert from "node:assert/strict";
import type { Store } from "../../satellite/store/store.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import type { Fact, JsonValue } from "../../satellite/wire/fact.ts";
import { type Chunk, Flag, hasFlag } from "../../satellite/wire/frame.ts";
import type { KeptStream, Recovered } from "../../satellite/wire/recovered.ts";

interface ModelChunk {
  readonly chunk: Chunk;
  /** How much had been noted before it was appended. */
  readonly noted: number;
}

export interface ModelStream {
  readonly id: number;
  chunks: ModelChunk[];
  released: number;
  /** Nothing follows. */
  isFinal: boolean;
  to: number;
  durable: number;
  isEndDurable: boolean;
  /** Its place among the notes; null while it is there. */
  removed: number | null;
}

/** What goes into the journal, in order. */
type Note = { readonly facts: readonly Fact[] } | { readonly removed: number };

export class Model {
  readonly streams: Map<number, ModelStream> = new Map();
  #facts: Map<string, JsonValue> = new Map();
  #notes: Note[] = [];
  /** So many of the notes survive the process, as the calls that made them have returned. */
  #returned = 0;
  /** So many survive the computer, as chunks that were appended after them were told to be durable. */
  #covered = 0;
  #counter = 0;
  #lastId = 0;
  #arrival = 0;

  get alive(): ModelStream[] {
    return [...this.streams.values()].filter(({ removed }) => removed === null);
  }

  /** Facts to note; one more tells later how many of the notes are there. */
  note(facts: readonly Fact[]): Fact[] {
    const all = [...facts, { key: "count", value: ++this.#counter }];
    this.#notes.push({ facts: all });
    return all;
  }

  /** The last call has returned, and the process lives. */
  returned(): void {
    this.#returned = this.#notes.length;
  }

  /** The store was closed: all of it is on disk. */
  closed(): void {
    this.returned();
    this.#covered = this.#returned;
    for (const { id, to, durable, isFinal, isEndDurable } of this.alive) {
      assert.deepEqual({ id, durable, isEndDurable }, { id, durable: to, isEndDurable: isFinal });
    }
  }

  create(): number {
    const id = ++this.#lastId;
    const nothing = { chunks: [], released: 0, isFinal: false, to: 0, durable: 0, isEndDurable: false };
    this.streams.set(id, { id, ...nothing, removed: null });
    return id;
  }

  /** The next chunk of a stream, `gap` bytes behind the last one. */
  append(stream: ModelStream, flags: number, bytes: Uint8Array, gap: number): Chunk {
    const chunk = encodeChunk(stream.id, stream.to + gap, flags, bytes);
    chunk.arrival = ++this.#arrival;
    stream.chunks.push({ chunk, noted: this.#notes.length });
    stream.to = chunk.end;
    stream.isFinal = hasFlag(chunk, Flag.final);
    return chunk;
  }

  remove(stream: ModelStream): void {
    this.#notes.push({ removed: stream.id });
    stream.removed = this.#notes.length;
  }

  durable(id: number, offset: number, end: boolean): void {
    const stream = this.streams.get(id) as ModelStream;
    assert.equal(stream.removed, null, `stream ${id} is told durable after it was removed`);
    assert.ok(offset >= stream.durable && offset <= stream.to, `stream ${id} is told durable to ${offset}`);
    assert.ok(stream.isFinal || !end, `stream ${id} is told durable with an end`);
    stream.durable = offset;
    stream.isEndDurable ||= end;
    for (const { chunk, noted } of stream.chunks) {
      if (isDurable(stream, chunk)) this.#covered = Math.max(this.#covered, noted);
    }
  }

  /** What can be read of a stream. */
  readable({ chunks, released }: ModelStream): Chunk[] {
    return chunks
      .map(({ chunk }) => chunk)
      .filter((chunk) => chunk.end > released || hasFlag(chunk, Flag.final));
  }

  /**
   * Compares a store that has recovered with what was promised, and goes on from there. `isKilled`: only the process
   * has died, so everything that was noted is there.
   */
  async recovered(store: Store, { facts, streams, damage }: Recovered, isKilled: boolean): Promise<void> {
    assert.deepEqual(damage, []);
    const sure = isKilled ? this.#returned : this.#covered;
    const count = this.#countIn(facts);
    assert.deepEqual(facts, this.#factsAfter(count));
    const sureFacts = this.#notes.findLastIndex((note, index) => "facts" in note && index < sure) + 1;
    assert.ok(count >= sureFacts, `${count} notes are there of ${sureFacts} that were promised`);
    const found = new Map(streams.map((stream) => [stream.id, stream]));
    for (const stream of this.streams.values()) {
      const kept = found.get(stream.id);
      found.delete(stream.id);
      const isGone = stream.removed !== null && stream.removed <= Math.max(count, sure);
      if (isGone) assert.equal(kept, undefined, `stream ${stream.id} comes back`);
      if (kept === undefined) this.#checkGone(stream);
      else await this.#check(store, stream, kept);
    }
    assert.deepEqual([...found.keys()], []);
    this.#facts = new Map(facts);
    this.#notes = [];
    this.#returned = 0;
    this.#covered = 0;
  }

  #checkGone(stream: ModelStream): void {
    if (stream.removed === null) assert.deepEqual(this.#promised(stream), [], `stream ${stream.id} is lost`);
    this.streams.delete(stream.id);
  }

  async #check(store: Store, stream: ModelStream, kept: KeptStream): Promise<void> {
    const chunks = await readAll(store, stream.id, kept.from);
    const given = stream.chunks.map(({ chunk }) => chunk);
    const start = given.findIndex(({ offset, end }) => offset === kept.from && end === chunks[0]?.end);
    const same = chunks.length === 0 ? [] : given.slice(start, start + chunks.length);
    assert.deepEqual(plain(chunks), plain(same));
    if (stream.removed === null) {
      const missing = this.#promised(stream).filter((chunk) => !same.includes(chunk));
      assert.deepEqual(plain(missing), [], `stream ${stream.id} has only ${kept.from} to ${kept.to}`);
    }
    const first = chunks[0];
    const last = chunks.at(-1);
    assert.deepEqual(kept, {
      id: stream.id,
      from: first?.offset ?? kept.to,
      to: last?.end ?? kept.to,
      end: last !== undefined && hasFlag(last, Flag.final),
      lastFlags: last?.flags ?? 0,
      lastOffset: last?.offset ?? kept.to,
      firstArrival: first?.arrival ?? 0,
      lastArrival: last?.arrival ?? 0,
      damaged: false,
    });
    const { to, end } = kept;
    this.streams.set(stream.id, {
      id: stream.id,
      chunks: chunks.map((chunk) => ({ chunk, noted: 0 })),
      released: first === undefined ? to : Math.max(0, Math.min(stream.released, first.end - 1)),
      isFinal: end,
      to,
      durable: to,
      isEndDurable: end,
      removed: null,
    });
  }

  /** What must be there after a restart. */
  #promised(stream: ModelStream): Chunk[] {
    return this.readable(stream).filter((chunk) => isDurable(stream, chunk));
  }

  /** How many of the notes are there. */
  #countIn(facts: ReadonlyMap<string, JsonValue>): number {
    const count = facts.get("count");
    if (count === this.#facts.get("count")) return 0;
    return this.#notes.findIndex((note) => "facts" in note && note.facts.at(-1)?.value === count) + 1;
  }

  #factsAfter(count: number): Map<string, JsonValue> {
    const facts = new Map(this.#facts);
    for (const note of this.#notes.slice(0, count)) {
      if (!("facts" in note)) continue;
      for (const { key, value } of note.facts) {
        if (value === null) facts.delete(key);
        else facts.set(key, value);
      }
    }
    return facts;
  }
}

function isDurable(stream: ModelStream, chunk: Chunk): boolean {
  return chunk.end <= stream.durable && (!hasFlag(chunk, Flag.final) || stream.isEndDurable);
}

async function readAll(store: Store, id: number, from: number): Promise<Chunk[]> {
  const chunks = await store.read(id, from, 1_000);
  for (;;) {
    const last = chunks.at(-1);
    if (last === undefined || hasFlag(last, Flag.final)) return chunks;
    const more = await store.read(id, last.end, 1_000);
    if (more.length === 0) return chunks;
    chunks.push(...more);
  }
}

/** What chunks are compared by, whatever kind of buffer holds the frame. */
export function plain(chunks: readonly Chunk[]): object[] {
  return chunks.map(({ frame, ...rest }) => ({ ...rest, frame: Buffer.from(frame).toString("base64") }));
}
