import { WireError } from "../wire/errors.ts";
import type { JsonValue } from "../wire/fact.ts";
import { type Chunk, Flag, hasFlag } from "../wire/frame.ts";
import type { Kind, StreamInfo } from "../wire/messages.ts";
import { ChunkQueue } from "./chunk-queue.ts";
import type { Context } from "./context.ts";
import type { Cursor } from "./cursor.ts";
import type { Deadline } from "./deadlines.ts";
import { json, type Notable } from "./notebook.ts";
import type { Pipe } from "./pipe.ts";
import type { Reader } from "./reader.ts";
import { Window } from "./window.ts";
import type { Writer } from "./writer.ts";

export const StreamState = { running: "running", ended: "ended", aborted: "aborted" } as const;
export type StreamState = (typeof StreamState)[keyof typeof StreamState];

/** What the store has of a stream: from, to, and how far it is durable, in bytes. */
export interface Stored {
  from: number;
  to: number;
  durable: number;
  /** The final chunk was appended, and is durable. */
  end: boolean;
  endDurable: boolean;
}

export interface Failure {
  readonly code: "aborted" | "removed";
  readonly reason: string;
}

/** What is known of a stream from its opening. */
export interface Origin {
  readonly id: number;
  readonly info: StreamInfo;
  readonly ttlMs: number | null;
  /** Milliseconds since the epoch. */
  readonly openedMs: number;
  /** Place in the order of arrival. */
  readonly order: number;
}

/** What one writer sends, from open to EOF: how much of it there is, where it is kept, and who reads it. */
export class Stream implements Notable {
  readonly id: number;
  readonly pipe: Pipe;
  readonly info: StreamInfo;
  readonly openedMs: number;
  readonly ttlMs: number | null;
  /** Place in the order of arrival. */
  readonly order: number;
  readonly writer: Writer;
  readonly window: Window;
  /** Chunks that the store need not give back. */
  readonly memory: ChunkQueue = new ChunkQueue();
  readonly cursors: Set<Cursor> = new Set();
  /** Those who have acknowledged its end: it is not for them any more, even if something is left for others. */
  readonly hadBy: Map<Reader, Cursor> = new Map();
  /** Taps and peeks: they hold nothing. */
  readonly spectators: Set<Cursor> = new Set();
  state: StreamState = StreamState.running;
  kind: Kind | null;
  failure: Failure | null = null;
  /** Place of the abort in the order of arrival. */
  abortOrder = 0;
  /** End of what was received. */
  head = 0;
  /** Where the final chunk begins; infinite while there is none. */
  finalOffset: number = Number.POSITIVE_INFINITY;
  /** The last line start: where the line begins that comes, or that is unfinished. */
  lineStart = 0;
  lastByteMs: number;
  stored: Stored | null = null;
  /** The store knows the stream. */
  wasStored = false;
  /** Where a reader begins that finds the stream unread. */
  start = 0;
  /** Nothing that was received has been let go. */
  isIntact = true;
  /** Too large to be kept whole for its `one` reader [L-10]. */
  isLetGo = false;
  safe = 0;
  isEndSafe = false;
  /** The smallest offset from which somebody has had it to its end; `null` while nobody has. */
  takenFrom: number | null = null;
  /** Restored by a restart: what flowed live is not known until its writer comes back [S-10]. */
  isDormant = false;
  /** Somebody had it before the restart: it may have gone on live beyond what the store has. */
  wasHeld = false;
  /** Not in its pipe any more. */
  isGone = false;
  ttlDeadline: Deadline | null = null;
  #minAcked = 0;
  #countAtMin = 0;
  #maxAcked = 0;
  #holders = 0;
  #wholes = 0;

  constructor(ctx: Context, pipe: Pipe, writer: Writer, origin: Origin) {
    this.id = origin.id;
    this.pipe = pipe;
    this.writer = writer;
    this.info = origin.info;
    this.kind = origin.info.kind ?? null;
    this.ttlMs = origin.ttlMs;
    this.openedMs = origin.openedMs;
    this.lastByteMs = ctx.nowMs;
    this.order = origin.order;
    this.window = new Window(
      ctx.limits,
      ctx.nowMs,
      ctx.budget.purse(writer.session.rights.scope?.share ?? null),
    );
  }

  get factKey(): string {
    return `stream/${this.id}`;
  }

  fact(): JsonValue | null {
    if (this.isGone) return null;
    return json({
      pipe: this.pipe.name,
      session: this.writer.session.id,
      ref: this.writer.ref,
      info: json({ ...this.info }),
      ttlMs: this.ttlMs ?? undefined,
      openedMs: this.openedMs,
      order: this.order,
      kind: this.kind ?? undefined,
      failure: this.failure === null ? undefined : { ...this.failure },
      abortOrder: this.abortOrder,
      start: this.start,
      takenFrom: this.takenFrom ?? undefined,
      isLetGo: this.isLetGo,
    });
  }

  get isBinary(): boolean {
    return this.kind === "binary";
  }

  get isRunning(): boolean {
    return this.state === StreamState.running;
  }

  /** Whether somebody has it who will consume it. */
  get isHeld(): boolean {
    return this.#holders > 0;
  }

  /** Whether it must stay whole for one of its readers, and still does. */
  get isKeptWhole(): boolean {
    return this.#wholes > 0 && !this.isLetGo;
  }

  /** Whether one of its readers took it whole. */
  get isTakenWhole(): boolean {
    return this.#wholes > 0;
  }

  /** Somebody has acknowledged its end. */
  get isTaken(): boolean {
    return this.takenFrom !== null;
  }

  /** All of it was acknowledged, and its end [W-6]: what lies before `start` others have had. */
  get isAllTaken(): boolean {
    return this.takenFrom !== null && (this.takenFrom <= this.start || this.cursors.size === 0);
  }

  /** Makes those who read it readers of copies: it stays for somebody else. */
  turnIntoCopies(): void {
    for (const cursor of this.cursors) {
      if (cursor.copy) continue;
      this.#count(cursor, -1);
      cursor.copy = true;
      this.#count(cursor, 1);
    }
  }

  add(cursor: Cursor): void {
    this.cursors.add(cursor);
    this.#count(cursor, 1);
  }

  delete(cursor: Cursor): void {
    this.spectators.delete(cursor);
    if (this.cursors.delete(cursor)) this.#count(cursor, -1);
  }

  /** Takes a chunk from the writer. `false`: it was there already [W-1]. Throws WireError [W-1] [W-2] [F-6]. */
  receive(ctx: Context, chunk: Chunk): boolean {
    const isEmpty = chunk.end === chunk.offset;
    if (chunk.end <= this.head && (!isEmpty || !this.isRunning)) return false;
    if (!this.isRunning) throw new WireError("protocol", "a chunk after the end of its stream");
    if (chunk.offset !== this.head)
      throw new WireError("protocol", "a chunk does not begin where the last one ended");
    if (!isEmpty && chunk.end > this.writer.credit)
      throw new WireError("protocol", "a chunk beyond the credit");
    const kind: Kind = hasFlag(chunk, Flag.binary) ? "binary" : "text";
    if (this.kind !== null && this.kind !== kind) {
      throw new WireError("protocol", "a chunk of another kind than its stream");
    }
    chunk.arrival = ctx.nextArrival();
    this.memory.push(chunk);
    this.head = chunk.end;
    this.lastByteMs = ctx.nowMs;
    if (hasFlag(chunk, Flag.final)) {
      this.state = StreamState.ended;
      this.finalOffset = chunk.offset;
    } else if (hasFlag(chunk, Flag.line)) this.lineStart = chunk.end;
    return true;
  }

  /** Whether what comes is the start of a line. */
  get isAtLineStart(): boolean {
    return this.lineStart === this.head;
  }

  /** Whether the store has the chunk that begins at `offset`. */
  stores(offset: number): boolean {
    const stored = this.stored;
    if (stored === null || offset < stored.from) return false;
    return offset < stored.to || (offset === stored.to && stored.end && offset === this.head);
  }

  /** The smallest acknowledged offset of the readers; `null` without any. */
  minAcked(): number | null {
    if (this.cursors.size === 0) return null;
    if (this.#countAtMin === 0) this.#countMin();
    return this.#minAcked;
  }

  /** The largest acknowledged offset that any reader had. */
  get maxAcked(): number {
    return this.#maxAcked;
  }

  /** A reader's acknowledged offset goes from `before` to `after`; back only where a restart did not know better [S-10]. */
  ackMoves(before: number, after: number): void {
    if (after < this.#minAcked) this.#countAtMin = 0;
    else if (this.#countAtMin > 0 && before === this.#minAcked) this.#countAtMin--;
    this.#maxAcked = Math.max(this.#maxAcked, after);
  }

  /** Bytes that are held for readers. */
  get heldBytes(): number {
    return this.head - this.heldFrom;
  }

  /** The first byte that is held, or where the next one comes. */
  get heldFrom(): number {
    const first = this.memory.first?.offset ?? this.head;
    return Math.min(this.stored?.from ?? first, first);
  }

  #count(cursor: Cursor, by: 1 | -1): void {
    this.#countAtMin = 0;
    if (!cursor.copy) this.#holders += by;
    if (cursor.whole) this.#wholes += by;
  }

  #countMin(): void {
    let min = Number.POSITIVE_INFINITY;
    for (const cursor of this.cursors) min = Math.min(min, cursor.acked);
    this.#minAcked = min;
    for (const cursor of this.cursors) if (cursor.acked === min) this.#countAtMin++;
  }
}
