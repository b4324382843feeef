import { type Chunk, Flag, hasFlag } from "../wire/frame.ts";
import type { OnDurable, Store, StreamRecord } from "./store.ts";

/** A frame may keep a buffer of up to this many times its own size from being freed; else it is copied. */
const SPARE_FACTOR_MAX = 2;

/**
 * Keeps chunks for as long as the process lives. Durable here means kept at all: it is told during `append`.
 */
export class MemoryStore implements Store {
  readonly name = "memory";
  onDurable: OnDurable = () => {};
  readonly #streams: Map<number, Held> = new Map();

  create(record: StreamRecord): void {
    this.#streams.set(record.id, { chunks: [], head: 0 });
  }

  append(chunk: Chunk): void {
    const held = this.#streams.get(chunk.stream);
    if (held === undefined) throw new Error(`stream ${chunk.stream} is not in the store`);
    const last = held.head < held.chunks.length ? held.chunks.at(-1) : undefined;
    if (last !== undefined && last.end !== chunk.offset) {
      throw new Error(`a chunk of stream ${chunk.stream} begins at ${chunk.offset} instead of ${last.end}`);
    }
    held.chunks.push(compact(chunk));
    this.onDurable(chunk.stream, chunk.end, hasFlag(chunk, Flag.final));
  }

  read(stream: number, offset: number, bytesMax: number): Promise<Chunk[]> {
    const held = this.#streams.get(stream);
    return Promise.resolve(held === undefined ? [] : readFrom(held, offset, bytesMax));
  }

  release(stream: number, offset: number): void {
    const held = this.#streams.get(stream);
    if (held !== undefined) dropTo(held, offset);
  }

  remove(stream: number): void {
    this.#streams.delete(stream);
  }

  close(): Promise<void> {
    this.#streams.clear();
    return Promise.resolve();
  }
}

/** Chunks of one stream: contiguous, oldest first. What lies before `head` was released. */
interface Held {
  chunks: Chunk[];
  head: number;
}

/** A frame is a view of what one read of a socket gave: a small one must not keep all of that in memory. */
function compact(chunk: Chunk): Chunk {
  const { frame } = chunk;
  if (frame.buffer.byteLength <= frame.length * SPARE_FACTOR_MAX) return chunk;
  return { ...chunk, frame: new Uint8Array(frame) };
}

function readFrom(held: Held, offset: number, bytesMax: number): Chunk[] {
  const first = indexFrom(held, offset);
  if (held.chunks[first]?.offset !== offset) return [];
  let last = first;
  while (last + 1 < held.chunks.length && (held.chunks[last + 1] as Chunk).end - offset <= bytesMax) last++;
  return held.chunks.slice(first, last + 1);
}

/** Index of the first chunk that begins at or after `offset`. */
function indexFrom(held: Held, offset: number): number {
  let low = held.head;
  let high = held.chunks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((held.chunks[middle] as Chunk).offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function dropTo(held: Held, offset: number): void {
  const before = held.head;
  for (let next = held.chunks[held.head]; next !== undefined; next = held.chunks[held.head]) {
    if (next.end > offset || hasFlag(next, Flag.final)) break;
    held.head++;
  }
  if (held.head * 2 >= held.chunks.length) {
    // At most as many are moved as were released: each chunk is paid for once.
    held.chunks = held.chunks.slice(held.head);
    held.head = 0;
  } else {
    for (let index = before; index < held.head; index++) held.chunks[index] = RELEASED;
  }
}

/** Stands where a chunk was released, so that its frame is freed. */
const RELEASED: Chunk = { stream: 0, offset: -1, end: -1, flags: 0, arrival: 0, frame: new Uint8Array(0) };
