/** Indexes: where the extents of a sealed segment are (FORMAT.md). */
import { crc32 } from "node:zlib";
import type { Extent } from "./extent.ts";
import { HEAD_BYTES, saltIn, writeHead } from "./header.ts";
import { Segment } from "./segment.ts";

const MAGIC = "skypidx\n";
/** A head, the bytes of the segment, two bytes that are zero, the count of entries. */
const COVERED_BYTES = HEAD_BYTES + 12;
const ENTRIES_AT = COVERED_BYTES + 4;
const ENTRY_BYTES = 56;

export interface IndexEntry {
  readonly id: number;
  readonly extent: Extent;
}

export function encodeIndex(segment: Segment, entries: readonly IndexEntry[]): Buffer {
  const index = Buffer.alloc(ENTRIES_AT + entries.length * ENTRY_BYTES);
  writeHead(index, { magic: MAGIC, number: segment.number, salt: segment.salt });
  index.writeUIntBE(segment.bytes, 24, 6);
  index.writeUInt32BE(entries.length, 32);
  let at = ENTRIES_AT;
  for (const { id, extent } of entries) {
    index.writeUIntBE(id, at, 6);
    index.writeUInt8(extent.lastFlags, at + 6);
    index.writeUInt8(extent.fresh ? 1 : 0, at + 7);
    writeOffset(index, extent.from, at + 8);
    writeOffset(index, extent.to, at + 16);
    index.writeUInt32BE(extent.position, at + 24);
    index.writeUInt32BE(extent.span, at + 28);
    index.writeUInt32BE(extent.ownBytes, at + 32);
    index.writeUIntBE(extent.firstArrival, at + 36, 6);
    index.writeUIntBE(extent.lastArrival, at + 42, 6);
    writeOffset(index, extent.lastFrom, at + 48);
    at += ENTRY_BYTES;
  }
  index.writeUInt32BE(crcOf(index), COVERED_BYTES);
  return index;
}

/**
 * The segment that an index describes, with those entries that `isWanted`; null if the index is not whole and right.
 * `bytes` is the size of the segment's file: what was moved out of it may have been cut off.
 */
export function decodeIndex(
  index: Buffer,
  number: number,
  bytes: number,
  isWanted: (id: number) => boolean,
): { segment: Segment; entries: IndexEntry[] } | null {
  if (index.length < ENTRIES_AT) return null;
  const count = index.readUInt32BE(32);
  if (index.length !== ENTRIES_AT + count * ENTRY_BYTES) return null;
  if (crcOf(index) !== index.readUInt32BE(COVERED_BYTES)) return null;
  const salt = saltIn(index, MAGIC, number);
  if (salt === null) return null;
  const segment = new Segment(number, salt, Math.min(bytes, index.readUIntBE(24, 6)));
  segment.streams = null;
  const entries: IndexEntry[] = [];
  for (let at = ENTRIES_AT; at < index.length; at += ENTRY_BYTES) {
    const id = index.readUIntBE(at, 6);
    if (isWanted(id)) entries.push({ id, extent: entryAt(index, at, segment) });
  }
  return { segment, entries };
}

function entryAt(index: Buffer, at: number, segment: Segment): Extent {
  const from = readOffset(index, at + 8);
  return {
    segment,
    lastFlags: index.readUInt8(at + 6),
    fresh: index.readUInt8(at + 7) !== 0,
    from,
    to: readOffset(index, at + 16),
    base: from,
    position: index.readUInt32BE(at + 24),
    span: index.readUInt32BE(at + 28),
    ownBytes: index.readUInt32BE(at + 32),
    liveBytes: 0,
    firstArrival: index.readUIntBE(at + 36, 6),
    lastArrival: index.readUIntBE(at + 42, 6),
    lastFrom: readOffset(index, at + 48),
    isGone: false,
  };
}

/** Of everything but itself. */
function crcOf(index: Buffer): number {
  return crc32(index.subarray(ENTRIES_AT), crc32(index.subarray(0, COVERED_BYTES)));
}

function writeOffset(target: Buffer, offset: number, at: number): void {
  target.writeUInt32BE(Math.floor(offset / 2 ** 32), at);
  target.writeUInt32BE(offset >>> 0, at + 4);
}

function readOffset(source: Buffer, at: number): number {
  return source.readUInt32BE(at) * 2 ** 32 + source.readUInt32BE(at + 4);
}
