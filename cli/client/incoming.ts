import { type ErrorCode, WireError } from "../../satellite/wire/errors.ts";
import { type Chunk, Flag, hasFlag } from "../../satellite/wire/frame.ts";
import type {
  Aborted,
  ReaderPosition,
  SatelliteMessage,
  StreamBegins,
} from "../../satellite/wire/messages.ts";
import type { Attachment, Greeting, Port } from "./effects.ts";
import { codeOf } from "./errors.ts";
import { Inflow } from "./inflow.ts";
import type { ReaderOptions } from "./types.ts";

/** The states of PROTOCOL.md §7, as its end knows them. One that is done or failed and has said so is `over`. */
export const ReaderState = {
  /** `read` is not answered. */
  attaching: "attaching",
  /** Nothing of a delivery has come. */
  waiting: "waiting",
  /** Something has come; the satellite says when it is done. */
  delivering: "delivering",
  /** The application has stopped; what still comes is dropped. */
  leaving: "leaving",
  over: "over",
} as const;
export type ReaderState = (typeof ReaderState)[keyof typeof ReaderState];

/** Streams whose end was acknowledged that are remembered: a satellite that lost power may offer them again [S-11]. */
const ENDED_MAX = 1_024;
/** Positions that `hello` has room for; the oldest beyond are of streams that are over and very likely known to be. */
const POSITIONS_MAX = 1_500;
/** Ends that may be acknowledged before it is asked whether the acks have arrived. */
const UNSURE_MAX = 256;

/** A reader from its own end: passes on what is new, acknowledges what is in the output. */
export class Incoming implements Attachment {
  readonly #port: Port;
  readonly #ref: number;
  readonly #pipe: string;
  readonly #options: ReaderOptions;
  readonly #streams = new Map<number, Inflow>();
  /** Those with something in the output that is not acknowledged. */
  readonly #unacked = new Set<Inflow>();
  /** Those whose end is acknowledged, but perhaps not known to be: should it be told again, it is not new. */
  readonly #unsure = new Set<Inflow>();
  /** Those whose end is known to be acknowledged, the oldest first. */
  readonly #ended = new Set<Inflow>();
  #state: ReaderState = ReaderState.attaching;
  /** Chunks and ends that the application has not consumed. */
  #waiting = 0;
  #hasAttached = false;
  /** The session was resumed, and the satellite has spoken of this reader since. */
  #isToldAgain = true;
  #isAborted = false;

  constructor(port: Port, ref: number, pipe: string, options: ReaderOptions) {
    this.#port = port;
    this.#ref = ref;
    this.#pipe = pipe;
    this.#options = options;
    this.#read();
  }

  get isOver(): boolean {
    return this.#state === ReaderState.over;
  }

  get busy(): boolean {
    return this.#state !== ReaderState.over && (this.#waiting > 0 || this.#unsure.size > 0);
  }

  /** Where it stands, for `hello`. */
  get position(): ReaderPosition {
    const newest = [...this.#streams.values()].filter(({ isTold }) => isTold).slice(-POSITIONS_MAX);
    return { ref: this.#ref, streams: newest.map(({ position }) => position) };
  }

  has(stream: number): boolean {
    return this.#streams.has(stream);
  }

  leave(): void {
    if (this.#state === ReaderState.over || this.#state === ReaderState.leaving) return;
    if (!this.#port.ready || !this.#isToldAgain) {
      this.#left(); // should the satellite still know of it, it is told then
      return;
    }
    this.#ackAll();
    this.#port.send({ type: "leave", ref: this.#ref });
    this.#state = ReaderState.leaving;
  }

  close(): void {
    if (this.#state === ReaderState.over) return;
    if (this.#port.ready && this.#isDelivering) this.#ackAll();
    this.#left();
  }

  greeted(greeting: Greeting): void {
    switch (this.#state) {
      case ReaderState.attaching:
        this.#read(); // [S-5] not answered yet
        break;
      case ReaderState.leaving:
        this.#left();
        break;
      case ReaderState.waiting:
      case ReaderState.delivering:
        this.#isToldAgain = greeting !== "resumed";
        if (greeting === "resumed") break; // everything is told again [S-4]
        if (this.#mayComeBack) this.#comeBack(greeting);
        else this.#giveUp();
        break;
      case ReaderState.over:
        break;
    }
  }

  lost(): void {
    if (this.#state === ReaderState.leaving) this.#left();
  }

  graceOver(): void {
    if (!this.#mayComeBack) this.#giveUp();
  }

  /** A ping was answered: the ends that were acknowledged before it are known to be. */
  answered(ping: number): void {
    // Told again would have been `attached` [S-4]: a satellite that lost power has the session, but forgot this reader [S-11].
    if (!this.#isToldAgain && this.#port.ready) this.greeted("expired");
    for (const inflow of this.#unsure) {
      if (inflow.endAckPings >= ping) continue;
      this.#unsure.delete(inflow);
      this.#ended.add(inflow);
    }
    for (const inflow of this.#ended) {
      if (this.#ended.size <= ENDED_MAX) break;
      this.#ended.delete(inflow);
      this.#streams.delete(inflow.begins.stream);
    }
  }

  receive(message: SatelliteMessage): void {
    if (this.#state === ReaderState.over) return;
    switch (message.type) {
      case "attached":
        this.#isToldAgain = true;
        if (this.#isDelivering) this.#ackAll();
        if (this.#state === ReaderState.attaching) this.#state = ReaderState.waiting;
        if (!this.#hasAttached) this.#port.tell({ type: "attached", ref: this.#ref });
        this.#hasAttached = true;
        break;
      case "stream":
        this.#begins(message);
        break;
      case "withdrawn":
        this.#withdraw(this.#streams.get(message.stream));
        break;
      case "aborted":
        this.#aborted(message);
        break;
      case "gap":
        this.#skip(this.#streams.get(message.stream), message.offset);
        break;
      case "done":
        if (this.#state === ReaderState.leaving) this.#left();
        else this.#finish();
        break;
      case "error":
        this.#fail(codeOf(message.code), message.message);
        break;
      default:
        throw new WireError("protocol", `the satellite sent '${message.type}' to a reader`);
    }
  }

  receiveChunk(chunk: Chunk): void {
    const inflow = this.#streams.get(chunk.stream);
    if (inflow === undefined) return;
    if (!inflow.take(chunk)) this.#repeated(inflow);
    else if (this.#isDelivering) this.#take(inflow, chunk);
  }

  #take(inflow: Inflow, chunk: Chunk): void {
    this.#state = ReaderState.delivering;
    const { begins: stream } = inflow;
    if (chunk.end > chunk.offset) {
      this.#waiting++;
      this.#port.tell({ type: "chunk", ref: this.#ref, stream, chunk });
    }
    if (inflow.hasEnded) {
      this.#waiting++;
      const cause = hasFlag(chunk, Flag.interrupted) ? "interrupted" : "eof";
      this.#port.tell({ type: "end", ref: this.#ref, stream, offset: chunk.end, cause });
    }
  }

  consumed(stream: StreamBegins, offset: number, end: boolean, notices = 1): void {
    this.#waiting -= notices;
    const inflow = this.#streams.get(stream.stream);
    if (inflow?.begins !== stream) return; // of a session that is over
    inflow.consumed = Math.max(inflow.consumed, offset);
    inflow.isOver ||= end;
    this.#unacked.add(inflow);
    if (!this.#port.ready || !this.#isToldAgain || !this.#isDelivering) return;
    if (this.#waiting === 0)
      this.#ackAll();
    else if (inflow.isAckDue || end) this.#ack(inflow);
  }

  get #isDelivering(): boolean {
    return this.#state === ReaderState.waiting || this.#state === ReaderState.delivering;
  }

  /** Followers and taps have no end; the others go on while nothing has come (DESIGN.md §2.11). */
  get #mayComeBack(): boolean {
    const { mode = "plain" } = this.#options;
    return this.#state !== ReaderState.delivering || mode === "follow" || mode === "tap";
  }

  #read(): void {
    const { mode = "plain", ...options } = this.#options;
    this.#port.send({ type: "read", ref: this.#ref, pipe: this.#pipe, mode, ...options });
  }

  #ackAll(): void {
    if (!this.#isToldAgain) return; // the satellite may not know of it [C-3]
    for (const inflow of this.#unacked) this.#ack(inflow);
  }

  #ack(inflow: Inflow): void {
    this.#unacked.delete(inflow);
    this.#port.send(inflow.ack(this.#ref, this.#port.pings));
    if (!inflow.isOver) return;
    this.#unsure.add(inflow);
    if (this.#unsure.size % UNSURE_MAX === 0) this.#port.ping();
  }

  #begins(message: StreamBegins): void {
    const inflow = this.#streams.get(message.stream);
    if (inflow === undefined) {
      this.#streams.set(message.stream, new Inflow(message));
      if (this.#state !== ReaderState.leaving) {
        this.#port.tell({ type: "begin", ref: this.#ref, stream: message });
      }
      return;
    }
    inflow.beginAgain(message.offset);
    this.#skip(inflow, message.offset); // of a follower that came back as new
    const isNews = inflow.consumed > inflow.begins.offset || inflow.isOver;
    if (isNews && this.#isDelivering) this.#ack(inflow); // [S-5]
  }

  /** What it has already comes again: it is in the output, or will be. */
  #repeated(inflow: Inflow): void {
    if (!this.#port.ready || !this.#isDelivering) return;
    this.#unacked.add(inflow);
    if (this.#waiting === 0) this.#ackAll();
  }

  #withdraw(inflow: Inflow | undefined): void {
    if (inflow === undefined) return;
    this.#streams.delete(inflow.begins.stream);
    this.#port.tell({ type: "withdrawn", ref: this.#ref, stream: inflow.begins });
  }

  #aborted(message: Aborted): void {
    const { stream: id, offset, reason } = message;
    if (!this.#streams.has(id)) this.#begins({ type: "stream", ref: this.#ref, stream: id, offset });
    const inflow = this.#streams.get(id) as Inflow;
    inflow.endTold();
    if (inflow.hasEnded) this.#repeated(inflow);
    if (inflow.hasEnded || !this.#isDelivering) return;
    inflow.hasEnded = true;
    this.#state = ReaderState.delivering;
    this.#isAborted = true;
    this.#waiting++;
    this.#port.tell({
      type: "end",
      ref: this.#ref,
      stream: inflow.begins,
      offset: inflow.received,
      cause: "aborted",
      ...(reason !== undefined && { reason }),
    });
  }

  #skip(inflow: Inflow | undefined, to: number): void {
    if (inflow === undefined || to <= inflow.received) return;
    const from = inflow.received;
    inflow.received = to;
    this.#port.tell({ type: "gap", ref: this.#ref, stream: inflow.begins, from, to });
  }

  /** A new reader takes this one's place. Where the satellite is the same, so are its streams, and offsets still tell. */
  #comeBack(greeting: Greeting): void {
    for (const inflow of this.#streams.values()) {
      if (inflow.isUntouched) this.#withdraw(inflow);
    }
    for (const inflow of this.#streams.values()) inflow.comeBack();
    // Acks of the old session may not have arrived: no pong of the new one says that they have.
    this.#unsure.clear();
    if (greeting === "unknown") {
      this.#streams.clear();
      this.#ended.clear();
      this.#unacked.clear();
    }
    this.#state = ReaderState.attaching;
    this.#read();
  }

  #finish(): void {
    this.#state = ReaderState.over;
    this.#port.tell({ type: "done", ref: this.#ref, aborted: this.#isAborted });
  }

  #left(): void {
    this.#state = ReaderState.over;
    this.#port.tell({ type: "done", ref: this.#ref, aborted: this.#isAborted, left: true });
  }

  #giveUp(): void {
    const pipe = this.#pipe === "" ? "the default pipe" : `the pipe '${this.#pipe}'`;
    this.#fail(
      "expired",
      `The connection to ${this.#port.address} was away for longer than the grace in the middle of a delivery from ${pipe}.`,
    );
  }

  #fail(code: ErrorCode, text: string): void {
    if (this.#state === ReaderState.over) return;
    this.#state = ReaderState.over;
    this.#port.tell({ type: "failed", ref: this.#ref, error: new WireError(code, text) });
  }
}
