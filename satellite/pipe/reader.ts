import type { ErrorCode } from "../wire/errors.ts";
import type { JsonValue } from "../wire/fact.ts";
import type { Mode } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { Cursor } from "./cursor.ts";
import type { Deadline } from "./deadlines.ts";
import { json, type Notable } from "./notebook.ts";
import type { Pipe } from "./pipe.ts";
import type { Session } from "./session.ts";

/** Where a reader stands in its delivery (PROTOCOL.md §7). */
export const Phase = {
  /** Nothing has been offered to it. */
  waiting: "waiting",
  /** Running text streams, merged; open to more. A follower is always here. */
  merge: "merge",
  /** One stream, alone. */
  single: "single",
  /** Closed to what comes; its streams have ended, their ends are not all acknowledged. */
  closing: "closing",
  done: "done",
  failed: "failed",
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** A reader attached to a session. */
export class Reader implements Notable {
  readonly session: Session;
  readonly ref: number;
  readonly pipe: Pipe;
  readonly mode: Mode;
  readonly isFresh: boolean;
  /** For a peek: how many bytes it wants to see; once it has its stream, up to which offset. */
  peekUntil: number;
  readonly cursors: Map<number, Cursor> = new Map();
  /** Cursors that may have something to send. */
  readonly pending: Set<Cursor> = new Set();
  /** Its session has forgotten it. */
  isForgotten = false;
  /** Made again after a restart; it has not come back yet [S-10]. */
  isRestored = false;
  /** … and nothing was known then of a delivery: what it has since is perhaps not its first. */
  isUnsure = false;
  #phase: Phase = Phase.waiting;
  /** The cursor that must go on: it stands in mid-line, or in a binary stream [L-6] [L-7]. */
  current: Cursor | null = null;
  /** When `current` began to hold the others with nothing to send. */
  holdDeadline: Deadline | null = null;
  /** Something of the delivery was sent [L-5]. */
  hasBegun = false;
  failure: ReaderFailure | null = null;

  constructor(session: Session, ref: number, pipe: Pipe, options: ReaderOptions) {
    this.session = session;
    this.ref = ref;
    this.pipe = pipe;
    this.mode = options.mode;
    this.isFresh = options.isFresh;
    this.peekUntil = options.peekBytes;
    if (options.mode === "follow") this.#phase = Phase.merge;
  }

  get phase(): Phase {
    return this.#phase;
  }

  enter(ctx: Context, phase: Phase): void {
    this.#phase = phase;
    ctx.notebook.note(this);
  }

  get factKey(): string {
    return `reader/${this.session.id}/${this.ref}`;
  }

  fact(): JsonValue | null {
    if (this.isForgotten || this.mode === "peek") return null;
    return json({
      pipe: this.pipe.name,
      mode: this.mode,
      isFresh: this.isFresh,
      phase: this.#phase,
      hasBegun: this.hasBegun,
      failure: this.failure ?? undefined,
      isUnsure: this.isUnsure || undefined,
    });
  }

  /** Takes up where `fact` says it was. */
  restore({ phase, hasBegun, failure, isUnsure }: Omit<ReaderFact, "pipe" | "mode" | "isFresh">): void {
    this.isRestored = true;
    this.isUnsure = isUnsure === true || phase === Phase.waiting;
    this.#phase = phase;
    this.hasBegun = hasBegun;
    this.failure = failure ?? null;
  }

  /** It has come back after a restart, and said how far it is. */
  resumed(ctx: Context): void {
    if (this.isUnsure) ctx.notebook.note(this);
    this.isRestored = false;
    this.isUnsure = false;
  }

  /** Taps and peeks are never counted. */
  get isSpectator(): boolean {
    return this.mode === "tap" || this.mode === "peek";
  }

  get isOver(): boolean {
    return this.#phase === Phase.done || this.#phase === Phase.failed;
  }

  /** Whether text that opens now joins its delivery [L-7]. */
  get isOpenToText(): boolean {
    return this.#phase === Phase.merge || (this.#phase === Phase.waiting && this.mode === "plain");
  }

  /** Whether its delivery has not begun and can be of any kind. */
  get isWaiting(): boolean {
    return this.#phase === Phase.waiting;
  }

  /** Whether its delivery is one stream, and no other will join it. */
  get isAlone(): boolean {
    return this.#phase === Phase.single;
  }

  /** Whether one of its streams is still running. */
  get hasRunning(): boolean {
    for (const cursor of this.cursors.values()) if (cursor.stream.isRunning) return true;
    return false;
  }

  /** Streams have ended and every end was acknowledged: nothing more will come. */
  get isComplete(): boolean {
    return (this.#phase === Phase.single || this.#phase === Phase.closing) && this.cursors.size === 0;
  }

  /** When its connection was lost, in milliseconds; `null` while it is connected. */
  get lostMs(): number | null {
    return this.session.lostMs;
  }

  finish(ctx: Context): void {
    this.enter(ctx, Phase.done);
    this.session.send(ctx, { type: "done", ref: this.ref });
  }
}

export type ReaderFailure = { code: ErrorCode; message: string };

/** What `fact` writes. */
export interface ReaderFact {
  readonly pipe: string;
  readonly mode: Mode;
  readonly isFresh: boolean;
  readonly phase: Phase;
  readonly hasBegun: boolean;
  readonly failure?: ReaderFailure;
  readonly isUnsure?: boolean;
}

export interface ReaderOptions {
  readonly mode: Mode;
  readonly isFresh: boolean;
  readonly peekBytes: number;
}
