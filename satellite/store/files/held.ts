import { type Chunk, Flag, hasFlag } from "../../wire/frame.ts";
import { ChunkList } from "../chunk-list.ts";
import { discount, type Extent, extend, extentOf, isDead, recount } from "./extent.ts";
import type { RecordHead } from "./record.ts";
import type { Segment } from "./segment.ts";
import type { Sizes } from "./sizes.ts";

/** One stream: where its chunks are. */
export class Held {
  readonly id: number;
  /** What is on disk, oldest first. */
  readonly extents: Extent[] = [];
  /** What waits to be written, and what is being written. */
  readonly tail: ChunkList = new ChunkList();
  /** How many of the tail, from the oldest on, are being written. */
  inFlight = 0;
  released = 0;
  /** End of the last chunk that was appended; null before the first. */
  to: number | null = null;
  hasFinal = false;
  /** End of the last record that was written; null before the first. */
  writtenTo: number | null = null;
  isRemoved = false;
  isDamaged = false;

  constructor(id: number) {
    this.id = id;
  }

  /** Throws if the chunk cannot be the next one. */
  check(chunk: Chunk): void {
    const { id, to } = this;
    if (this.isDamaged) throw new Error(`stream ${id} is damaged: nothing can be appended`);
    if (to === null || (chunk.offset === to && !this.hasFinal)) return;
    const isEmpty = !this.hasFinal && this.released >= to;
    if (isEmpty && chunk.offset > to) return;
    throw new Error(`a chunk of stream ${id} begins at ${chunk.offset} instead of ${to}`);
  }

  push(chunk: Chunk): void {
    this.tail.push(chunk);
    this.to = chunk.end;
    this.hasFinal = hasFlag(chunk, Flag.final);
  }

  /** Takes what was released before it was written. Returns where it ended, or null if there is none. */
  skip(): number | null {
    let to: number | null = null;
    for (let chunk = this.tail.at(0); chunk !== undefined; chunk = this.tail.at(0)) {
      if (this.isNeeded(chunk.end, chunk.flags)) break;
      to = chunk.end;
      this.tail.drop(1);
    }
    return to;
  }

  /** Whether a chunk may still be read. */
  isNeeded(end: number, flags: number): boolean {
    return end > this.released || (flags & Flag.final) !== 0;
  }

  /** A record is on disk. */
  place(segment: Segment, position: number, record: Omit<RecordHead, "at">, sizes: Sizes): void {
    const last = this.extents.at(-1);
    if (last !== undefined && extend(last, segment, position, record, sizes)) {
      recount(last, this.released);
      return;
    }
    const extent = extentOf(segment, position, record);
    if (isDead(extent, this.released)) return;
    this.extents.push(extent);
    recount(extent, this.released);
  }

  /** Returns whether an extent has become dead by it. */
  release(before: number): boolean {
    const offset = Math.min(before, this.to ?? 0);
    if (offset <= this.released) return false;
    this.released = offset;
    let dead = 0;
    for (let extent = this.extents[dead]; extent !== undefined; extent = this.extents[++dead]) {
      if (!isDead(extent, offset)) break;
      discount(extent);
    }
    if (dead > 0) this.extents.splice(0, dead);
    const first = this.extents[0];
    if (first !== undefined) recount(first, offset);
    return dead > 0;
  }

  /** Nothing of it counts any more. */
  remove(): void {
    this.isRemoved = true;
    for (const extent of this.extents) discount(extent);
    this.extents.length = 0;
  }

  /** The last extent that begins at or before `offset`, as its place in `extents`; −1: there is none. */
  find(offset: number): number {
    let low = 0;
    let high = this.extents.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.extents[middle] as Extent).from <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** `moved` has what is still needed of `old`. */
  replace(old: Extent, moved: readonly Extent[]): void {
    const place = this.extents.indexOf(old);
    if (place === -1) return;
    discount(old);
    const needed = moved.filter((extent) => !isDead(extent, this.released));
    for (const extent of needed) recount(extent, this.released);
    this.extents.splice(place, 1, ...needed);
  }
}
