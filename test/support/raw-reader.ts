import { type Chunk, Flag, hasFlag, payloadOf } from "../../satellite/wire/frame.ts";
import {
  type EndMessage,
  type ErrorMessage,
  PositionState,
  type ReaderPosition,
  type SatelliteMessage,
  type StreamBegins,
  type StreamInfo,
} from "../../satellite/wire/messages.ts";
import type { RawEnd } from "./raw-end.ts";
import type { RawWriter } from "./raw-writer.ts";

/** A stream, as one reader has seen it. */
export interface SeenStream {
  readonly id: number;
  readonly info: StreamInfo & { readonly alone?: boolean };
  readonly start: number;
  /** What this reader has of it, without repeats. */
  bytes: Buffer;
  /** End of what has come. */
  offset: number;
  /** Where the next chunk must begin on this connection. */
  expected: number;
  ended: "eof" | "interrupted" | "aborted" | undefined;
  reason: string | undefined;
  isWithdrawn: boolean;
  ackedTo: number;
  isEndAcked: boolean;
}

/** A reader. With `autoAck` it acknowledges whatever comes, as soon as it comes. */
export class RawReader {
  readonly end: RawEnd;
  readonly request: Extract<EndMessage, { type: "read" }>;
  autoAck: boolean;
  isAttached = false;
  isDone = false;
  failure: ErrorMessage | undefined;
  readonly streams: Map<number, SeenStream> = new Map();
  /** New bytes in order of arrival, over all streams. */
  readonly pieces: { stream: number; text: string; flags: number }[] = [];
  readonly gaps: { stream: number; offset: number }[] = [];
  #begun = new Set<number>();

  constructor(end: RawEnd, request: Extract<EndMessage, { type: "read" }>, autoAck: boolean) {
    this.end = end;
    this.request = request;
    this.autoAck = autoAck;
  }

  get ref(): number {
    return this.request.ref;
  }

  /** Everything that came, in order of arrival. */
  get text(): string {
    return this.pieces.map((piece) => piece.text).join("");
  }

  /** The streams that began and were not withdrawn, by id in the order in which they began. */
  get taken(): number[] {
    return [...this.streams.values()].filter(({ isWithdrawn }) => !isWithdrawn).map(({ id }) => id);
  }

  seen(writer: RawWriter): SeenStream {
    const seen = this.streams.get(writer.stream);
    if (seen === undefined) throw new Error(`reader ${this.ref} was not given stream ${writer.stream}`);
    return seen;
  }

  async untilText(text: string): Promise<void> {
    await this.end.until(
      `text ${JSON.stringify(text)}, have ${JSON.stringify(this.text)}`,
      () => this.text === text,
    );
  }

  async untilBytes(count: number): Promise<void> {
    await this.end.until(
      `${count} bytes, have ${this.text.length}`,
      () => [...this.streams.values()].reduce((sum, { bytes }) => sum + bytes.length, 0) >= count,
    );
  }

  async untilBegun(writer: RawWriter): Promise<SeenStream> {
    await this.end.until(`stream ${writer.stream}`, () => this.streams.has(writer.stream));
    return this.seen(writer);
  }

  async untilEnded(writer: RawWriter): Promise<SeenStream> {
    await this.end.until(
      `the end of ${writer.stream}`,
      () => this.streams.get(writer.stream)?.ended !== undefined,
    );
    return this.seen(writer);
  }

  async untilDone(): Promise<void> {
    await this.end.until(`done ${this.ref}`, () => this.isDone);
  }

  async untilFailed(): Promise<ErrorMessage> {
    await this.end.until(`an error for reader ${this.ref}`, () => this.failure !== undefined);
    return this.failure as ErrorMessage;
  }

  ack(stream: number, offset: number, isEnd: boolean = false): void {
    const seen = this.streams.get(stream);
    if (seen !== undefined) {
      seen.ackedTo = Math.max(seen.ackedTo, offset);
      seen.isEndAcked ||= isEnd;
    }
    this.end.send({ type: "ack", ref: this.ref, stream, offset, ...(isEnd && { end: true }) });
  }

  /** Acknowledges whatever has come, ends too, and from now on what comes. */
  ackAll(): void {
    this.autoAck = true;
    for (const seen of this.streams.values()) if (!seen.isWithdrawn && !seen.isEndAcked) this.#ackSeen(seen);
  }

  leave(): void {
    this.end.send({ type: "leave", ref: this.ref });
  }

  position(): ReaderPosition {
    const open = [...this.streams.values()].filter(
      ({ isWithdrawn, isEndAcked }) => !isWithdrawn && !isEndAcked,
    );
    const inside = PositionState.inside;
    return { ref: this.ref, streams: open.map(({ id, offset, ackedTo }) => [id, offset, ackedTo, inside]) };
  }

  expects(stream: number): boolean {
    return this.#begun.has(stream);
  }

  /** On a new connection every stream begins again [S-4]. */
  relinked(): void {
    this.#begun.clear();
  }

  take(message: SatelliteMessage): void {
    switch (message.type) {
      case "attached":
        this.isAttached = true;
        break;
      case "stream":
        this.#begin(message);
        break;
      case "withdrawn":
        this.#withdraw(message.stream);
        break;
      case "aborted":
        this.#takeAborted(message.stream, message.offset, message.reason);
        break;
      case "gap":
        this.gaps.push({ stream: message.stream, offset: message.offset });
        this.#skip(message.stream, message.offset);
        break;
      case "done":
        this.isDone = true;
        break;
      case "error":
        this.failure = message;
        break;
      default:
        break;
    }
  }

  takeChunk(chunk: Chunk): void {
    const seen = this.streams.get(chunk.stream);
    if (seen === undefined) return;
    if (this.isDone || this.failure)
      this.end.breaches.push(`[R-4] data for reader ${this.ref} after its end`);
    if (seen.isWithdrawn)
      this.end.breaches.push(`[L-5] stream ${chunk.stream} went on after it was withdrawn`);
    if (chunk.offset !== seen.expected) {
      this.end.breaches.push(
        `[R-2] stream ${chunk.stream}: expected offset ${seen.expected}, got ${chunk.offset}`,
      );
    }
    const isRepeat = chunk.end <= seen.offset && chunk.end > chunk.offset;
    if (!isRepeat) {
      if (seen.ended) this.end.breaches.push(`[R-2] stream ${chunk.stream} went on after its end`);
      const payload = Buffer.from(payloadOf(chunk)).subarray(Math.max(0, seen.offset - chunk.offset));
      seen.bytes = Buffer.concat([seen.bytes, payload]);
      this.pieces.push({ stream: chunk.stream, text: payload.toString("latin1"), flags: chunk.flags });
    }
    seen.expected = chunk.end;
    seen.offset = Math.max(seen.offset, chunk.end);
    if (hasFlag(chunk, Flag.final)) seen.ended = hasFlag(chunk, Flag.interrupted) ? "interrupted" : "eof";
    if (this.autoAck) this.#ackSeen(seen);
  }

  #begin(message: StreamBegins): void {
    const { type: _type, ref: _ref, stream, offset, ...info } = message;
    if (this.#begun.has(stream))
      this.end.breaches.push(`[R-2] stream ${stream} began twice on one connection`);
    this.#begun.add(stream);
    const seen = this.streams.get(stream);
    if (seen !== undefined && !seen.isWithdrawn) {
      seen.expected = offset;
      if (offset > seen.offset)
        this.end.breaches.push(`[L-11] stream ${stream} goes on at ${offset}, not ${seen.offset}`);
      return;
    }
    this.streams.set(stream, {
      id: stream,
      info,
      start: offset,
      bytes: Buffer.alloc(0),
      offset,
      expected: offset,
      ended: undefined,
      reason: undefined,
      isWithdrawn: false,
      ackedTo: offset,
      isEndAcked: false,
    });
  }

  #withdraw(stream: number): void {
    const seen = this.streams.get(stream);
    if (seen === undefined || seen.bytes.length > 0) {
      this.end.breaches.push(`[L-5] stream ${stream} was withdrawn, but had not begun or had sent something`);
    }
    if (seen !== undefined) seen.isWithdrawn = true;
    this.#begun.delete(stream);
  }

  #takeAborted(stream: number, offset: number, reason: string | undefined): void {
    const seen = this.streams.get(stream);
    if (seen === undefined) {
      this.end.breaches.push(`[R-2] stream ${stream} was aborted before it began`);
      return;
    }
    if (seen.offset !== offset && this.request.mode !== "tap") {
      this.end.breaches.push(`[L-9] stream ${stream} aborted at ${offset}, but ${seen.offset} had come`);
    }
    seen.ended = "aborted";
    seen.reason = reason;
    if (this.autoAck) this.#ackSeen(seen);
  }

  #skip(stream: number, offset: number): void {
    const seen = this.streams.get(stream);
    if (seen === undefined) return;
    if (this.request.mode !== "tap") this.end.breaches.push(`[L-14] a gap for a reader that is no tap`);
    seen.expected = offset;
    seen.offset = Math.max(seen.offset, offset);
  }

  #ackSeen(seen: SeenStream): void {
    this.ack(seen.id, seen.offset, seen.ended !== undefined);
  }
}
