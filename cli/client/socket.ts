import type { Socket as Channel } from "node:net";
import { type Block, Blocks } from "../../satellite/wire/blocks.ts";
import { type ErrorCode, errorTable, WireError } from "../../satellite/wire/errors.ts";
import { type Chunk, HEADER_BYTES } from "../../satellite/wire/frame.ts";
import { limits, SUBPROTOCOL } from "../../satellite/wire/limits.ts";
import { WebSocketPeer } from "../../satellite/wire/websocket.ts";
import { AnswerReader, refusalOf, requestText } from "../../satellite/wire/websocket-handshake.ts";
import { type Address, isOpen } from "./address.ts";
import { type Dialling, dial } from "./dial.ts";
import { acceptOf, handshakeKey, maskKeys } from "./nonce.ts";
import { reasonOf } from "./reasons.ts";

/** What a socket tells. After `closed` nothing follows. */
export interface SocketEvents {
  opened(): void;
  text(text: string): void;
  /** The frame is the receiver's, which holds its block; there are WS_HEADER_BYTES_MAX bytes before it. */
  frame(frame: Uint8Array, block: Block | null): void;
  /** A sign of life; `pong`: the number of the ping that was answered. */
  heard(pong?: number): void;
  /** What was sent has left the process. */
  written(): void;
  /** With `error`, trying again is of no use. */
  closed(reason: string, error?: WireError): void;
}

/** How long the other side has to answer a close. */
const CLOSE_MS = 1_000;
const MESSAGE_BYTES_MAX: number = Math.max(limits.controlBytesMax, limits.chunkBytesMax + HEADER_BYTES);

/** Where frames are put, of all sockets. */
const blocks = new Blocks();

const TOO_MANY = "it lets in only so many at a time, and too many connections or wrong tokens came from here";

/** A WebSocket to a satellite (PROTOCOL.md §2). */
export class Socket {
  /** Resolves when it is closed, or could not be opened. */
  readonly closed: Promise<void>;
  readonly #address: Address;
  readonly #events: SocketEvents;
  readonly #dialling: Dialling;
  #channel: Channel | null = null;
  /** Reads the answer to the handshake; `null` when it is there. */
  #answer: AnswerReader | null = new AnswerReader();
  /** What the satellite has to answer. */
  #accept = "";
  #peer: WebSocketPeer | null = null;
  #reason = "";
  #error: WireError | undefined;

  constructor(address: Address, token: string | undefined, events: SocketEvents) {
    this.#address = address;
    this.#events = events;
    this.#dialling = dial(address, (bytes) => this.#receive(bytes));
    this.closed = this.#open(token).catch((error: NodeJS.ErrnoException) => {
      this.#reason ||= reasonOf(error);
      if (error instanceof WireError) this.#error ??= error;
      events.closed(this.#reason, this.#error);
    });
  }

  /** What waits in the process. */
  get bufferedBytes(): number {
    return this.#peer?.waitingBytes ?? 0;
  }

  sendText(text: string): void {
    this.#peer?.sendText(text);
  }

  /** Takes over one hold of the chunk's block. */
  sendChunk(chunk: Chunk): void {
    this.#peer?.sendChunk(chunk);
  }

  ping(ping: number): void {
    this.#peer?.ping(Buffer.from(String(ping)));
  }

  /** Closes, after what was sent. */
  close(code: ErrorCode | "normal"): void {
    if (this.#peer === null) {
      this.destroy();
      return;
    }
    const number = code === "normal" ? null : errorTable[code].close;
    this.#peer.close({ code: number ?? 1000, reason: code });
    this.#limitClosing();
  }

  destroy(): void {
    this.#dialling.cancel();
    this.#channel?.destroy();
  }

  /** Resolves when it is closed again. */
  async #open(token: string | undefined): Promise<void> {
    const channel = await this.#dialling.channel;
    this.#channel = channel;
    channel.on("error", (error) => {
      this.#reason ||= reasonOf(error);
    });
    const { host, pathname } = new URL(this.#address.url);
    const key = handshakeKey();
    channel.write(requestText({ host, path: pathname, key, token })); // [T-1] [T-4]
    this.#accept = acceptOf(key); // while the answer is on its way
    await new Promise<void>((resolve) => void channel.once("close", () => resolve()));
    this.#peer = null;
    throw new Error("the connection was lost");
  }

  #receive(bytes: Uint8Array): void {
    if (this.#answer !== null) this.#readAnswer(this.#answer, bytes);
    else this.#peer?.receive(bytes);
  }

  #readAnswer(reader: AnswerReader, bytes: Uint8Array): void {
    const answer = reader.push(bytes);
    if (answer === null) return;
    if (typeof answer === "string") this.#refuse(answer);
    else if (answer.status !== 101) this.#refused(answer.status);
    else {
      const refusal = refusalOf(answer, this.#accept);
      if (refusal !== null) this.#refuse(refusal);
      else this.#begin(answer.rest);
    }
  }

  #refuse(reason: string): void {
    this.#reason = reason;
    this.#channel?.destroy();
  }

  #begin(rest: Uint8Array): void {
    if (this.#channel === null) return;
    this.#answer = null;
    this.#peer = new WebSocketPeer(
      {
        channel: this.#channel,
        messageBytesMax: MESSAGE_BYTES_MAX,
        later: (flush) => setImmediate(flush), // what several reads of stdin gave goes out together
        // Masks keep what is between from taking payload for protocol. Where nothing can be, zeros are as good.
        mask: isOpen(this.#address) ? maskKeys() : () => 0,
        blocks,
      },
      {
        text: (text) => this.#events.text(text),
        binary: (frame, block) => this.#events.frame(frame, block),
        pinged: () => this.#events.heard(),
        ponged: (payload) => this.#events.heard(Number(Buffer.from(payload).toString())),
        closed: ({ reason }) => {
          this.#reason ||= reason;
          this.#limitClosing();
        },
        refused: (error) => this.#breakOff(error),
        flushed: () => this.#events.written(),
      },
    );
    this.#events.opened();
    if (rest.length > 0) this.#receive(rest);
  }

  /** RFC 6455 is broken. */
  #breakOff(cause: WireError): void {
    this.#error = this.#defect(cause);
    this.#reason = cause.message;
    this.close(cause.code);
    this.#channel?.end();
  }

  /** The satellite ends the connection when both have closed. */
  #limitClosing(): void {
    const timer = setTimeout(() => this.destroy(), CLOSE_MS);
    void this.closed.then(() => clearTimeout(timer));
  }

  #defect(cause: WireError): WireError {
    return new WireError(
      "protocol",
      `What answers at ${this.#address.text} does not speak as a satellite does: ${cause.message}.`,
      { cause },
    );
  }

  #refused(status: number): void {
    this.#refuse(status === 429 ? TOO_MANY : `HTTP ${status}`);
    const where = `The satellite at ${this.#address.text}`;
    if (status === 401) {
      this.#error = new WireError("unauthorized", `${where} does not accept the token: check SKYPIPE_TOKEN.`);
    } else if (status === 403) {
      this.#error = new WireError("forbidden", `${where} does not answer to this name or token.`);
    } else if (status === 426) {
      this.#error = new WireError(
        "version",
        `What answers at ${this.#address.text} does not speak ${SUBPROTOCOL}: upgrade the older side.`,
      );
    }
  }
}
