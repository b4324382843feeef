/** Takes the bytes that a WebSocket brings apart, however they are split (RFC 6455 §5). */
import type { Block, Blocks } from "./blocks.ts";
import { WireError } from "./errors.ts";
import {
  applyMask,
  broken,
  copyMasked,
  Opcode,
  readClose,
  readUtf8,
  readWsHeader,
  WS_HEADER_BYTES_MAX,
  type WsClose,
  type WsHeader,
  wsHeaderBytesOf,
} from "./websocket-frame.ts";

export interface MessageEvents {
  text(text: string): void;
  /** A binary message, in memory that is the receiver's, with WS_HEADER_BYTES_MAX bytes before it. It holds the block. */
  binary(message: Uint8Array, block: Block | null): void;
}

export interface ControlEvents {
  /** The other side asks for a sign of life. The payload is lent. */
  pinged(payload: Uint8Array): void;
  ponged(payload: Uint8Array): void;
  /** Nothing follows. */
  closed(close: WsClose): void;
}

export interface ParserOptions {
  /** Whether the other side has to mask, as a client has to; else it must not. */
  readonly masked: boolean;
  /** Of one message, however it is fragmented. */
  readonly messageBytesMax: number;
  /** Where binary messages are put. */
  readonly blocks: Blocks;
}

const NOTHING = new Uint8Array(0);
const GROWTH_BYTES_MIN = 512;
/** Where headers are read that come whole, as nearly all do. */
const sharedHead = new Uint8Array(WS_HEADER_BYTES_MAX);
/** More than this is not kept for the next message of a connection that may be at rest. */
const KEPT_BYTES_MAX = 4 * 1024;

export class WebSocketParser {
  readonly #options: ParserOptions;
  readonly #messages: MessageEvents;
  readonly #control: ControlEvents;
  /** Of a header that has come in part; `null` while none has. */
  #head: Uint8Array | null = null;
  #headBytes = 0;
  /** Of the frame whose payload is being read. */
  #header: WsHeader | null = null;
  #filled = 0;
  /** Where its payload goes, from `#from` on; none while it may still be taken as it lies. */
  #target: Uint8Array = NOTHING;
  #from = 0;
  #block: Block | null = null;
  /** The kind of the message of which a fragment has come. */
  #fragmented: Opcode | null = null;
  #fragmentsBytes = 0;
  /** Where fragments are put together, and texts that come in several pieces. */
  #assembly: Uint8Array = NOTHING;
  #isOver = false;

  constructor(options: ParserOptions, messages: MessageEvents, control: ControlEvents) {
    this.#options = options;
    this.#messages = messages;
    this.#control = control;
  }

  /** Whether nothing more is read: the other side has closed, or what it sent was refused. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** From now on nothing is read. */
  stop(): void {
    this.#isOver = true;
  }

  /**
   * Takes the next bytes, which may be changed.
   *
   * @throws WireError `protocol` or `too-large`; nothing is read after that
   */
  push(bytes: Uint8Array): void {
    try {
      let at = 0;
      while (at < bytes.length && !this.#isOver) {
        at = this.#header === null ? this.#readHead(bytes, at) : this.#readPayload(bytes, at, this.#header);
      }
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
  }

  #readHead(bytes: Uint8Array, from: number): number {
    const head = this.#head ?? sharedHead;
    let at = from;
    let wanted = wsHeaderBytesOf(head, this.#headBytes);
    while (this.#headBytes < wanted) {
      if (at === bytes.length) {
        this.#head ??= head.slice();
        return at;
      }
      head[this.#headBytes++] = bytes[at++] as number;
      if (this.#headBytes === 2) wanted = wsHeaderBytesOf(head, 2);
    }
    this.#head = null;
    this.#headBytes = 0;
    const header = readWsHeader(head);
    this.#begin(header);
    if (header.payloadBytes === 0) this.#finish(header, NOTHING);
    else this.#header = header;
    return at;
  }

  /** Refuses what may not come now, before a byte of it is read. */
  #begin({ isFinal, opcode, mask, payloadBytes }: WsHeader): void {
    if ((mask !== null) !== this.#options.masked) {
      throw broken(mask === null ? "a client's frame is not masked" : "a server's frame is masked");
    }
    this.#filled = 0;
    this.#target = NOTHING;
    if (opcode >= Opcode.close) return;
    if ((opcode === Opcode.continuation) !== (this.#fragmented !== null)) {
      throw broken(
        this.#fragmented === null ? "a continuation of nothing" : "a message begins inside another",
      );
    }
    if (this.#fragmentsBytes + payloadBytes > this.#options.messageBytesMax) {
      throw new WireError("too-large", "a message is above the limit of its kind");
    }
    if (opcode === Opcode.continuation) this.#grow(payloadBytes);
    else if (!isFinal) {
      this.#fragmented = opcode;
      this.#grow(payloadBytes);
    }
  }

  /** Fragments are put together in one place. */
  #grow(moreBytes: number): void {
    const bytes = this.#fragmentsBytes + moreBytes;
    if (bytes > this.#assembly.length) {
      const larger = new Uint8Array(Math.max(bytes, this.#assembly.length * 2, GROWTH_BYTES_MIN));
      larger.set(this.#assembly.subarray(0, this.#fragmentsBytes));
      this.#assembly = larger;
    }
    this.#target = this.#assembly;
    this.#from = this.#fragmentsBytes;
    this.#fragmentsBytes = bytes;
  }

  #readPayload(bytes: Uint8Array, at: number, header: WsHeader): number {
    const { payloadBytes, opcode } = header;
    const mask = header.mask ?? 0;
    const count = Math.min(payloadBytes - this.#filled, bytes.length - at);
    if (this.#target.length === 0) {
      const isWhole = count === payloadBytes;
      if (isWhole && opcode !== Opcode.binary) {
        applyMask(bytes, at, count, mask, 0);
        this.#header = null;
        this.#finish(header, bytes.subarray(at, at + count));
        return at + count;
      }
      this.#makeTarget(opcode, payloadBytes);
    }
    copyMasked(bytes.subarray(at, at + count), this.#target, this.#from + this.#filled, mask, this.#filled);
    this.#filled += count;
    if (this.#filled === payloadBytes) {
      this.#header = null;
      this.#finish(header, this.#target.subarray(this.#from, this.#from + payloadBytes));
    }
    return at + count;
  }

  #makeTarget(opcode: Opcode, payloadBytes: number): void {
    this.#from = 0;
    if (opcode >= Opcode.close) {
      this.#target = new Uint8Array(payloadBytes);
    } else if (opcode === Opcode.binary) {
      const { frame, block } = this.#options.blocks.place(payloadBytes);
      this.#target = frame;
      this.#block = block;
    } else {
      this.#grow(payloadBytes);
      this.#fragmentsBytes = 0;
    }
  }

  #finish({ opcode, isFinal }: WsHeader, payload: Uint8Array): void {
    switch (opcode) {
      case Opcode.close:
        this.#isOver = true;
        this.#control.closed(readClose(payload));
        break;
      case Opcode.ping:
        this.#control.pinged(payload);
        break;
      case Opcode.pong:
        this.#control.ponged(payload);
        break;
      case Opcode.text:
      case Opcode.binary:
        if (isFinal) this.#tell(opcode, payload);
        break;
      case Opcode.continuation:
        if (isFinal) this.#tellFragmented();
    }
  }

  #tell(kind: Opcode, message: Uint8Array): void {
    const block = this.#block;
    this.#block = null;
    if (kind === Opcode.binary) this.#messages.binary(message, block);
    else this.#messages.text(readUtf8(message));
    if (this.#assembly.length > KEPT_BYTES_MAX) this.#assembly = NOTHING;
  }

  #tellFragmented(): void {
    const kind = this.#fragmented as Opcode;
    let message = this.#assembly.subarray(0, this.#fragmentsBytes);
    this.#fragmented = null;
    this.#fragmentsBytes = 0;
    if (kind === Opcode.binary) {
      const { frame, block } = this.#options.blocks.place(message.length);
      frame.set(message);
      message = frame;
      this.#block = block;
    }
    this.#tell(kind, message);
  }
}
