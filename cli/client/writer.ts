import { Writable } from "node:stream";
import { type Cut, LineCutter } from "../../satellite/wire/cutter.ts";
import { Flag } from "../../satellite/wire/frame.ts";
import { looksBinary } from "../../satellite/wire/kind.ts";
import { limits } from "../../satellite/wire/limits.ts";
import type { Kind } from "../../satellite/wire/messages.ts";
import { fitsUtf8 } from "../../satellite/wire/name.ts";
import { SEALED_BYTES_MAX } from "../../satellite/wire/sealing.ts";
import type { Notice, Sealer } from "./effects.ts";
import { SkypipeError, toSkypipeError } from "./errors.ts";
import type { Link } from "./link.ts";
import type { WriterOptions } from "./types.ts";

/** How much of the first write decides its kind (DESIGN.md §2.5). */
const KIND_BYTES = 4_096;
/** What `abort` has room for. */
const REASON_BYTES = 255;

/**
 * `finish` says that every byte and the end are safe (and taken, with `sync`). `destroy()` aborts the stream.
 * Events besides those of a Writable: `open` (stream: number), `pause` (reason: string), `continue`,
 * `safe` (bytes: number, of all that was written).
 */
export class PipeWriter extends Writable {
  readonly #link: Link;
  readonly #ref: number;
  /** How much of the input one chunk takes. */
  readonly #chunkBytes: number;
  readonly #cutter: LineCutter;
  #kind: Kind | undefined;
  #hasBegun = false;
  #isInterrupted = false;
  #writtenBytes = 0;
  #safeBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastLook: NodeJS.Immediate | undefined;
  /** What is to be done when the session takes more; `null`: it does. */
  #onAccepted: (() => void) | null = null;
  #onFinished: (() => void) | null = null;

  /** @internal */
  constructor(
    link: Link,
    { pipe, options, sealer }: { pipe: string; options: WriterOptions; sealer: Promise<Sealer> | null },
  ) {
    const chunkBytes = sealer === null ? limits.chunkBytesMax : SEALED_BYTES_MAX;
    super({
      highWaterMark: chunkBytes,
      ...(sealer !== null && {
        construct: (done) => void this.#openSealed(pipe, options, { sealer, done }),
      }),
    });
    this.#link = link;
    this.#kind = options.kind;
    this.#chunkBytes = chunkBytes;
    this.#cutter = new LineCutter(chunkBytes);
    this.#ref = link.listen((notice) => this.#noticed(notice));
    if (sealer === null) this.#open(pipe, options, null);
  }

  /** May be set until the first write; `undefined` until then where nobody said. */
  get kind(): Kind | undefined {
    return this.#kind;
  }

  set kind(kind: Kind) {
    if (this.#hasBegun && kind !== this.#kind) {
      throw new SkypipeError(
        "usage",
        `The stream is ${this.#kind} already: its kind is set before the first write.`,
      );
    }
    this.#kind = kind;
  }

  /** Ends a text stream with cause *interrupted*, after what was written; aborts a binary one. */
  interrupt(): void {
    if (this.#kind === "binary") {
      this.destroy();
    } else {
      this.#isInterrupted ||= !this.writableEnded; // what has ended before is whole
      this.end();
    }
  }

  /**
   * Whether all that was written, and the end if it was ended, is safe.
   *
   * @internal
   */
  get isSettled(): boolean {
    if (this.destroyed || this.writableFinished) return true;
    const isHeld = this.writableLength > 0 || this.#onAccepted !== null || this.#cutter.deadlineMs !== null;
    return !this.writableEnded && !isHeld && this.#safeBytes >= this.#writtenBytes;
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#put(bytes, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#put(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    this.#send(this.#cutter.end(), () => {
      this.#onFinished = done;
      this.#link.dispatch({ type: "finish", ref: this.#ref, interrupted: this.#isInterrupted });
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#forgetSilence();
    if (!this.writableFinished) {
      const reason = error === null ? undefined : clip(error.message);
      this.#link.dispatch({ type: "abort", ref: this.#ref, ...(reason !== undefined && { reason }) });
    }
    this.#link.ignore(this.#ref);
    done(error);
  }

  #open(pipe: string, options: WriterOptions, sealer: Sealer | null): void {
    this.#link.dispatch({ type: "open", ref: this.#ref, pipe, options, sealer });
  }

  async #openSealed(
    pipe: string,
    options: WriterOptions,
    { sealer, done }: { sealer: Promise<Sealer>; done: (error?: Error) => void },
  ): Promise<void> {
    try {
      this.#open(pipe, options, await sealer);
      done();
    } catch (error) {
      done(toSkypipeError(error));
    }
  }

  #put(bytes: Uint8Array, done: () => void): void {
    if (!this.#hasBegun && bytes.length > 0) {
      this.#kind ??= looksBinary(bytes.subarray(0, KIND_BYTES)) ? "binary" : "text"; // [F-6]
      this.#hasBegun = true;
    }
    this.#writtenBytes += bytes.length;
    this.#putFrom(bytes, 0, done);
  }

  /** One chunk's worth at a time, so that a large write costs no more memory than a small one. */
  #putFrom(bytes: Uint8Array, at: number, done: () => void): void {
    const piece = bytes.subarray(at, at + this.#chunkBytes);
    const next = at + piece.length;
    this.#send(this.#cut(piece), () => {
      if (next < bytes.length) this.#putFrom(bytes, next, done);
      else done();
    });
  }

  #cut(piece: Uint8Array): Cut[] {
    if (this.#kind === "binary") return piece.length > 0 ? [{ payload: piece, flags: Flag.binary }] : [];
    return this.#cutter.push(piece, performance.now());
  }

  /** Calls `then` when more may be sent: at once where there is nothing to send. */
  #send(cuts: readonly Cut[], then: () => void): void {
    const waiting = this.#onAccepted;
    if (waiting !== null) {
      this.#onAccepted = () => {
        waiting();
        this.#send(cuts, then);
      };
    } else if (cuts.length > 0) {
      this.#onAccepted = then;
      this.#link.dispatch({ type: "write", ref: this.#ref, cuts });
    } else {
      then();
    }
    this.#watchSilence();
  }

  /** Sees to it that an unfinished line does not wait for longer than it may [L-6]. */
  #watchSilence(): void {
    this.#forgetSilence();
    const { deadlineMs } = this.#cutter;
    if (deadlineMs === null || this.#onAccepted !== null) return;
    const silence = (): void => this.#send(this.#cutter.tick(performance.now()), () => {});
    // The input was not silent because we did not listen: a process that was stopped or busy looks once more.
    const lookOnceMore = (): void => {
      this.#lastLook = setImmediate(silence);
    };
    this.#timer = setTimeout(lookOnceMore, Math.max(0, Math.ceil(deadlineMs - performance.now())));
  }

  #forgetSilence(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#lastLook);
  }

  #noticed(notice: Notice): void {
    switch (notice.type) {
      case "accepted":
        this.#accepted();
        break;
      case "opened":
        this.emit("open", notice.stream);
        break;
      case "paused":
        this.emit("pause", notice.reason);
        break;
      case "continued":
        this.emit("continue");
        break;
      case "safe":
        this.#safeBytes = notice.bytes;
        this.emit("safe", notice.bytes);
        break;
      case "finished":
        this.#onFinished?.();
        break;
      case "failed":
        this.destroy(toSkypipeError(notice.error));
        break;
      default: // only readers are told of the rest
    }
  }

  #accepted(): void {
    const then = this.#onAccepted;
    this.#onAccepted = null;
    then?.();
    this.#watchSilence();
  }
}

/** As much of a sentence as `abort` carries. */
function clip(text: string): string {
  let clipped = text;
  while (!fitsUtf8(clipped, REASON_BYTES)) clipped = clipped.slice(0, -1);
  return clipped;
}
