/**
 * Memory that large frames lie in, used again and again. Node's collector runs once for every few megabytes of buffers
 * that are made, which is a quarter of what a satellite does when each frame has a new one.
 *
 * Who needs a block beyond the event that brought it holds it, and lets go of it when it is done. A block that somebody
 * holds and never lets go of is not used again: that costs time, and nothing else.
 */
import { HEADER_BYTES } from "./frame.ts";
import { limits } from "./limits.ts";
import { WS_HEADER_BYTES_MAX } from "./websocket-frame.ts";

/** A frame up to this size shares a slab with others, which is not used again. */
const SMALL_BYTES = 4 * 1024;
const SLAB_BYTES = 16 * 1024;
/** Sizes of blocks by the frames that they are for: less than half of each is wasted. */
const FRAME_BYTES: readonly number[] = [8, 16, 32, 64].map((kib) => kib * 1024 + HEADER_BYTES);
/** What is kept while nobody uses it, of all sizes together: as much as a stream may have on its way. */
const SPARE_BYTES_MAX: number = limits.windowBytesMax;

export interface Block {
  readonly bytes: Uint8Array;
  hold(): void;
  /** Not more often than it was held. What nobody holds is there until the next frame is placed. */
  letGo(): void;
}

/** Where a frame is put, and what it lies in. */
export interface Place {
  /** As long as the frame, with WS_HEADER_BYTES_MAX bytes before it that are the frame's as well. */
  readonly frame: Uint8Array;
  readonly block: Block | null;
}

export class Blocks {
  readonly #kept: Kept = { bytes: 0 };
  readonly #shelves: readonly Shelf[] = FRAME_BYTES.map((bytes) => new Shelf(bytes, this.#kept));
  #slab: Uint8Array = new Uint8Array(0);
  #slabUsed = 0;

  /** Memory for a frame. A block is held by the caller. */
  place(frameBytes: number): Place {
    const start = WS_HEADER_BYTES_MAX;
    const shelf =
      frameBytes <= SMALL_BYTES ? undefined : this.#shelves.find((one) => frameBytes <= one.frameBytes);
    if (shelf === undefined) return { frame: this.#own(frameBytes), block: null };
    const block = shelf.take();
    return { frame: block.bytes.subarray(start, start + frameBytes), block };
  }

  /** Gives up what was not needed since the last time. To be called now and then by who lives long. */
  shrink(): void {
    for (const shelf of this.#shelves) shelf.shrink();
  }

  #own(frameBytes: number): Uint8Array {
    const bytes = WS_HEADER_BYTES_MAX + frameBytes;
    if (frameBytes > SMALL_BYTES) return new Uint8Array(bytes).subarray(WS_HEADER_BYTES_MAX);
    if (this.#slabUsed + bytes > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#slabUsed = 0;
    }
    const from = this.#slabUsed + WS_HEADER_BYTES_MAX;
    this.#slabUsed = from + frameBytes;
    return this.#slab.subarray(from, from + frameBytes);
  }
}

/** How much is on all shelves. */
interface Kept {
  bytes: number;
}

/** Blocks of one size that can be used again. */
class Shelf {
  readonly frameBytes: number;
  readonly #kept: Kept;
  readonly #spare: CountedBlock[] = [];
  /** The fewest that were spare since the last `shrink`. */
  #leastSpare = 0;

  constructor(frameBytes: number, kept: Kept) {
    this.frameBytes = frameBytes;
    this.#kept = kept;
  }

  shrink(): void {
    for (const block of this.#spare.splice(0, this.#leastSpare)) this.#takeOff(block);
    this.#leastSpare = this.#spare.length;
  }

  take(): CountedBlock {
    let block = this.#pop();
    while (block?.isHeld === true) block = this.#pop();
    this.#leastSpare = Math.min(this.#leastSpare, this.#spare.length);
    block ??= new CountedBlock(this, WS_HEADER_BYTES_MAX + this.frameBytes);
    block.hold();
    return block;
  }

  putBack(block: CountedBlock): void {
    if (block.isSpare || this.#kept.bytes + this.frameBytes > SPARE_BYTES_MAX) return;
    block.isSpare = true;
    this.#kept.bytes += this.frameBytes;
    this.#spare.push(block);
  }

  #pop(): CountedBlock | undefined {
    const block = this.#spare.pop();
    if (block !== undefined) this.#takeOff(block);
    return block;
  }

  #takeOff(block: CountedBlock): void {
    block.isSpare = false;
    this.#kept.bytes -= this.frameBytes;
  }
}

/** One that nobody holds may be held again until the next frame is placed. */
class CountedBlock implements Block {
  readonly bytes: Uint8Array;
  /** It is on its shelf. */
  isSpare = false;
  readonly #shelf: Shelf;
  #holders = 0;

  constructor(shelf: Shelf, bytes: number) {
    this.#shelf = shelf;
    this.bytes = new Uint8Array(bytes);
  }

  get isHeld(): boolean {
    return this.#holders > 0;
  }

  hold(): void {
    this.#holders++;
  }

  letGo(): void {
    if (this.#holders === 0) throw new Error("a block was let go of that nobody holds");
    this.#holders--;
    if (this.#holders === 0) this.#shelf.putBack(this);
  }
}
