import type { ErrorCode } from "../wire/errors.ts";
import type { JsonValue } from "../wire/fact.ts";
import type { Context } from "./context.ts";
import { json, type Notable } from "./notebook.ts";
import type { Session } from "./session.ts";
import type { Stream } from "./stream.ts";

/** A writer attached to a session: what it was told of its stream, so that a resume can tell it again [S-4]. */
export class Writer implements Notable {
  readonly session: Session;
  readonly ref: number;
  #sync: boolean;
  /** Up to where it may send, in bytes; never goes back [W-2]. */
  credit = 0;
  isPaused = false;
  failure: { code: ErrorCode; message: string } | null = null;
  /** What it writes; set when that is made. */
  stream: Stream | null = null;
  /** Its session has forgotten it. */
  isForgotten = false;
  #ackedOffset = 0;
  #toldCredit = 0;
  #ackedEnd = false;
  #toldTaken = false;

  constructor(session: Session, ref: number, sync: boolean) {
    this.session = session;
    this.ref = ref;
    this.#sync = sync;
  }

  get factKey(): string {
    return `writer/${this.session.id}/${this.ref}`;
  }

  fact(): JsonValue | null {
    const { stream } = this;
    if (this.isForgotten || stream === null) return null;
    return json({
      stream: stream.id,
      pipe: stream.pipe.name,
      sync: this.#sync,
      failure: this.failure === null ? undefined : { ...this.failure },
      // What a resume has to be told of a stream that is gone.
      ended: stream.isGone
        ? { head: stream.head, isEndSafe: stream.isEndSafe, isTaken: stream.isTaken }
        : undefined,
    });
  }

  /** Takes up where `fact` says it was. */
  restore(sync: boolean, failure: Writer["failure"]): void {
    this.#sync = sync;
    this.failure = failure;
  }

  /** Answers `open`, and tells everything again after a resume. */
  replay(ctx: Context, stream: Stream): void {
    this.#extendCredit(stream);
    this.session.send(ctx, {
      type: "opened",
      ref: this.ref,
      stream: stream.id,
      received: stream.head,
      safe: stream.safe,
      credit: this.credit,
    });
    this.#ackedOffset = stream.safe;
    this.#toldCredit = this.credit;
    this.#ackedEnd = false;
    this.#toldTaken = false;
    this.report(ctx, stream);
    if (this.isPaused)
      this.session.send(ctx, { type: "pause", ref: this.ref, stream: stream.id, reason: "full" });
    if (this.failure !== null) this.session.send(ctx, { type: "error", ref: this.ref, ...this.failure });
  }

  /**
   * Acknowledges what became safe, when nothing is left unsafe or there is credit for a quarter of the window more: what
   * a window has grown by counts, as the writer may have used up all that it knows of [W-4] [W-5].
   */
  report(ctx: Context, stream: Stream): void {
    if (this.failure !== null) return;
    const credit = this.credit;
    this.#extendCredit(stream);
    const moreBytes = Math.max(stream.safe - this.#ackedOffset, this.credit - this.#toldCredit);
    const isAllSafe = stream.safe > this.#ackedOffset && stream.safe === stream.head;
    const isEnd = stream.isEndSafe && !this.#ackedEnd;
    const isOpened = credit === 0 && this.credit > 0;
    if (isEnd || isAllSafe || isOpened || moreBytes * 4 >= Math.max(stream.window.sizeBytes, 4)) {
      this.#ackedOffset = stream.safe;
      this.#toldCredit = this.credit;
      this.#ackedEnd = stream.isEndSafe;
      this.session.send(ctx, {
        type: "ack",
        ref: this.ref,
        stream: stream.id,
        offset: stream.safe,
        credit: this.credit,
        ...(stream.isEndSafe ? { end: true } : {}),
      });
    }
    if (this.#sync && stream.isAllTaken && stream.state === "ended" && !this.#toldTaken) {
      this.#toldTaken = true;
      this.session.send(ctx, { type: "taken", ref: this.ref, stream: stream.id });
    }
  }

  pause(ctx: Context, stream: Stream): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.session.send(ctx, { type: "pause", ref: this.ref, stream: stream.id, reason: "full" });
  }

  unpause(ctx: Context, stream: Stream): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.session.send(ctx, { type: "continue", ref: this.ref, stream: stream.id });
  }

  /** The stream has failed. A writer whose success was told already learns of it only with `sync`. */
  fail(ctx: Context, stream: Stream, code: ErrorCode, message: string): void {
    const isOver = stream.isEndSafe && (!this.#sync || stream.isAllTaken);
    if (this.failure !== null || isOver) return;
    this.failure = { code, message };
    ctx.notebook.note(this);
    this.session.send(ctx, { type: "error", ref: this.ref, code, message });
  }

  #extendCredit(stream: Stream): void {
    if (stream.isRunning && stream.window.sizeBytes > 0) {
      this.credit = Math.max(this.credit, stream.safe + stream.window.sizeBytes);
    }
  }
}
