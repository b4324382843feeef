/** What one commit writes: chunks that wait, and what is moved out of other segments. */
import { type Chunk, Flag } from "../../wire/frame.ts";
import { type Extent, extend, extentOf } from "./extent.ts";
import type { Held } from "./held.ts";
import { recordBytes } from "./record.ts";
import type { Segment } from "./segment.ts";
import type { Sizes } from "./sizes.ts";
import type { Staging } from "./staging.ts";

/** A record that is moved. */
export interface MovedRecord {
  readonly frame: Uint8Array;
  readonly bytes: number;
  readonly arrival: number;
  readonly fresh: boolean;
  readonly stream: number;
  readonly from: number;
  readonly to: number;
  readonly flags: number;
}

/** An extent that is moved, and its records that are still needed. */
export interface Move {
  readonly held: Held;
  readonly extent: Extent;
  readonly records: readonly MovedRecord[];
  /** What was released then. */
  readonly base: number;
}

interface Placed {
  readonly held: Held;
  readonly count: number;
  readonly position: number;
}

/** How far a stream is durable. */
export interface Told {
  readonly held: Held;
  offset: number;
  end: boolean;
}

export class Batch {
  readonly #segment: Segment;
  readonly #staging: Staging;
  readonly #sizes: Sizes;
  readonly #placed: Placed[] = [];
  readonly #moved: { move: Move; position: number }[] = [];
  readonly #start: number;

  /** `start`: the bytes of the segment before the first record. */
  constructor(segment: Segment, staging: Staging, sizes: Sizes, header: Buffer | null) {
    this.#segment = segment;
    this.#staging = staging;
    this.#sizes = sizes;
    this.#start = segment.bytes;
    staging.begin();
    if (header !== null) staging.addBytes(header);
  }

  get isFull(): boolean {
    return this.#staging.bytes >= this.#sizes.batchBytes;
  }

  get pieces(): readonly Uint8Array[] {
    return this.#staging.pieces();
  }

  get streams(): Held[] {
    return this.#placed.map(({ held }) => held);
  }

  /** Takes what waits of one stream, up to so many bytes. Returns whether that was all. */
  take(held: Held, turnBytes: number): boolean {
    const { tail } = held;
    const untilBytes = this.#staging.bytes + turnBytes;
    const position = this.#position;
    const first = held.inFlight;
    let index = first;
    // What was released before it was written may still be here, and what follows then begins anywhere.
    let to = first === 0 ? held.writtenTo : (tail.at(first - 1) as Chunk).end;
    for (let chunk = tail.at(index); chunk !== undefined; chunk = tail.at(++index)) {
      if (index > first && (this.#staging.bytes >= untilBytes || this.isFull)) break;
      const label = { arrival: chunk.arrival, fresh: chunk.offset !== to };
      this.#staging.addRecord(chunk.frame, label, this.#segment.salt);
      to = chunk.end;
    }
    held.inFlight = index;
    if (index > first) this.#placed.push({ held, count: index - first, position });
    return index === tail.size;
  }

  move(move: Move): void {
    this.#moved.push({ move, position: this.#position });
    for (const record of move.records) this.#staging.addRecord(record.frame, record, this.#segment.salt);
  }

  /** It could not be kept: what it took waits again. */
  abandon(): void {
    for (const { held } of this.#placed) held.inFlight = 0;
  }

  /** It is on disk. Returns what can be told. */
  apply(): Told[] {
    this.#segment.bytes = this.#position;
    const told = new Map<Held, Told>();
    for (const placed of this.#placed) {
      const { held } = placed;
      held.inFlight = 0;
      if (!held.isRemoved) told.set(held, this.#place(placed));
    }
    for (const { move, position } of this.#moved) this.#replace(move, position);
    return [...told.values()];
  }

  get #position(): number {
    return this.#start + this.#staging.bytes;
  }

  #place({ held, count, position }: Placed): Told {
    let at = position;
    let last: Chunk | undefined;
    for (let index = 0; index < count; index++) {
      last = held.tail.at(index) as Chunk;
      const record = headOf(last, last.offset !== held.writtenTo);
      held.place(this.#segment, at, record, this.#sizes);
      held.writtenTo = last.end;
      at += record.bytes;
    }
    held.tail.drop(count);
    this.#segment.streams?.add(held.id);
    const { end, flags } = last as Chunk;
    return { held, offset: end, end: (flags & Flag.final) !== 0 };
  }

  #replace({ held, extent, records, base }: Move, position: number): void {
    if (held.isRemoved) return;
    const moved: Extent[] = [];
    let at = position;
    for (const record of records) {
      const last = moved.at(-1);
      if (last === undefined || !extend(last, this.#segment, at, record, this.#sizes)) {
        moved.push(extentOf(this.#segment, at, record, Math.max(base, record.from)));
      }
      at += record.bytes;
    }
    held.replace(extent, moved);
    this.#segment.streams?.add(held.id);
  }
}

function headOf(chunk: Chunk, fresh: boolean): Omit<MovedRecord, "frame"> {
  return {
    bytes: recordBytes(chunk.frame),
    fresh,
    arrival: chunk.arrival,
    stream: chunk.stream,
    from: chunk.offset,
    to: chunk.end,
    flags: chunk.flags,
  };
}
