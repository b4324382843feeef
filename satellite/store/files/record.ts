/** Records: chunks as they lie in a segment (FORMAT.md). */
import { crc32 } from "node:zlib";
import { decodeChunk } from "../../wire/decode.ts";
import { type Chunk, Flag, HEADER_BYTES, KIND_DATA } from "../../wire/frame.ts";
import { limits } from "../../wire/limits.ts";

export const RECORD_HEADER_BYTES = 14;
export const RECORD_BYTES_MAX: number = RECORD_HEADER_BYTES + HEADER_BYTES + limits.chunkBytesMax;

/** Of a chunk without a byte. */
export const RECORD_BYTES_MIN: number = RECORD_HEADER_BYTES + HEADER_BYTES;
const KIND_NEXT = 1;
const KIND_FRESH = 2;

/** What the header of a record, and that of the frame in it, say. */
export interface RecordHead {
  /** Where it lies in the buffer. */
  readonly at: number;
  readonly bytes: number;
  /** What the stream had before this record is not needed any more. */
  readonly fresh: boolean;
  readonly arrival: number;
  readonly stream: number;
  readonly from: number;
  readonly to: number;
  readonly flags: number;
}

export function recordBytes(frame: Uint8Array): number {
  return RECORD_HEADER_BYTES + frame.length;
}

/** What the header of a record says of the frame in it. */
export interface RecordLabel {
  readonly arrival: number;
  readonly fresh: boolean;
}

/** Writes the record that holds `frame` to `target`, header and all. */
export function writeRecord(
  target: Buffer,
  at: number,
  frame: Uint8Array,
  label: RecordLabel,
  salt: number,
): void {
  writeLabel(target, at, frame, label);
  target.set(frame, at + RECORD_HEADER_BYTES);
  const end = at + RECORD_HEADER_BYTES + frame.length;
  target.writeUInt32BE(crc32(target.subarray(at + 4, end), salt), at);
}

/** Writes only the header, for a frame that is written from where it is. */
export function writeRecordHeader(
  target: Buffer,
  at: number,
  frame: Uint8Array,
  label: RecordLabel,
  salt: number,
): void {
  writeLabel(target, at, frame, label);
  const seed = crc32(target.subarray(at + 4, at + RECORD_HEADER_BYTES), salt);
  target.writeUInt32BE(crc32(frame, seed), at);
}

function writeLabel(target: Buffer, at: number, frame: Uint8Array, { arrival, fresh }: RecordLabel): void {
  target[at + 4] = fresh ? KIND_FRESH : KIND_NEXT;
  target.writeUIntBE(frame.length, at + 5, 3);
  target.writeUIntBE(arrival, at + 8, 6);
}

/** The whole and right record that begins at `at`, or null. */
export function recordAt(buffer: Buffer, at: number, salt: number): RecordHead | null {
  if (at + RECORD_BYTES_MIN > buffer.length) return null;
  const kind = buffer[at + 4];
  if (kind !== KIND_NEXT && kind !== KIND_FRESH) return null;
  if (buffer[at + RECORD_HEADER_BYTES] !== KIND_DATA) return null;
  const bytes = RECORD_HEADER_BYTES + buffer.readUIntBE(at + 5, 3);
  if (bytes < RECORD_BYTES_MIN || bytes > RECORD_BYTES_MAX || at + bytes > buffer.length) return null;
  if (crc32(buffer.subarray(at + 4, at + bytes), salt) !== buffer.readUInt32BE(at)) return null;
  const frame = at + RECORD_HEADER_BYTES;
  const from = buffer.readUInt32BE(frame + 8) * 2 ** 32 + buffer.readUInt32BE(frame + 12);
  return {
    at,
    bytes,
    fresh: kind === KIND_FRESH,
    arrival: buffer.readUIntBE(at + 8, 6),
    stream: buffer.readUIntBE(frame + 2, 6),
    from,
    to: from + bytes - RECORD_BYTES_MIN,
    flags: buffer[frame + 1] as number,
  };
}

/**
 * The first record at or after `at`, or null. Behind damage every place is tried: that a chunk's bytes look like a
 * record is no danger, as who writes chunks does not know the salt.
 */
export function nextRecord(buffer: Buffer, at: number, salt: number): RecordHead | null {
  for (let place = at; place + RECORD_BYTES_MIN <= buffer.length; place++) {
    const record = recordAt(buffer, place, salt);
    if (record !== null) return record;
  }
  return null;
}

/**
 * Records of one stream that follow each other, from the one that has `offset` on, whatever lies between them. Ends
 * where the next one is missing.
 */
export function* chainIn(
  buffer: Buffer,
  salt: number,
  stream: number,
  offset: number,
): Generator<RecordHead, void> {
  let to: number | null = null;
  let at = 0;
  for (;;) {
    const record = nextRecord(buffer, at, salt);
    if (record === null) return;
    at = record.at + record.bytes;
    if (record.stream !== stream) continue;
    if (to === null ? !has(record, offset) : record.from !== to) continue;
    to = record.to;
    yield record;
  }
}

/** The final record also has the offset where the stream ends. */
function has({ from, to, flags }: RecordHead, offset: number): boolean {
  return from <= offset && (offset < to || (offset === to && (flags & Flag.final) !== 0));
}

export function frameOf(buffer: Buffer, record: RecordHead): Buffer {
  return buffer.subarray(record.at + RECORD_HEADER_BYTES, record.at + record.bytes);
}

/** Where the record's header was, that of a WebSocket may be written. */
export function chunkOf(buffer: Buffer, record: RecordHead): Chunk {
  const chunk = decodeChunk(frameOf(buffer, record), RECORD_HEADER_BYTES);
  chunk.arrival = record.arrival;
  return chunk;
}
