import { crc32 } from "node:zlib";
import { HEAD_BYTES, saltIn, writeHead } from "./header.ts";

const MAGIC = "skypseg\n";
/** A head, the segment before and its bytes. */
const COVERED_BYTES: number = HEAD_BYTES + 12;
export const SEGMENT_HEADER_BYTES: number = COVERED_BYTES + 4;

/** A segment, and how much of it was on disk when the next one was begun. */
export interface Previous {
  readonly number: number;
  readonly bytes: number;
}

/** One file of records. */
export class Segment {
  readonly number: number;
  readonly salt: number;
  /** Up to here it is on disk, header and all. */
  bytes: number;
  /** Bytes of records that somebody may still read. */
  liveBytes = 0;
  /** Streams that may have something in it, while it has no index. */
  streams: Set<number> | null = new Set();
  /** Nothing can be moved out of it: something in it is damaged. */
  isStuck = false;

  constructor(number: number, salt: number, bytes: number) {
    this.number = number;
    this.salt = salt;
    this.bytes = bytes;
  }

  get deadBytes(): number {
    return Math.max(0, this.bytes - SEGMENT_HEADER_BYTES - this.liveBytes);
  }
}

export function segmentName(number: number): string {
  return `segment-${String(number).padStart(10, "0")}`;
}

export function indexName(number: number): string {
  return `index-${String(number).padStart(10, "0")}`;
}

/** The number in the name of a segment or index. */
export function numberIn(name: string, kind: "segment" | "index"): number | null {
  const match = /^(segment|index)-(\d{10,})$/.exec(name);
  return match?.[1] === kind ? Number(match[2]) : null;
}

export function segmentHeader({ number, salt }: Segment, previous: Previous | null): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  writeHead(header, { magic: MAGIC, number, salt });
  header.writeUIntBE(previous?.number ?? 0, HEAD_BYTES, 6);
  header.writeUIntBE(previous?.bytes ?? 0, HEAD_BYTES + 6, 6);
  header.writeUInt32BE(crc32(header.subarray(0, COVERED_BYTES)), COVERED_BYTES);
  return header;
}

/** What the header of a segment says; null if it is damaged. */
export function readSegmentHeader(
  header: Buffer,
  number: number,
): { salt: number; previous: Previous } | null {
  if (header.length < SEGMENT_HEADER_BYTES) return null;
  if (crc32(header.subarray(0, COVERED_BYTES)) !== header.readUInt32BE(COVERED_BYTES)) return null;
  const salt = saltIn(header, MAGIC, number);
  if (salt === null) return null;
  const previous = {
    number: header.readUIntBE(HEAD_BYTES, 6),
    bytes: header.readUIntBE(HEAD_BYTES + 6, 6),
  };
  return { salt, previous };
}
