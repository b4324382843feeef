import { encodeChunk, writeHeader } from "../../satellite/wire/encode.ts";
import { type Chunk, Flag, hasFlag, NO_CHUNK, payloadOf } from "../../satellite/wire/frame.ts";

/** Drop what is safe from the front of the array only when that much of it is behind `#first`. */
const SLACK = 256;

/** A stream's chunks that are not safe yet, kept so that they can be sent again from any chunk on [W-3]. */
export class UnsafeChunks {
  #chunks: Chunk[] = [];
  /** Index of the first that is not safe; those before it are dropped now and then. */
  #first = 0;
  /** Index of the first that was not sent on this connection. */
  #next = 0;
  /** Index of the first that was never sent: until then a chunk has no stream and may still change. */
  #fresh = 0;
  /** Offset where the next chunk begins. */
  end = 0;

  get count(): number {
    return this.#chunks.length - this.#first;
  }

  /** Where the first begins that can be sent again. */
  get from(): number {
    return this.#chunks[this.#first]?.offset ?? this.end;
  }

  /** Whether something was sent of which we do not know that it is safe. */
  get underWay(): boolean {
    return this.#next > this.#first;
  }

  get hasUnsent(): boolean {
    return this.#next < this.#chunks.length;
  }

  get unsentBytes(): number {
    return this.end - (this.#chunks[this.#next]?.offset ?? this.end);
  }

  /** Adds a chunk. The payload is copied, once, behind the place for the header. */
  push(payload: Uint8Array, flags: number): void {
    this.#chunks.push(encodeChunk(0, this.end, flags, payload));
    this.end += payload.length;
  }

  /** Ends the stream: with its last chunk if that was never sent, else with an empty one [F-2]. */
  finish(flags: number): void {
    const at = this.#chunks.length - 1;
    const last = this.#chunks[at];
    if (last === undefined || at < this.#fresh) this.push(new Uint8Array(0), flags);
    else this.#chunks[at] = { ...last, flags: last.flags | flags };
  }

  /** The next chunk to send; `undefined` if there is none that ends within the credit [W-2]. */
  peek(creditOffset: number): Chunk | undefined {
    const chunk = this.#chunks[this.#next];
    const isEmpty = chunk !== undefined && chunk.end === chunk.offset;
    return chunk !== undefined && (isEmpty || chunk.end <= creditOffset) ? chunk : undefined;
  }

  /** The next chunk has been sent, as it now is. */
  take(stream: number): Chunk {
    const held = this.#chunks[this.#next] as Chunk;
    let chunk = held;
    if (this.#next >= this.#fresh) {
      chunk = { ...held, stream };
      writeHeader(chunk.frame, stream, chunk.offset, chunk.flags);
      this.#chunks[this.#next] = chunk;
      this.#fresh = this.#next + 1;
    }
    this.#next++;
    return chunk;
  }

  /** Everything before `offset` is safe. The stream's last chunk is kept until its end is known to be safe. */
  release(offset: number, endIsSafe: boolean): void {
    for (let chunk = this.#chunks[this.#first]; chunk !== undefined; chunk = this.#chunks[this.#first]) {
      if (chunk.end > offset || (hasFlag(chunk, Flag.final) && !endIsSafe)) break;
      chunk.block?.letGo();
      this.#chunks[this.#first++] = NO_CHUNK;
    }
    this.#next = Math.max(this.#next, this.#first);
    this.#fresh = Math.max(this.#fresh, this.#first);
    if (this.#first > SLACK && this.#first * 2 > this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#first);
      this.#next -= this.#first;
      this.#fresh -= this.#first;
      this.#first = 0;
    }
  }

  /** What the other side has ends at `received`: sending goes on there [S-5]. An empty end is sent again [W-1]. */
  rewind(received: number): void {
    this.#next = this.#first;
    for (let chunk = this.#chunks[this.#next]; chunk !== undefined; chunk = this.#chunks[this.#next]) {
      if (chunk.end > received || chunk.end === chunk.offset) break;
      this.#next++;
    }
  }

  /** Goes on in a new stream whose offset 0 is what was `offset` [S-6]. Frames that were sent stay as they are. */
  restart(offset: number): void {
    const rest = this.#chunks
      .slice(this.#first)
      .filter((chunk) => chunk.end > offset || hasFlag(chunk, Flag.final));
    this.#chunks = rest.map((chunk) => {
      const from = Math.max(chunk.offset, Math.min(offset, chunk.end));
      return encodeChunk(0, from - offset, chunk.flags, payloadOf(chunk).subarray(from - chunk.offset));
    });
    this.#first = 0;
    this.#next = 0;
    this.#fresh = 0;
    this.end -= offset;
  }
}
