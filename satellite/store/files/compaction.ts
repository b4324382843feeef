/** Gives back the space of what is not needed any more, where something live lies in the same segment. */
import type { Move, MovedRecord } from "./batch.ts";
import { type Extent, isDead } from "./extent.ts";
import type { Held } from "./held.ts";
import { chainIn, frameOf } from "./record.ts";
import type { Segment } from "./segment.ts";
import type { Segments } from "./segments.ts";
import type { Sizes } from "./sizes.ts";

/** Where something of a stream lies in the segment that is being emptied. */
interface Place {
  readonly held: Held;
  readonly extent: Extent;
}

/** What lies in a segment behind so many bytes is not needed. */
export interface Excess {
  readonly segment: Segment;
  readonly bytes: number;
}

/** On a full disk, segments are emptied while so much of all bytes is dead: one part in … */
const SQUEEZE_PARTS = 8;

export class Compaction {
  readonly #segments: Segments;
  readonly #streams: ReadonlyMap<number, Held>;
  readonly #sizes: Sizes;
  /** The segment that is being emptied, and what is left in it, by position. */
  #victim: Segment | null = null;
  #places: Place[] = [];
  /** No space is left: also less is worth moving. */
  isSqueezing = false;

  constructor(segments: Segments, streams: ReadonlyMap<number, Held>, sizes: Sizes) {
    this.#segments = segments;
    this.#streams = streams;
    this.#sizes = sizes;
  }

  /** Whether there is something to do. */
  get isWanted(): boolean {
    return this.#victim !== null || this.#choose() !== undefined;
  }

  /** What to move with the next commit: from the end of the segment, so that it can be shortened. */
  async next(): Promise<Move[]> {
    const victim = this.#begin();
    if (victim === null) return [];
    const moves: Move[] = [];
    let bytes = 0;
    while (bytes < this.#sizes.moveBytes) {
      const place = this.#places.pop();
      if (place === undefined) break;
      if (place.extent.isGone) continue;
      const move = await this.#read(place);
      if (move === null) {
        victim.isStuck = true;
        this.stop();
        break;
      }
      moves.push(move);
      bytes += place.extent.span;
    }
    return moves;
  }

  /** How much of the segment that is being emptied is still needed; null: there is nothing to cut off. */
  excess(): Excess | null {
    const victim = this.#victim;
    if (victim === null) return null;
    if (victim.liveBytes === 0) {
      this.stop();
      return null;
    }
    let bytes = 0;
    for (const { extent } of this.#places) {
      if (!extent.isGone) bytes = Math.max(bytes, extent.position + extent.span);
    }
    return bytes > 0 && bytes < victim.bytes ? { segment: victim, bytes } : null;
  }

  /** It is begun again another time. */
  stop(): void {
    this.#victim = null;
    this.#places = [];
  }

  #choose(): Segment | undefined {
    const { totalBytes, deadBytes } = this.#segments;
    const isTooMuch = deadBytes > this.#sizes.deadBytes && deadBytes * 2 > totalBytes;
    const isWorthwhile = this.isSqueezing && deadBytes * SQUEEZE_PARTS > totalBytes;
    if (!isTooMuch && !isWorthwhile) return undefined;
    return this.#segments.candidates()[0];
  }

  #begin(): Segment | null {
    if (this.#victim !== null) return this.#victim;
    const victim = this.#choose();
    if (victim === undefined) return null;
    this.#victim = victim;
    this.#places = [];
    for (const held of this.#streams.values()) {
      for (const extent of held.extents) {
        if (extent.segment === victim) this.#places.push({ held, extent });
      }
    }
    this.#places.sort((a, b) => a.extent.position - b.extent.position);
    return victim;
  }

  /** Null: something in it cannot be read. */
  async #read({ held, extent }: Place): Promise<Move | null> {
    const { segment, position, span } = extent;
    const buffer = await this.#segments.read(segment, position, span).catch(() => null);
    if (buffer === null) return null;
    const start = Math.min(Math.max(extent.from, held.released), extent.to);
    const records: MovedRecord[] = [];
    for (const record of chainIn(buffer, segment.salt, held.id, start)) {
      if (!held.isNeeded(record.to, record.flags)) continue;
      // What was before the first one is released, and stays behind.
      const fresh = record.fresh || (records.length === 0 && record.from !== extent.from);
      records.push({ ...record, fresh, frame: frameOf(buffer, record) });
    }
    const isWhole = extent.isGone || isDead(extent, held.released) || records.at(-1)?.to === extent.to;
    return isWhole ? { held, extent, records, base: start } : null;
  }
}
