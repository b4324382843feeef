import type { Cut } from "../../satellite/wire/cutter.ts";
import { type ErrorCode, WireError } from "../../satellite/wire/errors.ts";
import { Flag } from "../../satellite/wire/frame.ts";
import { limits } from "../../satellite/wire/limits.ts";
import type {
  Kind,
  Opened,
  SatelliteMessage,
  WriterAck,
  WriterPosition,
} from "../../satellite/wire/messages.ts";
import type { SealedInfo } from "../../satellite/wire/sealing.ts";
import type { Attachment, Greeting, Operation, Port, Sealer } from "./effects.ts";
import { codeOf } from "./errors.ts";
import type { WriterOptions } from "./types.ts";
import { UnsafeChunks } from "./unsafe.ts";

/** The states of PROTOCOL.md §6. A writer that is safe, aborted or failed and has said so is `over`. */
export const WriterState = {
  /** `open` is not answered; also when the writer goes on in a new stream. */
  opening: "opening",
  open: "open",
  /** The connection is gone, or is new and `opened` has not come on it. */
  suspended: "suspended",
  /** Everything and the end were sent. */
  ending: "ending",
  /** The end is safe; a `sync` writer waits for `taken`. */
  safe: "safe",
  over: "over",
} as const;
export type WriterState = (typeof WriterState)[keyof typeof WriterState];

/** Unsafe chunks beyond which the application waits, so that small ones are put together meanwhile. */
const CHUNKS_MAX = 4_096;

type OpenOperation = Extract<Operation, { type: "open" }>;

/** A writer from its own end: keeps what is not safe, sends within its credit, sends again after a loss. */
export class Outgoing implements Attachment {
  readonly #port: Port;
  readonly #ref: number;
  readonly #pipe: string;
  readonly #options: WriterOptions;
  readonly #sealer: Sealer | null;
  readonly #chunks: UnsafeChunks;
  #state: WriterState = WriterState.opening;
  #kind: Kind | undefined;
  #stream = 0;
  /** How much of the input lies before the stream's offset 0: what went into streams whose session expired. */
  #baseBytes = 0;
  #safe = 0;
  #credit = 0;
  #hasEnded = false;
  #isTaken = false;
  /** A part of it went into a stream whose session expired: nobody knows who takes that [W-6]. */
  #isSplit = false;
  #owesAccepted = false;
  /** The session of `#stream` is over: the next `opened` is of a stream that goes on where that one ended. */
  #continues = false;
  /** What `expired` said that the satellite had of `#stream`. */
  #had: { received: number; end: boolean } | null = null;

  constructor(port: Port, { ref, pipe, options, sealer = null }: OpenOperation) {
    this.#port = port;
    this.#ref = ref;
    this.#pipe = pipe;
    this.#options = options;
    this.#sealer = sealer;
    this.#chunks = new UnsafeChunks(sealer);
    this.#kind = options.kind;
    this.#open();
  }

  get isOver(): boolean {
    return this.#state === WriterState.over;
  }

  get busy(): boolean {
    return this.#state !== WriterState.over && this.#chunks.underWay;
  }

  /** Where it stands, for `hello`; `null` while it has no stream [S-10]. */
  get position(): WriterPosition | null {
    return this.#stream === 0 || this.#continues ? null : { ref: this.#ref, from: this.#chunks.from };
  }

  /** Told again would have been `opened` [S-4]: a satellite that lost power has the session, but forgot this writer [S-11]. */
  answered(): void {
    if (this.#state === WriterState.suspended && this.#port.ready) this.greeted("unknown");
  }

  write(cuts: readonly Cut[]): void {
    if (this.#state === WriterState.over) return;
    for (const { payload, flags } of cuts) {
      this.#kind ??= (flags & Flag.binary) === 0 ? "text" : "binary";
      this.#chunks.push(payload, flags, this.#openStream);
    }
    this.#owesAccepted = true;
    this.pump();
  }

  finish(interrupted: boolean): void {
    if (this.#state === WriterState.over || this.#hasEnded) return;
    this.#hasEnded = true;
    const binary = this.#kind === "binary" ? Flag.binary : 0;
    this.#chunks.finish(Flag.final | binary | (interrupted ? Flag.interrupted : 0), this.#openStream);
    this.pump();
  }

  /** The outcome is the application's own doing, so nothing is told. */
  abort(reason?: string): void {
    if (this.#state === WriterState.over) return;
    this.#state = WriterState.over;
    const isTold = reason !== undefined && this.#sealer === null; // in clear, it would tell the satellite [Z-5]
    this.#port.send({ type: "abort", ref: this.#ref, ...(isTold && { reason }) });
    this.#port.send({ type: "release", ref: this.#ref });
  }

  close(): void {
    this.#fail(
      "aborted",
      `The connection to ${this.#port.address} was closed before ${this.#what} was safe.`,
    );
  }

  greeted(greeting: Greeting): void {
    if (this.#state === WriterState.opening) {
      this.#open(); // [S-5] not answered yet
    } else if (greeting === "resumed") {
      // `opened` follows [S-4]
    } else if (this.#had?.end === true && this.#options.sync !== true) {
      this.#succeed();
    } else if (this.#mayComeBack && this.#had?.end !== true) {
      this.#state = WriterState.opening;
      this.#continues = true;
      this.#open();
    } else {
      this.#giveUp();
    }
  }

  lost(): void {
    if (this.#state === WriterState.open || this.#state === WriterState.ending) {
      this.#state = WriterState.suspended;
    }
  }

  graceOver(): void {
    if (!this.#mayComeBack) this.#giveUp();
  }

  receive(message: SatelliteMessage): void {
    if (this.#state === WriterState.over) return;
    switch (message.type) {
      case "opened":
        this.#opened(message);
        break;
      case "ack":
        if (message.stream === this.#stream) this.#acked(message);
        break;
      case "taken":
        this.#isTaken = true;
        if (this.#state === WriterState.safe) this.#succeed();
        break;
      case "pause":
        this.#port.tell({ type: "paused", ref: this.#ref, reason: message.reason });
        break;
      case "continue":
        this.#port.tell({ type: "continued", ref: this.#ref });
        break;
      case "expired":
        if (message.stream === this.#stream) {
          this.#had = { received: message.received, end: message.end === true };
        }
        break;
      case "error":
        this.#port.send({ type: "release", ref: this.#ref });
        this.#fail(codeOf(message.code), message.message);
        break;
      default:
        throw new WireError("protocol", `the satellite sent '${message.type}' to a writer`);
    }
  }

  /** Sends what credit and socket allow. */
  pump(): void {
    if (this.#state === WriterState.open) {
      while (this.#port.hasRoom && this.#chunks.peek(this.#credit) !== undefined) {
        const chunk = this.#chunks.take(this.#stream);
        this.#port.forward(chunk);
      }
      if (this.#hasEnded && !this.#chunks.hasUnsent) this.#state = WriterState.ending;
    }
    const mayWrite = this.#chunks.unsentBytes < limits.chunkBytesMax && this.#chunks.count < CHUNKS_MAX;
    if (this.#owesAccepted && mayWrite) {
      this.#owesAccepted = false;
      this.#port.tell({ type: "accepted", ref: this.#ref });
    }
  }

  /** Text goes on as a new stream after the grace (DESIGN.md §2.11); what only waits for `taken` has nothing to send. */
  get #mayComeBack(): boolean {
    return this.#kind !== "binary" && this.#state !== WriterState.safe;
  }

  /** The stream that what comes now belongs to; 0 while that is not known. */
  get #openStream(): number {
    return this.#continues ? 0 : this.#stream;
  }

  get #what(): string {
    return `what was written to ${this.#pipe === "" ? "the default pipe" : `the pipe '${this.#pipe}'`}`;
  }

  #open(): void {
    const { size, name, contentType, host, ...options } = this.#options;
    const isFirst = this.#stream === 0;
    const info: SealedInfo = {
      ...(isFirst && size !== undefined && { size }),
      ...(name !== undefined && { name }),
      ...(contentType !== undefined && { contentType }),
      ...(host !== undefined && { host }),
    };
    const part = this.#chunks.part + (this.#continues ? 1 : 0);
    this.#port.send({
      type: "open",
      ref: this.#ref,
      pipe: this.#pipe,
      ...options,
      ...(this.#sealer === null ? info : { sealed: this.#sealer.field(part, info) }), // [Z-4]
    });
  }

  #opened(message: Opened): void {
    switch (this.#state) {
      case WriterState.opening:
        this.#goOnIn(message.stream);
        this.#credit = message.credit;
        this.#chunks.rewind(message.received);
        this.#state = WriterState.open;
        this.#port.tell({ type: "opened", ref: this.#ref, stream: message.stream });
        break;
      case WriterState.suspended:
        this.#chunks.rewind(message.received); // [W-1] goes on where the satellite is
        this.#credit = message.credit; // [W-2] less than before, after a restart
        this.#state = WriterState.open;
        break;
      case WriterState.open:
      case WriterState.ending:
        break; // a repeated answer [C-3]
      case WriterState.safe:
      case WriterState.over:
        return;
    }
    this.#credit = Math.max(this.#credit, message.credit); // [W-2] never shrinks
    this.#advance(message.safe);
    this.pump();
  }

  /** The stream is the first, or goes on for one whose session is over [S-6]. */
  #goOnIn(stream: number): void {
    if (this.#continues) {
      const from = Math.max(this.#safe, this.#had?.received ?? 0);
      this.#isSplit ||= from > 0;
      this.#baseBytes += this.#chunks.restart(from);
      this.#safe = 0;
      this.#continues = false;
      this.#had = null;
    }
    this.#stream = stream;
  }

  #acked(message: WriterAck): void {
    if (this.#state === WriterState.safe) return;
    this.#credit = Math.max(this.#credit, message.credit); // [W-2]
    this.#advance(message.offset, message.end);
    if (message.end === true) {
      this.#state = WriterState.safe;
      if (this.#options.sync !== true || this.#isTaken || this.#isSplit) this.#succeed(); // [W-4] [W-6]
    } else {
      this.pump();
    }
  }

  #advance(offset: number, end = false): void {
    const hasGrown = offset > this.#safe;
    this.#safe = Math.max(this.#safe, offset);
    this.#chunks.release(this.#safe, end);
    const bytes = this.#baseBytes + this.#chunks.plainBytes(this.#safe);
    if (hasGrown) this.#port.tell({ type: "safe", ref: this.#ref, bytes });
  }

  #succeed(): void {
    this.#port.send({ type: "release", ref: this.#ref });
    if (this.#isSplit && this.#options.sync === true) return this.#giveUp();
    this.#state = WriterState.over;
    this.#port.tell({ type: "finished", ref: this.#ref });
  }

  #giveUp(): void {
    this.#fail(
      "expired",
      `The connection to ${this.#port.address} was away for longer than the grace: ${this.#what} is not known to have arrived.`,
    );
  }

  #fail(code: ErrorCode, text: string): void {
    if (this.#state === WriterState.over) return;
    this.#state = WriterState.over;
    this.#port.tell({ type: "failed", ref: this.#ref, error: new WireError(code, text) });
  }
}
