import type { Block } from "./blocks.ts";
import { WireError } from "./errors.ts";
import { type Chunk, FLAGS_DEFINED, Flag, HEADER_BYTES, KIND_DATA } from "./frame.ts";
import { limits } from "./limits.ts";

/**
 * Reads one data frame (PROTOCOL.md §3). The chunk refers to `frame`; nothing is copied.
 *
 * @param room bytes before the frame, in its buffer, that belong to it
 * @param block what the frame lies in, where that is used again
 * @throws WireError `protocol` or `too-large`
 */
export function decodeChunk(frame: Uint8Array, room = 0, block: Block | null = null): Chunk {
  const size = frame.length - HEADER_BYTES;
  if (size < 0) throw new WireError("protocol", "a data frame is shorter than its header"); // [F-1]
  if (size > limits.chunkBytesMax) {
    throw new WireError("too-large", `a chunk is at most ${limits.chunkBytesMax} bytes`); // [F-1]
  }
  const view = new DataView(frame.buffer, frame.byteOffset, HEADER_BYTES);
  if (view.getUint8(0) !== KIND_DATA) throw new WireError("protocol", "unknown frame kind"); // [F-1]
  const flags = view.getUint8(1);
  checkFlags(flags, size);
  const stream = view.getUint16(2) * 2 ** 32 + view.getUint32(4);
  if (stream === 0) throw new WireError("protocol", "stream 0 does not exist"); // [F-1]
  const offset = view.getUint32(8) * 2 ** 32 + view.getUint32(12);
  const end = offset + size;
  if (offset > Number.MAX_SAFE_INTEGER || end > Number.MAX_SAFE_INTEGER) {
    throw new WireError("protocol", "an offset is above 2^53-1"); // [F-1]
  }
  return { stream, offset, end, flags, arrival: 0, frame, room, block, encoded: null };
}

function checkFlags(flags: number, size: number): void {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if ((flags & ~FLAGS_DEFINED) !== 0) throw new WireError("protocol", "undefined flag"); // [F-1]
  if (size === 0 && !has(Flag.final)) throw new WireError("protocol", "an empty chunk must be final"); // [F-2]
  if (has(Flag.line) && !has(Flag.boundary)) {
    throw new WireError("protocol", "LINE without BOUNDARY"); // [F-3]
  }
  if (has(Flag.interrupted) && !has(Flag.final)) {
    throw new WireError("protocol", "INTERRUPTED without FINAL"); // [F-3]
  }
}
