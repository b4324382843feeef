import type { Stream } from "./stream.ts";

/** What one pipe holds of the room. */
export interface Held {
  heldBytes: number;
}

/** The room for everything that is stored [L-15]. */
export class Room {
  readonly maxBytes: number;
  /** Streams whose writers wait for room, in the order in which they began to wait. */
  readonly waiting: Set<Stream> = new Set();
  /** Streams of which something is stored for readers that fell behind others. */
  readonly lagging: Set<Stream> = new Set();
  #usedBytes = 0;
  /** Set when room was given back since it was last cleared. */
  wasFreed = false;
  /** The store is in trouble: nothing fits. */
  isShut = false;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Whether a pipe may store so many bytes more: the last quarter is not for those that hold more than a quarter [L-15]. */
  admits(pipe: Held, bytes: number): boolean {
    if (this.isShut) return false;
    const share = pipe.heldBytes > this.maxBytes / 4 ? 0.75 : 1;
    return this.#usedBytes + bytes <= this.maxBytes * share;
  }

  /** Nothing fits while the store is in trouble. */
  shut(isShut: boolean): void {
    this.isShut = isShut;
    if (!isShut) this.wasFreed = true;
  }

  take(pipe: Held, bytes: number): void {
    this.#usedBytes += bytes;
    pipe.heldBytes += bytes;
  }

  give(pipe: Held, bytes: number): void {
    this.#usedBytes -= bytes;
    pipe.heldBytes -= bytes;
    if (bytes > 0) this.wasFreed = true;
  }
}
