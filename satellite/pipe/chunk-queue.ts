import { type Chunk, Flag, hasFlag, NO_CHUNK } from "../wire/frame.ts";

/** Chunks of one stream that are in memory: contiguous, oldest first. */
export class ChunkQueue {
  #items: Chunk[] = [];
  #head = 0;

  get first(): Chunk | undefined {
    return this.#items[this.#head];
  }

  get last(): Chunk | undefined {
    return this.#head < this.#items.length ? this.#items[this.#items.length - 1] : undefined;
  }

  push(chunk: Chunk): void {
    chunk.block?.hold();
    this.#items.push(chunk);
  }

  /** The chunk that begins at `offset`. */
  at(offset: number): Chunk | undefined {
    const last = this.last;
    if (last?.offset === offset) return last;
    const found = this.#items[this.#indexFrom(offset)];
    return found?.offset === offset ? found : undefined;
  }

  /** The chunks that begin at or after `offset`. */
  *from(offset: number): Generator<Chunk> {
    for (let i = this.#indexFrom(offset); i < this.#items.length; i++) yield this.#items[i] as Chunk;
  }

  /**
   * The last line start at or before `offset`, not more than `reachBytes` back; `null` if none of the chunks here is one.
   */
  lineStartBefore(offset: number, reachBytes: number): number | null {
    for (let i = this.#indexFrom(offset) - 1; i >= this.#head; i--) {
      const chunk = this.#items[i] as Chunk;
      if (chunk.end < offset - reachBytes) return null;
      if (chunk.end <= offset && hasFlag(chunk, Flag.line) && !hasFlag(chunk, Flag.final)) return chunk.end;
    }
    return null;
  }

  /** Drops the chunks that end at or before `offset`; the final one only with `final`. Returns whether any was dropped. */
  dropTo(offset: number, final: boolean): boolean {
    const before = this.#head;
    for (let next = this.first; next !== undefined && next.end <= offset; next = this.first) {
      if (hasFlag(next, Flag.final) && !final) break;
      next.block?.letGo();
      this.#head++;
    }
    const dropped = this.#head > before;
    if (this.#head > 32 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    } else {
      // A dropped chunk must not keep its frame in memory.
      for (let i = before; i < this.#head; i++) this.#items[i] = NO_CHUNK;
    }
    return dropped;
  }

  clear(): void {
    for (let i = this.#head; i < this.#items.length; i++) this.#items[i]?.block?.letGo();
    this.#items = [];
    this.#head = 0;
  }

  /** Index of the first chunk that begins at or after `offset`. */
  #indexFrom(offset: number): number {
    let low = this.#head;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#items[middle] as Chunk).offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
