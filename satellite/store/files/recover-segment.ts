import type { Disk, DiskFile } from "./disk.ts";
import { extend, extentOf } from "./extent.ts";
import { decodeIndex, type IndexEntry } from "./index-file.ts";
import { nextRecord, RECORD_BYTES_MAX, type RecordHead, recordAt } from "./record.ts";
import {
  indexName,
  type Previous,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  Segment,
  segmentName,
} from "./segment.ts";
import type { Sizes } from "./sizes.ts";

const WINDOW_BYTES = 4 * 1024 * 1024;

export interface FoundSegment {
  /** Null: nothing in it can be read. */
  readonly segment: Segment | null;
  /** What its header says of the one before. */
  readonly previous: Previous | null;
  readonly entries: readonly IndexEntry[];
  readonly lostBytes: number;
  readonly damage: string[];
}

export interface Wanted {
  readonly number: number;
  readonly hasIndex: boolean;
  /** So much of it was on disk when the next one was begun; null: nobody knows, a crash may have torn its end. */
  readonly syncedBytes: number | null;
  readonly isWanted: (id: number) => boolean;
  /** What it shows may not be on disk, and is written again before a sync is believed. */
  readonly isDoubtful: boolean;
}

/** Finds what is in a segment: by its index if it has one, else by reading all of it. */
export async function recoverSegment(disk: Disk, wanted: Wanted, sizes: Sizes): Promise<FoundSegment> {
  const { number, hasIndex, isWanted } = wanted;
  const file = await disk.open(segmentName(number));
  try {
    const bytes = await file.size();
    const header = readSegmentHeader(await file.read(0, SEGMENT_HEADER_BYTES), number);
    const previous = header?.previous ?? null;
    const index = hasIndex ? await readAll(disk, indexName(number)) : null;
    const indexed = index === null ? null : decodeIndex(index, number, bytes, isWanted);
    if (indexed !== null) {
      const { segment, entries } = indexed;
      // What lies behind the end was moved to another segment before this one was shortened.
      const there = entries.filter(({ extent }) => extent.position + extent.span <= segment.bytes);
      return { segment, previous, entries: there, lostBytes: 0, damage: [] };
    }
    if (header === null) return { segment: null, previous, entries: [], lostBytes: bytes, damage: [] };
    return { previous, ...(await scan(file, bytes, header.salt, wanted, sizes)) };
  } finally {
    await file.close();
  }
}

/** Null if it cannot be read: there is another way. */
async function readAll(disk: Disk, name: string): Promise<Buffer | null> {
  try {
    const file = await disk.open(name);
    try {
      return await file.read(0, await file.size());
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}

async function scan(
  file: DiskFile,
  bytes: number,
  salt: number,
  { number, syncedBytes, isWanted, isDoubtful }: Wanted,
  sizes: Sizes,
): Promise<Omit<FoundSegment, "previous">> {
  const segment = new Segment(number, salt, SEGMENT_HEADER_BYTES);
  const found = new Collector(segment, isWanted, sizes);
  const damage: string[] = [];
  const reader = new RecordReader(file, Math.min(bytes, syncedBytes ?? bytes), salt);
  for (;;) {
    // What was on disk and is not right any more is damaged: what follows is looked for. Else it was torn: cut there.
    const next = await reader.next(syncedBytes !== null);
    if (next === null) break;
    const { record, position } = next;
    if (position > segment.bytes) {
      damage.push(`segment ${number} is damaged from byte ${segment.bytes} to ${position}`);
    }
    found.add(record, position);
    segment.bytes = position + record.bytes;
  }
  const lostBytes = bytes - segment.bytes;
  if (lostBytes > 0) await file.truncate(segment.bytes);
  if (isDoubtful && syncedBytes === null) await writeAgain(file, segment.bytes);
  await file.sync(); // a process that was killed has left some of it with the operating system
  return { segment, entries: found.entries, lostBytes, damage };
}

async function writeAgain(file: DiskFile, bytes: number): Promise<void> {
  for (let at = 0; at < bytes; at += WINDOW_BYTES) {
    await file.write(at, [await file.read(at, Math.min(WINDOW_BYTES, bytes - at))]);
  }
}

/** Reads the records of a segment, one after the other. */
class RecordReader {
  readonly #file: DiskFile;
  readonly #bytes: number;
  readonly #salt: number;
  #window: Buffer = Buffer.alloc(0);
  #windowAt = SEGMENT_HEADER_BYTES;
  #at = 0;

  constructor(file: DiskFile, bytes: number, salt: number) {
    this.#file = file;
    this.#bytes = bytes;
    this.#salt = salt;
  }

  /** The next one, also behind damage if that `maySkip`; null: there is none. */
  async next(maySkip: boolean): Promise<{ record: RecordHead; position: number } | null> {
    for (;;) {
      await this.#fill();
      const record =
        recordAt(this.#window, this.#at, this.#salt) ??
        (maySkip ? nextRecord(this.#window, this.#at, this.#salt) : null);
      if (record !== null) {
        this.#at = record.at + record.bytes;
        return { record, position: this.#windowAt + record.at };
      }
      if (!maySkip || this.#windowAt + this.#window.length >= this.#bytes) return null;
      // Of a record that begins near the end of the window only a part is there.
      this.#at = Math.max(this.#at + 1, this.#window.length - RECORD_BYTES_MAX);
    }
  }

  /** Sees to it that a record that begins here is whole in the window. */
  async #fill(): Promise<void> {
    const isThere = this.#window.length - this.#at >= RECORD_BYTES_MAX;
    const windowEnd = this.#windowAt + this.#window.length;
    if (isThere || (windowEnd >= this.#bytes && this.#window.length > 0)) return;
    this.#windowAt += this.#at;
    this.#at = 0;
    this.#window = await this.#file.read(
      this.#windowAt,
      Math.min(WINDOW_BYTES, this.#bytes - this.#windowAt),
    );
  }
}

/** Makes extents of records in the order of their position. */
class Collector {
  readonly entries: IndexEntry[] = [];
  readonly #segment: Segment;
  readonly #isWanted: (id: number) => boolean;
  readonly #sizes: Sizes;
  readonly #last: Map<number, IndexEntry> = new Map();

  constructor(segment: Segment, isWanted: (id: number) => boolean, sizes: Sizes) {
    this.#segment = segment;
    this.#isWanted = isWanted;
    this.#sizes = sizes;
  }

  add(record: RecordHead, position: number): void {
    const id = record.stream;
    if (!this.#isWanted(id)) return;
    const last = this.#last.get(id);
    if (last !== undefined && extend(last.extent, this.#segment, position, record, this.#sizes)) return;
    const entry = { id, extent: extentOf(this.#segment, position, record) };
    this.#last.set(id, entry);
    this.entries.push(entry);
    this.#segment.streams?.add(id);
  }
}
