import { type Chunk, Flag, hasFlag } from "../wire/frame.ts";
import type { Recovered } from "../wire/recovered.ts";
import { ChunkList } from "./chunk-list.ts";
import type { OnDurable, OnTrouble, Store, StreamRecord } from "./store.ts";

/** A frame may keep a buffer of up to this many times its own size from being freed; else it is copied. */
const SPARE_FACTOR_MAX = 2;

/**
 * Keeps chunks for as long as the process lives. Durable here means kept at all: it is told during `append`.
 */
export class MemoryStore implements Store {
  readonly name = "memory";
  readonly isLasting = false;
  onDurable: OnDurable = () => {};
  onTrouble: OnTrouble = () => {};
  readonly #streams: Map<number, ChunkList> = new Map();

  recover(): Promise<Recovered> {
    return Promise.resolve({ facts: new Map(), streams: [], lostTailBytes: 0, damage: [] });
  }

  /** Nothing outlives the process, so nobody will ask. */
  note(): void {}

  create(record: StreamRecord): void {
    this.#streams.set(record.id, new ChunkList());
  }

  append(chunk: Chunk): void {
    const held = this.#streams.get(chunk.stream);
    if (held === undefined) throw new Error(`stream ${chunk.stream} is not in the store`);
    const { last } = held;
    if (last !== undefined && last.end !== chunk.offset) {
      throw new Error(`a chunk of stream ${chunk.stream} begins at ${chunk.offset} instead of ${last.end}`);
    }
    held.push(compact(chunk));
    this.onDurable(chunk.stream, chunk.end, hasFlag(chunk, Flag.final));
  }

  read(stream: number, offset: number, bytesMax: number): Promise<Chunk[]> {
    return Promise.resolve(this.#streams.get(stream)?.read(offset, bytesMax) ?? []);
  }

  release(stream: number, offset: number): void {
    this.#streams.get(stream)?.dropTo(offset);
  }

  remove(stream: number): void {
    this.#streams.delete(stream);
  }

  close(): Promise<void> {
    this.#streams.clear();
    return Promise.resolve();
  }
}

/** A small frame shares its memory with others, which must not all be kept for it. */
function compact(chunk: Chunk): Chunk {
  const { frame, room } = chunk;
  if (frame.buffer.byteLength <= frame.length * SPARE_FACTOR_MAX) return chunk;
  const bytes = new Uint8Array(room + frame.length);
  bytes.set(frame, room);
  return { ...chunk, frame: bytes.subarray(room), block: null, encoded: null };
}
