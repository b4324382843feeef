import { WireError } from "../../satellite/wire/errors.ts";
import type { Chunk } from "../../satellite/wire/frame.ts";
import { Flag, hasFlag } from "../../satellite/wire/frame.ts";
import { PositionState, type StreamBegins } from "../../satellite/wire/messages.ts";

/** Bytes in the output after which an ack is due even while more is waiting. */
const ACK_BYTES = 32 * 1024;

/** One stream on its way through a reader: what came, what is in the output, what was acknowledged. */
export class Inflow {
  readonly begins: StreamBegins;
  /** End of what came, without a gap. */
  received: number;
  /** End of what is in the output. */
  consumed: number;
  /** FINAL or `aborted` has come. */
  hasEnded = false;
  /** The end was acted on. */
  isOver = false;
  /** Where the last chunk that came has left it. */
  #state: number = PositionState.inside;
  /** How many pings had been sent when the end was last acknowledged. */
  endAckPings = 0;
  #acked: number;
  /** End of what the satellite has sent in this session, new or not; null while it has not begun the stream in it. */
  #told: number | null;
  /** It has sent the end in this session. */
  #isEndTold = false;

  constructor(begins: StreamBegins) {
    this.begins = begins;
    this.received = begins.offset;
    this.consumed = begins.offset;
    this.#acked = begins.offset;
    this.#told = begins.offset;
  }

  /** The session is another one, and the satellite the same: it may begin the stream again. */
  comeBack(): void {
    this.#told = null;
    this.#isEndTold = false;
  }

  /** The satellite begins the stream again, at `offset`. */
  beginAgain(offset: number): void {
    this.#told = Math.max(this.#told ?? offset, offset);
  }

  /** The satellite has said how the stream ends. */
  endTold(): void {
    this.#isEndTold = true;
  }

  /** Whether the satellite has begun it in this session. */
  get isTold(): boolean {
    return this.#told !== null;
  }

  get isUntouched(): boolean {
    return this.received === this.begins.offset && !this.hasEnded;
  }

  get isAckDue(): boolean {
    return this.consumed - this.#acked >= ACK_BYTES;
  }

  /** Whether the chunk is new: one that came before, on another connection, is not. */
  take(chunk: Chunk): boolean {
    const isFinal = hasFlag(chunk, Flag.final);
    this.#told = chunk.end;
    this.#isEndTold ||= isFinal;
    const isRepeated = chunk.end <= this.received && !(isFinal && chunk.end === chunk.offset);
    if (this.hasEnded || isRepeated) return false;
    if (chunk.offset !== this.received) {
      throw new WireError("protocol", "a chunk does not begin where the last one of its stream ended");
    }
    this.received = chunk.end;
    this.hasEnded = isFinal;
    const isText = !hasFlag(chunk, Flag.binary);
    const textState = hasFlag(chunk, Flag.boundary) ? PositionState.inside : PositionState.midLine;
    this.#state = isText ? textState : PositionState.binary;
    return true;
  }

  /** Where it stands, for `hello` [S-10]. */
  get position(): [stream: number, received: number, acked: number, state: number] {
    const received = Math.min(this.received, this.#told ?? 0);
    const acked = Math.min(this.consumed, received);
    return [this.begins.stream, received, acked, this.#isEndTold ? PositionState.ended : this.#state];
  }

  /** The ack of all that is in the output and was sent in this session, as it is sent now. */
  ack(ref: number, pings: number): AckMessage {
    this.#acked = Math.max(this.#acked, this.consumed);
    const end = this.isOver && this.#isEndTold;
    if (end) this.endAckPings = pings;
    return {
      type: "ack",
      ref,
      stream: this.begins.stream,
      offset: Math.min(this.consumed, this.#told ?? 0),
      ...(end && { end }),
    };
  }
}

type AckMessage = { type: "ack"; ref: number; stream: number; offset: number; end?: boolean };
