import type { Disk, DiskFile } from "./disk.ts";
import type { Held } from "./held.ts";
import { encodeIndex } from "./index-file.ts";
import { OpenFiles } from "./open-files.ts";
import { indexName, Segment, segmentHeader, segmentName } from "./segment.ts";

/** An index that can be written once the journal is on disk. */
export interface Sealing {
  readonly segment: Segment;
  readonly index: Buffer;
}

/** All segments: the open one, to which records are appended, and those that are only read. */
export class Segments {
  readonly #disk: Disk;
  readonly #files: OpenFiles;
  readonly #all: Map<number, Segment> = new Map();
  /** Closed to records, but without an index yet. */
  readonly #unsealed: Set<Segment> = new Set();
  #open: { segment: Segment; file: DiskFile } | null = null;
  #lastNumber = 0;
  /** The one that was open before. */
  #previous: Segment | null = null;

  constructor(disk: Disk, openFiles: number) {
    this.#disk = disk;
    this.#files = new OpenFiles(disk, openFiles);
  }

  /** This number is taken. */
  skip(number: number): void {
    this.#lastNumber = Math.max(this.#lastNumber, number);
  }

  /** Takes a segment that was found. */
  add(segment: Segment): void {
    this.#all.set(segment.number, segment);
    if (segment.streams !== null) this.#unsealed.add(segment);
  }

  get totalBytes(): number {
    return this.#sum((segment) => segment.bytes);
  }

  get deadBytes(): number {
    return this.#sum((segment) => segment.deadBytes);
  }

  /** The segment that records are appended to, and its file; made if there is none. */
  async toAppend(): Promise<{ segment: Segment; file: DiskFile }> {
    if (this.#open !== null) return this.#open;
    const number = ++this.#lastNumber;
    const segment = new Segment(number, this.#disk.salt(), 0);
    const file = await this.#disk.make(segmentName(number));
    this.#files.adopt(number, file);
    this.#open = { segment, file };
    this.#all.set(number, segment);
    return this.#open;
  }

  get open(): Segment | null {
    return this.#open?.segment ?? null;
  }

  /** What has to be written before the first record. */
  headerOf(segment: Segment): Buffer | null {
    return segment.bytes === 0 ? segmentHeader(segment, this.#previous) : null;
  }

  /** Nothing more is appended to the open segment. */
  closeOpen(): void {
    if (this.#open === null) return;
    const { segment } = this.#open;
    this.#open = null;
    this.#files.letGo(segment.number);
    this.#unsealed.add(segment);
    if (segment.bytes > 0) this.#previous = segment;
  }

  /** What a failed write or sync left behind the end is cut off, if the disk lets us: it would only be read in vain. */
  async trim(): Promise<void> {
    if (this.#open === null) return;
    const { segment, file } = this.#open;
    await file.truncate(segment.bytes).catch(() => {});
  }

  /** The indexes of segments that have none. What has been released by now is not in them. */
  seal(streams: ReadonlyMap<number, Held>): Sealing[] {
    const sealings: Sealing[] = [];
    for (const segment of this.#unsealed) {
      if (segment.liveBytes === 0) continue;
      const extents = [...(segment.streams ?? [])].flatMap((id) => {
        const held = streams.get(id);
        return (held?.extents ?? [])
          .filter((extent) => extent.segment === segment)
          .map((extent) => ({ id, extent }));
      });
      sealings.push({ segment, index: encodeIndex(segment, extents) });
    }
    return sealings;
  }

  /** Writes an index. Without it the segment is read as a whole after a restart: no reason to fail. */
  async writeIndex({ segment, index }: Sealing): Promise<void> {
    if (!this.#all.has(segment.number)) return;
    this.#unsealed.delete(segment);
    segment.streams = null;
    try {
      const file = await this.#disk.make(indexName(segment.number));
      try {
        await file.write(0, [index]);
      } finally {
        await file.close();
      }
    } catch {
      await this.#disk.unlink(indexName(segment.number)).catch(() => {});
    }
  }

  /** Segments without anything live, but for the one that is open. */
  dead(): Segment[] {
    return [...this.#all.values()].filter((segment) => segment.liveBytes === 0 && segment !== this.open);
  }

  /** Segments out of which something could be moved, the emptiest first. */
  candidates(): Segment[] {
    return [...this.#all.values()]
      .filter((segment) => segment !== this.open && !segment.isStuck && segment.deadBytes > 0)
      .toSorted((a, b) => a.liveBytes - b.liveBytes);
  }

  /** Deletes a segment. One that cannot be deleted is dead after a restart too, and is tried again then. */
  async delete(segment: Segment): Promise<void> {
    this.#all.delete(segment.number);
    this.#unsealed.delete(segment);
    this.#files.forget(segment.number);
    await this.#disk.unlink(segmentName(segment.number)).catch(() => {});
    await this.#disk.unlink(indexName(segment.number)).catch(() => {});
  }

  /** Gives back what lies behind `bytes`: it was moved. */
  async shorten(segment: Segment, bytes: number): Promise<void> {
    segment.bytes = bytes;
    await this.#files.use(segment.number, (file) => file.truncate(bytes)).catch(() => {});
  }

  read(segment: Segment, position: number, bytes: number): Promise<Buffer> {
    return this.#files.use(segment.number, (file) => file.read(position, bytes));
  }

  async close(): Promise<void> {
    this.closeOpen();
    await this.#files.close();
  }

  #sum(bytesOf: (segment: Segment) => number): number {
    let sum = 0;
    for (const segment of this.#all.values()) sum += bytesOf(segment);
    return sum;
  }
}
