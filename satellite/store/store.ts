import type { Chunk } from "../wire/frame.ts";
import type { StreamInfo } from "../wire/messages.ts";

/** What is kept of a stream besides its chunks. */
export interface StreamRecord extends StreamInfo {
  readonly id: number;
  readonly pipe: string;
  /** Milliseconds since the epoch. */
  readonly openedMs: number;
  readonly ttlMs?: number;
}

/** How durability is told: everything of `stream` before `offset` is kept; with `end`, its last chunk too. */
export type OnDurable = (stream: number, offset: number, end: boolean) => void;

/**
 * Where chunks wait for their readers. Each implementation passes the suite in test/conformance.
 * Calls for one stream are made in order. What is durable is told by `onDurable`, later or during the call.
 */
export interface Store {
  /** `memory`, `files` … */
  readonly name: string;
  onDurable: OnDurable;
  /** Begins to keep a stream. */
  create(record: StreamRecord): void;
  /** Keeps one chunk. It begins where the last one ended, or anywhere when nothing is held. */
  append(chunk: Chunk): void;
  /** Whole chunks from the one that begins at `offset`, up to `bytesMax` bytes, at least one if there is one. */
  read(stream: number, offset: number, bytesMax: number): Promise<Chunk[]>;
  /** What ends at or before `offset` will not be read again. */
  release(stream: number, offset: number): void;
  /** Forgets a stream. */
  remove(stream: number): void;
  close(): Promise<void>;
}
