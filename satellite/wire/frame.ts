/** Constants and types of a data frame (PROTOCOL.md §3). */
import type { Block } from "./blocks.ts";

export const HEADER_BYTES = 16;
export const KIND_DATA = 0x01;

/** Flag bits of a data frame. */
export const Flag = {
  boundary: 0x01,
  final: 0x02,
  binary: 0x04,
  line: 0x08,
  interrupted: 0x10,
} as const;

export const FLAGS_DEFINED = 0x1f;

/** Largest stream id: 48 bits. */
export const STREAM_ID_MAX: number = 2 ** 48 - 1;

/**
 * One chunk together with the frame that carried it. The frame is forwarded as it is [F-4], so it is kept whole.
 * `offset` and `end` are byte positions in the stream; `end - offset` is the size of the chunk.
 */
export interface Chunk {
  readonly stream: number;
  readonly offset: number;
  readonly end: number;
  readonly flags: number;
  /** Place in the order of arrival at the satellite, which sets it; 0 before. */
  arrival: number;
  /** Header and chunk, as on the wire. */
  readonly frame: Uint8Array;
  /** Bytes before the frame, in the same buffer, that are the frame's as well: a header may be written there. */
  readonly room: number;
  /** What the frame lies in, where that is used again: who needs the frame for longer than a call holds it. */
  readonly block: Block | null;
  /** The frame as a WebSocket carries it, once that was needed; `null` before. */
  encoded: Uint8Array | null;
}

/** The chunk's bytes, without a copy. */
export function payloadOf(chunk: Chunk): Uint8Array {
  return chunk.frame.subarray(HEADER_BYTES);
}

export function hasFlag(chunk: Chunk, flag: number): boolean {
  return (chunk.flags & flag) !== 0;
}

/** Stands where a chunk was dropped, so that its frame is freed. */
export const NO_CHUNK: Chunk = {
  stream: 0,
  offset: -1,
  end: -1,
  flags: 0,
  arrival: 0,
  frame: new Uint8Array(0),
  room: 0,
  block: null,
  encoded: null,
};
