import { type Chunk, Flag, hasFlag, NO_CHUNK } from "../wire/frame.ts";

/** Chunks of one stream in memory: contiguous, oldest first. */
export class ChunkList {
  #chunks: Chunk[] = [];
  /** What lies before it was dropped. */
  #head = 0;

  get size(): number {
    return this.#chunks.length - this.#head;
  }

  /** The chunk at this place, counted from the oldest. */
  at(index: number): Chunk | undefined {
    return this.#chunks[this.#head + index];
  }

  get last(): Chunk | undefined {
    return this.size > 0 ? this.#chunks.at(-1) : undefined;
  }

  push(chunk: Chunk): void {
    chunk.block?.hold();
    this.#chunks.push(chunk);
  }

  /** Whole chunks from the one that begins at `offset`, up to `bytesMax` bytes, at least one. */
  read(offset: number, bytesMax: number): Chunk[] {
    const first = this.#indexFrom(offset);
    if (this.#chunks[first]?.offset !== offset) return [];
    let last = first;
    while (last + 1 < this.#chunks.length && (this.#chunks[last + 1] as Chunk).end - offset <= bytesMax)
      last++;
    const read = this.#chunks.slice(first, last + 1);
    for (const { block } of read) block?.hold(); // for good: who gets them may keep them for long
    return read;
  }

  /** Drops what ends at or before `offset`, but for the final chunk. */
  dropTo(offset: number): void {
    let count = 0;
    for (let next = this.at(0); next !== undefined; next = this.at(++count)) {
      if (next.end > offset || hasFlag(next, Flag.final)) break;
    }
    this.drop(count);
  }

  /** Drops so many, from the oldest on. */
  drop(count: number): void {
    const before = this.#head;
    this.#head += count;
    for (let index = before; index < this.#head; index++) this.#chunks[index]?.block?.letGo();
    if (this.#head * 2 >= this.#chunks.length) {
      // At most as many are moved as were dropped: each chunk is paid for once.
      this.#chunks = this.#chunks.slice(this.#head);
      this.#head = 0;
    } else {
      for (let index = before; index < this.#head; index++) this.#chunks[index] = NO_CHUNK;
    }
  }

  /** Index of the first chunk that begins at or after `offset`. */
  #indexFrom(offset: number): number {
    let low = this.#head;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#chunks[middle] as Chunk).offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
