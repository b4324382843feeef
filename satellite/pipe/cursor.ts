import type { JsonValue } from "../wire/fact.ts";
import type { Chunk } from "../wire/frame.ts";
import type { Context } from "./context.ts";
import { Marks } from "./marks.ts";
import type { Notable } from "./notebook.ts";
import type { Reader } from "./reader.ts";
import type { Stream } from "./stream.ts";
import { Window } from "./window.ts";

/** How much is read from the store at once for one cursor, in bytes. */
const LOAD_BYTES = 256 * 1024;

/** What a cursor has to send next. */
export const Nothing = { none: "none", loading: "loading" } as const;
export type Nothing = (typeof Nothing)[keyof typeof Nothing];

/** What one reader has of one stream. */
export class Cursor implements Notable {
  readonly reader: Reader;
  readonly stream: Stream;
  /** A copy consumes nothing: the stream stays for somebody else. */
  copy: boolean;
  /** Whether the stream stays whole until its end is acknowledged (else it is let go as it is acknowledged). */
  readonly whole: boolean;
  readonly window: Window;
  /** Where it began. */
  start: number;
  /** Offset of the next chunk to send. */
  next: number;
  /** Everything before is in the reader's output. The end of a chunk, or where it began. */
  acked: number;
  /** Where the reader thinks that the next chunk begins. */
  toldOffset = 0;
  /** Its reader has not come back since a restart, and has not yet said how far it is [S-10]. */
  isRestored = false;
  /** Joined in mid-line: waits for the next line start. */
  isSkipping = false;
  /** The next line start, if it came while the reader was not back since a restart: it may have begun at one before. */
  lineStart: number | null = null;
  isAnnounced = false;
  endSent = false;
  endAcked = false;
  marks: Marks;
  #loaded: readonly Chunk[] = [];
  #load = 0;

  constructor(ctx: Context, reader: Reader, stream: Stream, start: number, options: CursorOptions) {
    this.reader = reader;
    this.stream = stream;
    this.copy = options.copy;
    this.whole = options.whole;
    this.window = new Window(ctx.limits, ctx.nowMs);
    this.start = start;
    this.next = start;
    this.acked = start;
    this.marks = new Marks(start);
  }

  get factKey(): string {
    return `cursor/${this.stream.id}/${this.reader.session.id}/${this.reader.ref}`;
  }

  fact(): JsonValue | null {
    if (this.stream.isGone || this.reader.isForgotten) return null;
    if (this.stream.hadBy.has(this.reader)) return { had: true };
    if (!this.stream.cursors.has(this)) return null;
    return { start: this.start, copy: this.copy, whole: this.whole, skips: this.isSkipping };
  }

  /** Tells the reader of the stream, and from where it gets it. */
  announce(ctx: Context, offset: number): void {
    this.isAnnounced = true;
    this.toldOffset = offset;
    const { kind, id, info } = this.stream;
    this.reader.session.send(ctx, {
      type: "stream",
      ref: this.reader.ref,
      stream: id,
      offset,
      ...info,
      ...(kind === null ? {} : { kind }),
      ...(this.reader.isAlone ? { alone: true } : {}),
    });
  }

  /** Tells a tap that it missed something, and where it goes on [L-14]. */
  tellGap(ctx: Context, offset: number): void {
    const { reader, stream } = this;
    reader.session.send(ctx, { type: "gap", ref: reader.ref, stream: stream.id, offset });
  }

  /** The next chunk, or why there is none; asks the store where memory does not have it. */
  peek(ctx: Context): Chunk | Nothing {
    if (this.endSent || this.isSkipping || this.stream.isGone) return Nothing.none;
    const loaded = this.#loaded[0];
    if (loaded !== undefined) return loaded;
    const inMemory = this.stream.memory.at(this.next);
    if (inMemory !== undefined) return inMemory;
    if (this.reader.mode === "tap" || !this.stream.stores(this.next)) return Nothing.none;
    if (this.#load === 0) this.#startLoad(ctx);
    return Nothing.loading;
  }

  /** Notes that `chunk`, which `peek` gave, was sent. */
  sent(chunk: Chunk): void {
    if (this.#loaded[0] === chunk) this.#loaded = this.#loaded.slice(1);
    this.next = chunk.end;
    this.toldOffset = chunk.end;
    this.marks.sent(chunk);
  }

  /** Takes the answer of the store. */
  loaded(load: number, chunks: readonly Chunk[]): void {
    if (load !== this.#load) return;
    this.#load = 0;
    this.#loaded = chunks;
  }

  /** Takes an ack; returns by how many bytes it went on. Acks count by whole chunks. */
  ack(ctx: Context, offset: number): number {
    const acked = this.marks.ack(offset);
    if (acked === null) return 0;
    const progressBytes = acked - this.acked;
    this.stream.ackMoves(this.acked, acked);
    this.acked = acked;
    this.window.acked(progressBytes, ctx.nowMs);
    return progressBytes;
  }

  /** Where another reader goes on after this one (PROTOCOL.md §8). */
  restart(ctx: Context): number {
    const reachBytes = ctx.limits.chunkBytesMax;
    // The end is in the final chunk, which goes to the next one whole.
    if (!this.isSkipping)
      return Math.min(this.marks.restart(this.acked, reachBytes), this.stream.finalOffset);
    const lineStart = Math.min(this.stream.lineStart, this.next); // which it is past while its reader is not back
    return this.next - lineStart <= reachBytes ? lineStart : this.next;
  }

  /** Goes on at `offset`, which the reader says it has received; `hasEnd`: the end too. Returns whether that can be. */
  rewind(offset: number, hasEnd: boolean): boolean {
    if (offset > this.next || offset < this.acked || !this.marks.rewind(offset, this.acked)) return false;
    this.next = offset;
    this.#loaded = [];
    this.#load = 0;
    this.endSent = (hasEnd && !this.stream.isRunning) || offset > this.stream.finalOffset;
    return true;
  }

  /** Nothing was sent yet. */
  get isUntouched(): boolean {
    return this.next === this.start && !this.endSent && !this.isAnnounced;
  }

  /** It has got nothing yet, and what comes is not the first byte. */
  get hasMissedStart(): boolean {
    return this.start > 0 && this.isUntouched && !this.isRestored;
  }

  /** Jumps to `offset` without sending what lies before. */
  skipTo(offset: number): void {
    if (!this.reader.isSpectator) this.stream.ackMoves(this.acked, offset);
    this.start = offset;
    this.next = offset;
    this.acked = offset;
    this.marks = new Marks(offset);
    this.#loaded = [];
    this.#load = 0;
  }

  /** Goes on where the reader says it is, after a restart [S-10]. */
  resumeAt(acked: number, received: number, midLine: boolean): void {
    this.stream.ackMoves(this.acked, acked);
    this.acked = acked;
    this.next = received;
    this.marks = new Marks(acked);
    if (received > acked || midLine) this.marks.sentUpTo(received, midLine);
    this.isSkipping = false;
    this.isAnnounced = true;
  }

  /** Whether the window admits so many bytes more. One chunk always fits into an empty one. */
  admits(bytes: number): boolean {
    const onTheWay = this.next - this.acked;
    return onTheWay === 0 || onTheWay + bytes <= this.window.sizeBytes;
  }

  #startLoad(ctx: Context): void {
    this.#load = ctx.nextLoadId();
    ctx.loads.set(this.#load, this);
    ctx.emit({
      type: "load",
      load: this.#load,
      stream: this.stream.id,
      offset: this.next,
      bytesMax: LOAD_BYTES,
    });
  }
}

export interface CursorOptions {
  copy: boolean;
  readonly whole: boolean;
}
