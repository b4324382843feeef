/** One side of a WebSocket that is open (RFC 6455): messages and control frames, and how it closes. Pure but for its channel. */
import type { Blocks } from "./blocks.ts";
import { WireError } from "./errors.ts";
import type { Chunk } from "./frame.ts";
import { closePayload, Opcode, type WsClose } from "./websocket-frame.ts";
import { type Channel, Outbox } from "./websocket-outbox.ts";
import { type ControlEvents, type MessageEvents, WebSocketParser } from "./websocket-parser.ts";

/** What is gathered beyond this is sent without waiting for the end of the event. */
const GATHERED_BYTES_MAX = 256 * 1024;

/** Takes what came. The bytes are lent: they are others when it has returned, and what it has set off at once is over. */
export type TakeBytes = (bytes: Uint8Array) => void;

export interface WebSocketEvents extends MessageEvents {
  /** The other side has asked for a sign of life, which it got. */
  pinged(): void;
  /** The payload is lent. */
  ponged(payload: Uint8Array): void;
  /** The other side has closed, and has its answer: nothing more comes, and nothing can be sent. */
  closed(close: WsClose): void;
  /** What came breaks RFC 6455 or is too large: nothing more is read. */
  refused(error: WireError): void;
  /** The system has what was sent. */
  flushed(): void;
}

export interface WebSocketOptions {
  readonly channel: Channel;
  readonly messageBytesMax: number;
  /** Calls its argument when the event at hand has been dealt with. */
  readonly later: (flush: () => void) => void;
  /** A client's keys: 0 where nobody is between; `null`: this is the server. */
  readonly mask: (() => number) | null;
  /** Where binary messages are put. */
  readonly blocks: Blocks;
}

export class WebSocketPeer implements ControlEvents {
  readonly #later: (flush: () => void) => void;
  readonly #events: WebSocketEvents;
  readonly #parser: WebSocketParser;
  readonly #outbox: Outbox;
  #isScheduled = false;
  #hasClosed = false;

  constructor(options: WebSocketOptions, events: WebSocketEvents) {
    const { channel, messageBytesMax, later, mask, blocks } = options;
    this.#later = later;
    this.#events = events;
    this.#outbox = new Outbox(channel, mask, events);
    this.#parser = new WebSocketParser({ masked: mask === null, messageBytesMax, blocks }, events, this);
  }

  /** Bytes that were sent and that the system has not taken. */
  get waitingBytes(): number {
    return this.#outbox.waitingBytes;
  }

  /** Takes what came; it may be changed. Throws only what the events throw. */
  receive(bytes: Uint8Array): void {
    try {
      this.#parser.push(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#events.refused(error);
    }
  }

  /** What its parser tells, as the two below. */
  pinged(payload: Uint8Array): void {
    this.#control(Opcode.pong, payload);
    this.#events.pinged();
  }

  ponged(payload: Uint8Array): void {
    this.#events.ponged(payload);
  }

  closed(close: WsClose): void {
    this.close(close);
    this.#events.closed(close);
  }

  sendText(text: string): void {
    if (this.#hasClosed) return;
    this.#outbox.text(text);
    this.#schedule();
  }

  /** Sends the very bytes of the frame [F-4], and takes over one hold of its block. */
  sendChunk(chunk: Chunk): void {
    if (this.#hasClosed) {
      chunk.block?.letGo();
      return;
    }
    this.#outbox.chunk(chunk);
    this.#schedule();
  }

  ping(payload: Uint8Array): void {
    this.#control(Opcode.ping, payload);
  }

  /** Closes, after what was sent; what was said once stands. The other side has to answer. */
  close(close: WsClose): void {
    if (this.#hasClosed) return;
    this.#control(Opcode.close, closePayload(close));
    this.#hasClosed = true;
    this.flush();
  }

  /** Whether a close was sent. */
  get hasClosed(): boolean {
    return this.#hasClosed;
  }

  /** Sends what is gathered without waiting for the end of the event. */
  flush(): void {
    this.#isScheduled = false;
    this.#outbox.flush();
  }

  #control(opcode: Opcode, payload: Uint8Array): void {
    if (this.#hasClosed) return;
    this.#outbox.control(opcode, payload);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#outbox.gatheredBytes >= GATHERED_BYTES_MAX) this.flush();
    if (this.#isScheduled || this.#outbox.isEmpty) return;
    this.#isScheduled = true;
    this.#later(() => {
      if (this.#isScheduled) this.flush();
    });
  }
}
