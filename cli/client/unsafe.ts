import { blankChunk, encodeChunk, writeHeader } from "../../satellite/wire/encode.ts";
import { type Chunk, Flag, hasFlag, NO_CHUNK, payloadOf } from "../../satellite/wire/frame.ts";
import { SEAL_BYTES } from "../../satellite/wire/sealing.ts";
import type { Sealer } from "./effects.ts";

/** Drop what is safe from the front of the array only when that much of it is behind `#first`. */
const SLACK = 256;
/** A chunk that was never sent, and is not sealed, has no stream and may still change. */
const NONE = 0;

/**
 * A stream's chunks that are not safe yet, kept so that they can be sent again from any chunk on [W-3]. Where they are
 * sealed, each is as soon as it is known where it belongs.
 */
export class UnsafeChunks {
  readonly #sealer: Sealer | null;
  /** Bytes by which a chunk is longer than what it holds. */
  readonly #extraBytes: number;
  #chunks: Chunk[] = [];
  /** How many chunks of the stream came before the array's first. */
  #dropped = 0;
  /** Index of the first that is not safe; those before it are dropped now and then. */
  #first = 0;
  /** Index of the first that was not sent on this connection. */
  #next = 0;
  /** Offset where the next chunk begins. */
  end = 0;
  /** In how many streams the writer has gone on before this one. */
  part = 0;

  constructor(sealer: Sealer | null) {
    this.#sealer = sealer;
    this.#extraBytes = sealer === null ? 0 : SEAL_BYTES;
  }

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

  /**
   * Adds a chunk. The payload is copied, once, behind the place for the header; or it is sealed at once.
   *
   * @param stream where it belongs, if that is known
   */
  push(payload: Uint8Array, flags: number, stream: number): void {
    const offset = this.end;
    this.end = offset + payload.length + this.#extraBytes;
    if (this.#sealer !== null && stream !== NONE) {
      this.#chunks.push(this.#sealed({ stream, offset, flags }, payload));
    } else {
      this.#chunks.push({ ...encodeChunk(NONE, offset, flags, payload), end: this.end });
    }
  }

  /** Ends the stream: with its last chunk if that may still change, else with an empty one [F-2]. */
  finish(flags: number, stream: number): void {
    const at = this.#chunks.length - 1;
    const last = this.#chunks[at];
    if (last === undefined || at < this.#first || last.stream !== NONE)
      this.push(new Uint8Array(0), flags, stream);
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
    let chunk = this.#chunks[this.#next] as Chunk;
    if (chunk.stream === NONE) {
      if (this.#sealer === null) {
        chunk = { ...chunk, stream };
        writeHeader(chunk.frame, stream, chunk.offset, chunk.flags);
      } else {
        const held = chunk;
        chunk = this.#sealed({ stream, offset: held.offset, flags: held.flags }, payloadOf(held));
        held.block?.letGo();
      }
      this.#chunks[this.#next] = chunk;
    }
    this.#next++;
    return chunk;
  }

  /** As it stays from now on, whatever becomes of it [Z-7]. */
  #sealed(
    { stream, offset, flags }: { stream: number; offset: number; flags: number },
    payload: Uint8Array,
  ): Chunk {
    const chunk = blankChunk(stream, offset, flags, payload.length + SEAL_BYTES);
    this.#sealer?.seal(this.part, chunk, payload);
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
    if (this.#first > SLACK && this.#first * 2 > this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#first);
      this.#next -= this.#first;
      this.#dropped += this.#first;
      this.#first = 0;
    }
  }

  /** How much of the input lies before the end of a chunk, of all that is released or lies before it. */
  plainBytes(offset: number): number {
    if (this.#sealer === null) return offset;
    let before = this.#first;
    while ((this.#chunks[before]?.end ?? Number.POSITIVE_INFINITY) <= offset) before++;
    const boundary = this.#chunks[before]?.offset ?? this.end;
    return boundary - (this.#dropped + before) * this.#extraBytes;
  }

  /** What the other side has ends at `received`: sending goes on there [S-5]. An empty end is sent again [W-1]. */
  rewind(received: number): void {
    this.#next = this.#first;
    for (let chunk = this.#chunks[this.#next]; chunk !== undefined; chunk = this.#chunks[this.#next]) {
      if (chunk.end > received || chunk.end === chunk.offset) break;
      this.#next++;
    }
  }

  /**
   * Goes on in a new stream whose offset 0 is what was `offset` [S-6]; in the middle of a sealed chunk, the chunk's
   * start. Frames that were sent stay as they are.
   *
   * @returns how much of the input lies before
   */
  restart(offset: number): number {
    const goneBytes = this.plainBytes(offset);
    const rest = this.#chunks
      .slice(this.#first)
      .filter((chunk) => chunk.end > offset || hasFlag(chunk, Flag.final));
    const payloads = rest.map((chunk) => {
      if (this.#sealer === null) {
        const from = Math.max(chunk.offset, Math.min(offset, chunk.end));
        return payloadOf(chunk).subarray(from - chunk.offset);
      }
      return chunk.stream === NONE ? payloadOf(chunk) : this.#sealer.unseal(this.part, chunk);
    });
    this.#chunks = [];
    this.#dropped = 0;
    this.#first = 0;
    this.#next = 0;
    this.end = 0;
    this.part++;
    for (const [index, payload] of payloads.entries()) {
      this.push(payload, rest[index]?.flags ?? 0, NONE);
      rest[index]?.block?.letGo();
    }
    return goneBytes;
  }
}
