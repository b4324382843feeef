import { encodeChunk } from "../../satellite/wire/encode.ts";
import { type Chunk, Flag, hasFlag } from "../../satellite/wire/frame.ts";
import type {
  EndMessage,
  ErrorMessage,
  SatelliteMessage,
  WriterPosition,
} from "../../satellite/wire/messages.ts";
import type { RawEnd } from "./raw-end.ts";

/** A writer: what was sent stays here, so that it can be sent again. */
export class RawWriter {
  readonly end: RawEnd;
  readonly request: Extract<EndMessage, { type: "open" }>;
  stream = 0;
  received = 0;
  safe = 0;
  credit = 0;
  isEndSafe = false;
  isTaken = false;
  isPaused = false;
  failure: ErrorMessage | undefined;
  /** Where the next chunk begins. */
  offset = 0;
  readonly sent: Chunk[] = [];

  constructor(end: RawEnd, request: Extract<EndMessage, { type: "open" }>) {
    this.end = end;
    this.request = request;
  }

  get ref(): number {
    return this.request.ref;
  }

  /** One chunk. Flags are BINARY for a binary writer; BOUNDARY and LINE after a newline; and what is given. */
  write(bytes: string | Uint8Array, extra: number = 0): Chunk {
    const payload = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    const isLine = this.request.kind !== "binary" && payload.at(-1) === 0x0a;
    const kind = this.request.kind === "binary" ? Flag.binary : 0;
    const flags = kind | (isLine ? Flag.boundary | Flag.line : 0) | extra;
    const chunk = encodeChunk(this.stream, this.offset, flags, payload);
    this.offset = chunk.end;
    this.sent.push(chunk);
    this.end.sendBytes(chunk.frame);
    return chunk;
  }

  /** The last chunk, with FINAL. */
  finish(bytes: string | Uint8Array = "", extra: number = 0): Chunk {
    return this.write(bytes, Flag.final | extra);
  }

  /** Sends `total` bytes of lines (or of zeros) in pieces, as credit allows. Stops early when the writer fails. */
  async pour(total: number, pieceBytes: number = 16_384): Promise<void> {
    const piece = Buffer.alloc(pieceBytes, this.request.kind === "binary" ? 0 : "x");
    if (this.request.kind !== "binary") piece[pieceBytes - 1] = 0x0a;
    for (let left = total; left > 0; left -= pieceBytes) {
      const size = Math.min(left, pieceBytes);
      await this.end.until(
        `credit for ${this.offset + size}, have ${this.credit}`,
        () => this.credit >= this.offset + size || this.failure !== undefined,
      );
      if (this.failure !== undefined) return;
      this.write(piece.subarray(pieceBytes - size));
    }
  }

  /** Sends again what the satellite does not have [S-5]. */
  resend(from: number = this.received): void {
    for (const chunk of this.sent) {
      const isEmptyEnd = chunk.end === from && hasFlag(chunk, Flag.final);
      if (chunk.end > from || isEmptyEnd) this.end.sendBytes(chunk.frame);
    }
  }

  /** From where it can send again; the final chunk is kept until the end is safe [W-3]. */
  position(): WriterPosition {
    const first = this.sent.find((chunk) => chunk.end > this.safe || hasFlag(chunk, Flag.final));
    return { ref: this.ref, from: first?.offset ?? this.offset };
  }

  abort(reason?: string): void {
    this.end.send({ type: "abort", ref: this.ref, ...(reason !== undefined && { reason }) });
  }

  release(): void {
    this.end.send({ type: "release", ref: this.ref });
  }

  async untilSafe(offset: number = this.offset): Promise<void> {
    await this.end.until(`safe up to ${offset}, is ${this.safe}`, () => this.safe >= offset);
  }

  async untilEndSafe(): Promise<void> {
    await this.end.until(`the end of ${this.stream} safe`, () => this.isEndSafe);
  }

  async untilFailed(): Promise<ErrorMessage> {
    await this.end.until(`an error for writer ${this.ref}`, () => this.failure !== undefined);
    return this.failure as ErrorMessage;
  }

  take(message: SatelliteMessage): void {
    switch (message.type) {
      case "opened":
        if (this.stream !== 0 && this.stream !== message.stream) {
          this.end.breaches.push(
            `[C-3] writer ${this.ref} was opened as ${this.stream}, then as ${message.stream}`,
          );
        }
        this.stream = message.stream;
        this.received = message.received;
        this.#grow(message.safe, message.credit);
        break;
      case "ack":
        if (this.stream !== message.stream)
          this.end.breaches.push(`[W-4] an ack for a stream of somebody else`);
        this.#grow(message.offset, "credit" in message ? message.credit : 0);
        this.isEndSafe ||= message.end === true;
        break;
      case "taken":
        this.isTaken = true;
        break;
      case "pause":
        this.isPaused = true;
        break;
      case "continue":
        this.isPaused = false;
        break;
      case "error":
        this.failure = message;
        break;
      default:
        break;
    }
  }

  #grow(safe: number, credit: number): void {
    if (safe < this.safe) this.end.breaches.push(`[W-4] safe went back from ${this.safe} to ${safe}`);
    if (credit < this.credit) this.end.breaches.push(`[W-2] credit shrank from ${this.credit} to ${credit}`);
    if (safe > this.offset) this.end.breaches.push(`[W-4] ${safe} is safe, but only ${this.offset} was sent`);
    this.safe = safe;
    this.credit = credit;
  }
}
