import { Blocks } from "./blocks.ts";
import { type Chunk, HEADER_BYTES, KIND_DATA } from "./frame.ts";
import { WS_HEADER_BYTES_MAX } from "./websocket-frame.ts";

const blocks = new Blocks();

/**
 * Makes a chunk and its frame (PROTOCOL.md §3). The payload is copied once, behind the header. A block is held by the
 * caller.
 *
 * @param stream id given by the satellite, 1 to 2⁴⁸−1
 * @param offset position of the first byte, in bytes
 */
export function encodeChunk(stream: number, offset: number, flags: number, payload: Uint8Array): Chunk {
  const chunk = blankChunk(stream, offset, flags, payload.length);
  chunk.frame.set(payload, HEADER_BYTES);
  return chunk;
}

/** As `encodeChunk`, with so many bytes behind the header that are still to be written. */
export function blankChunk(stream: number, offset: number, flags: number, bytes: number): Chunk {
  const { frame, block } = blocks.place(HEADER_BYTES + bytes);
  writeHeader(frame, stream, offset, flags);
  const end = offset + bytes;
  return { stream, offset, end, flags, arrival: 0, frame, room: WS_HEADER_BYTES_MAX, block, encoded: null };
}

/** Writes the 16 bytes of the header to the start of `frame`. */
export function writeHeader(frame: Uint8Array, stream: number, offset: number, flags: number): void {
  const view = new DataView(frame.buffer, frame.byteOffset, HEADER_BYTES);
  view.setUint8(0, KIND_DATA);
  view.setUint8(1, flags);
  view.setUint16(2, Math.floor(stream / 2 ** 32));
  view.setUint32(4, stream >>> 0);
  view.setUint32(8, Math.floor(offset / 2 ** 32));
  view.setUint32(12, offset >>> 0);
}
