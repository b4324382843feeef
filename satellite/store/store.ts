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
  /** Set before the first call. Offsets of one stream never go back, and nothing is told of a stream after `remove`. */
  onDurable: OnDurable;
  /** Begins to keep a stream. */
  create(record: StreamRecord): void;
  /**
   * Keeps one chunk. It begins where the last one ended, or anywhere when nothing is held; otherwise, and for a
   * stream that was not created, this throws.
   */
  append(chunk: Chunk): void;
  /**
   * Whole chunks from the one that begins at `offset`, up to `bytesMax` bytes of payload, at least one if there is
   * one; none if no chunk begins there. What was appended before the call is seen, durable or not. A chunk comes back
   * as it was given: its frame byte for byte, and its place in the order of arrival.
   */
  read(stream: number, offset: number, bytesMax: number): Promise<Chunk[]>;
  /** What ends at or before `offset` will not be read again, but for the final chunk: that stays until `remove`. */
  release(stream: number, offset: number): void;
  /** Forgets a stream. One that is not there is no error. */
  remove(stream: number): void;
  /** Resolves when all that was appended is durable and has been told. Closing again is no error. */
  close(): Promise<void>;
}
