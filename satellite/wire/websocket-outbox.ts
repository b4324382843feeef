/** Gathers what goes out on a WebSocket, so that what one event sets off is one system call. */
import type { Block } from "./blocks.ts";
import type { Chunk } from "./frame.ts";
import {
  applyMask,
  copyMasked,
  type Mask,
  Opcode,
  WS_HEADER_BYTES_MAX,
  writeWsHeader,
  wsHeaderBytes,
} from "./websocket-frame.ts";

/** What a socket of Node has, as far as it is needed here. */
export interface Channel {
  readonly writableLength: number;
  cork(): void;
  uncork(): void;
  write(bytes: Uint8Array, written?: (error?: Error | null) => void): unknown;
}

/** Up to this size a piece is copied beside others: that is cheaper than one more piece in a write. */
const JOINED_BYTES_MAX = 4 * 1024;
const SCRATCH_BYTES = 64 * 1024;

/**
 * Where pieces are put side by side. All share it. What the system takes at once, as it nearly always does, leaves its
 * place free; what it does not is read from there later, and the next pieces go behind it.
 */
let scratch: Uint8Array = new Uint8Array(0);
let scratchUsed = 0;
const encoder = new TextEncoder();

type Piece = Uint8Array | string;

export class Outbox {
  readonly #channel: Channel;
  readonly #mask: (() => number) | null;
  readonly #events: { flushed(): void };
  #pieces: Piece[] = [];
  #blocks: Block[] = [];
  #bytes = 0;

  /**
   * @param mask gives a key for each frame of a client; `null` for a server
   * @param events `flushed`: the system has what was sent
   */
  constructor(channel: Channel, mask: (() => number) | null, events: { flushed(): void }) {
    this.#channel = channel;
    this.#mask = mask;
    this.#events = events;
  }

  /** What the system has not taken. */
  get waitingBytes(): number {
    return this.#bytes + this.#channel.writableLength;
  }

  /** What of that waits for `flush`, headers left out. */
  get gatheredBytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  text(text: string): void {
    this.#pieces.push(text);
    this.#bytes += text.length;
  }

  control(opcode: Opcode, payload: Uint8Array): void {
    const mask = this.#nextMask();
    const frame = new Uint8Array(wsHeaderBytes(payload.length, mask) + payload.length);
    copyMasked(payload, frame, writeWsHeader(frame, 0, opcode, payload.length, mask), mask ?? 0, 0);
    this.#add(frame);
  }

  /** A chunk's frame. Takes over one hold of its block, until the system has it. */
  chunk(chunk: Chunk): void {
    const mask = this.#nextMask();
    if (chunk.room < WS_HEADER_BYTES_MAX || (mask ?? 0) !== 0) this.#addCopy(chunk.frame, mask);
    else {
      // For all its readers the same bytes, in the room before the frame [F-4].
      chunk.encoded ??= encodeInPlace(chunk.frame, mask);
      this.#add(chunk.encoded);
    }
    if (chunk.block !== null) this.#blocks.push(chunk.block);
  }

  /** Hands everything to the system. */
  flush(): void {
    if (this.#pieces.length === 0) return;
    const usedBefore = scratchUsed;
    const scratchBefore = scratch;
    const writes = this.#laidOut();
    const blocks = this.#blocks;
    this.#blocks = [];
    this.#bytes = 0;
    const written = (): void => {
      for (const block of blocks) block.letGo();
      this.#events.flushed();
    };
    const channel = this.#channel;
    const last = writes.length - 1;
    if (last > 0) channel.cork();
    for (let index = 0; index < last; index++) channel.write(writes[index] as Uint8Array);
    channel.write(writes[last] as Uint8Array, written);
    if (last > 0) channel.uncork();
    if (channel.writableLength === 0) scratchUsed = scratch === scratchBefore ? usedBefore : 0;
  }

  #nextMask(): Mask {
    return this.#mask === null ? null : this.#mask();
  }

  #add(frame: Uint8Array): void {
    this.#pieces.push(frame);
    this.#bytes += frame.length;
  }

  #addCopy(payload: Uint8Array, mask: Mask): void {
    const headerBytes = wsHeaderBytes(payload.length, mask);
    const isCopied = payload.length <= JOINED_BYTES_MAX || (mask ?? 0) !== 0;
    const head = new Uint8Array(headerBytes + (isCopied ? payload.length : 0));
    writeWsHeader(head, 0, Opcode.binary, payload.length, mask);
    if (isCopied) copyMasked(payload, head, headerBytes, mask ?? 0, 0);
    this.#add(head);
    if (!isCopied) this.#add(payload);
  }

  /** The pieces as buffers, small ones side by side. */
  #laidOut(): Uint8Array[] {
    const writes: Uint8Array[] = [];
    let from = scratchUsed;
    let to = from;
    const cut = (): void => {
      if (to > from) writes.push(scratch.subarray(from, to));
      from = to;
    };
    for (const piece of this.#pieces) {
      const boundBytes = typeof piece === "string" ? WS_HEADER_BYTES_MAX + piece.length * 3 : piece.length;
      const isJoined = boundBytes <= JOINED_BYTES_MAX;
      if (isJoined && to + boundBytes > scratch.length) {
        cut();
        scratch = new Uint8Array(SCRATCH_BYTES);
        from = 0;
        to = 0;
      }
      if (isJoined) {
        if (typeof piece === "string") to = this.#encodeText(piece, to);
        else {
          scratch.set(piece, to);
          to += piece.length;
        }
      } else {
        cut();
        writes.push(typeof piece === "string" ? this.#encodeLongText(piece) : piece);
      }
    }
    cut();
    scratchUsed = to;
    this.#pieces = [];
    return writes;
  }

  /** Encodes into `scratch`, which has room for it; returns where it ends. */
  #encodeText(text: string, at: number): number {
    const mask = this.#nextMask();
    const guessed = at + wsHeaderBytes(text.length, mask);
    const { written } = encoder.encodeInto(text, scratch.subarray(guessed));
    const start = at + wsHeaderBytes(written, mask);
    if (start !== guessed) scratch.copyWithin(start, guessed, guessed + written);
    writeWsHeader(scratch, at, Opcode.text, written, mask);
    applyMask(scratch, start, written, mask ?? 0, 0);
    return start + written;
  }

  #encodeLongText(text: string): Uint8Array {
    const mask = this.#nextMask();
    const payload = encoder.encode(text);
    const headerBytes = wsHeaderBytes(payload.length, mask);
    const frame = new Uint8Array(headerBytes + payload.length);
    writeWsHeader(frame, 0, Opcode.text, payload.length, mask);
    copyMasked(payload, frame, headerBytes, mask ?? 0, 0);
    return frame;
  }
}

function encodeInPlace(payload: Uint8Array, mask: Mask): Uint8Array {
  const headerBytes = wsHeaderBytes(payload.length, mask);
  const start = payload.byteOffset - headerBytes;
  const frame = new Uint8Array(payload.buffer, start, headerBytes + payload.length);
  writeWsHeader(frame, 0, Opcode.binary, payload.length, mask);
  return frame;
}
