import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { ConnectionId } from "../pipe/effects.ts";
import type { Block, Blocks } from "../wire/blocks.ts";
import { parseEndMessage } from "../wire/control.ts";
import { decodeChunk } from "../wire/decode.ts";
import { type ErrorCode, errorTable, WireError } from "../wire/errors.ts";
import { type Chunk, HEADER_BYTES } from "../wire/frame.ts";
import type { Limits } from "../wire/limits.ts";
import type { EndMessage, Hello, SatelliteMessage } from "../wire/messages.ts";
import type { Rights } from "../wire/rights.ts";
import { type WebSocketEvents, WebSocketPeer } from "../wire/websocket.ts";
import { WS_HEADER_BYTES_MAX } from "../wire/websocket-frame.ts";
import type { Exchange, Line } from "./exchange.ts";
import type { Gate, Visitor } from "./gate.ts";
import type { Log } from "./log.ts";
import { readInto } from "./read-into.ts";
import { Turnstile } from "./turnstile.ts";
import { Unacknowledged } from "./unacknowledged.ts";

/** A peer that asks on and on and reads nothing is cut when this many times `sendQueueBytesMax` waits for it. */
const OVERRUN_FACTOR = 64;
/** Pings without an answer after which the peer is lost [T-5]. */
const MISSED_MAX = 2;
/** How long a peer may take to close as well. */
const CLOSE_MS = 5_000;
const NOTHING = new Uint8Array(0);

/** Thousands of connections only wait: what all can share, none has for itself. */
const later = (flush: () => void): void => process.nextTick(flush);
const call = (take: () => Promise<void> | null): Promise<void> | null => take();

/** States of a connection (PROTOCOL.md §5). */
const State = { new: "new", ready: "ready", closing: "closing" } as const;
type State = (typeof State)[keyof typeof State];

export interface LineParts {
  readonly exchange: Exchange;
  readonly gate: Gate;
  readonly limits: Limits;
  readonly log: Log;
  /** Who has shaken hands. */
  readonly visitor: Visitor;
  /** Where frames are put. */
  readonly blocks: Blocks;
  /** Called once, when the socket is closed. */
  readonly onGone: () => void;
}

/** One WebSocket: messages and frames in, events out, and back. Whatever the peer does, nothing here throws. */
export class WebSocketLine implements Line, WebSocketEvents {
  readonly #peer: WebSocketPeer;
  readonly #socket: Socket;
  readonly #parts: LineParts;
  readonly #id: ConnectionId;
  #helloTimer: NodeJS.Timeout | undefined;
  readonly #beatTimer: NodeJS.Timeout;
  readonly #incoming: Unacknowledged = new Unacknowledged();
  readonly #outgoing: Unacknowledged = new Unacknowledged();
  /** What was said while it is found out who says it waits there. */
  readonly #turnstile: Turnstile<() => Promise<void> | null>;
  /** What its token allows; `null` before it has said hello. */
  #rights: Rights | null = null;
  #leaveGate: () => void = () => {};
  #state: State = State.new;
  /** The broker knows the connection and was not told that it is lost. */
  #isKnown = false;
  #isCongested = false;
  #closeTimer: NodeJS.Timeout | undefined;
  #sincePingMs = 0;
  #missed = 0;
  #heardBytes = 0;

  constructor(socket: Socket, parts: LineParts) {
    this.#socket = socket;
    this.#parts = parts;
    const { blocks, limits } = parts;
    const messageBytesMax = Math.max(limits.controlBytesMax, limits.chunkBytesMax + HEADER_BYTES);
    this.#peer = new WebSocketPeer({ channel: socket, messageBytesMax, later, mask: null, blocks }, this);
    this.#turnstile = new Turnstile(call, socket);
    this.#id = parts.exchange.open(this);
    const { helloMs, pingMs, pingBusyMs } = limits;
    this.#helloTimer = setTimeout(() => this.#helloIsLate(), helloMs);
    const beatMs = Math.min(pingMs, pingBusyMs);
    this.#beatTimer = setInterval(() => this.#beat(beatMs), beatMs);
    socket.setTimeout(0);
    socket.setNoDelay(true);
    socket.on("end", () => socket.end());
    socket.on("error", (error) => this.#logError(error));
    socket.on("close", this.#onClose);
    readInto(socket, (bytes) => this.receive(bytes));
  }

  text(text: string): void {
    this.#turnstile.push(() => this.#guard(() => this.#takeText(text)));
  }

  binary(frame: Uint8Array, block: Block | null): void {
    this.#turnstile.push(() => this.#guard(() => this.#takeFrame(frame, block)));
  }

  pinged(): void {
    if (this.#state === State.new) this.terminate(); // [S-1]
    this.#limitQueue();
  }

  ponged(): void {} // its bytes were heard

  closed(): void {
    this.#end("closed by the peer");
    this.#socket.end();
  }

  refused(error: WireError): void {
    this.#logError(error);
    this.fail(error);
    this.#socket.end();
  }

  flushed(): void {
    if (!this.#isCongested) return;
    if (this.#peer.waitingBytes * 2 >= this.#parts.limits.sendQueueBytesMax) return;
    this.#isCongested = false;
    if (this.#isKnown) this.#parts.exchange.post({ type: "drained", connection: this.#id });
  }

  /** Takes what came of it so far. */
  receive(bytes: Uint8Array): void {
    const startedMs = performance.now();
    this.#peer.receive(bytes);
    if (this.#rights !== null) this.#parts.gate.worked(performance.now() - startedMs, this.#rights); // [K-6]
  }

  send(message: SatelliteMessage): void {
    if (this.#state === State.closing) return;
    this.#note(message);
    this.#peer.sendText(JSON.stringify(message));
    this.#limitQueue();
  }

  forward(chunk: Chunk): void {
    if (this.#state === State.closing) {
      chunk.block?.letGo();
      return;
    }
    this.#outgoing.moved(chunk.stream, chunk.end);
    this.#peer.sendChunk(chunk);
    this.#limitQueue();
  }

  close(code: ErrorCode | "normal"): void {
    if (this.#state === State.closing) return;
    this.#end(code);
    if (code === "normal") this.#peer.close({ code: 1000, reason: "" });
    else this.#peer.close({ code: errorTable[code].close ?? errorTable.internal.close, reason: code }); // [E-1]
  }

  fail(error: WireError): void {
    this.send({ type: "error", code: error.code, message: error.message });
    this.close(error.code); // [E-1]
  }

  /** Closes it if it has not said hello: the broker, which would, does not know it. */
  closeIfNew(code: ErrorCode): void {
    if (this.#state === State.new) this.close(code);
  }

  terminate(): void {
    this.#socket.destroy();
  }

  /** What a peer does wrong costs its own connection. Resolves when the next may come; `null`: at once. */
  #guard(take: () => Promise<void> | void): Promise<void> | null {
    if (this.#state === State.closing) return null;
    try {
      return take()?.catch((error: unknown) => this.#broke(error)) ?? null;
    } catch (error) {
      this.#broke(error);
      return null;
    }
  }

  #broke(error: unknown): void {
    if (!(error instanceof WireError))
      this.#parts.log("error", "connection.defect", { error: String(error) });
    this.fail(error instanceof WireError ? error : new WireError("internal", "the satellite has a defect"));
  }

  /** The frame is ours, and so is one hold of its block, which goes on to whom the chunk is posted. */
  #takeFrame(frame: Uint8Array, block: Block | null): void {
    if (this.#state === State.new) throw new WireError("protocol", "the first message is hello"); // [S-1]
    const chunk = decodeChunk(frame, WS_HEADER_BYTES_MAX, block);
    this.#incoming.moved(chunk.stream, chunk.end);
    this.#parts.exchange.post({ type: "chunk", connection: this.#id, chunk });
  }

  #takeText(text: string): Promise<void> | void {
    const message = parseEndMessage(text);
    if (message === null) return; // [C-2]
    if (message.type === "hello") return this.#takeHello(message);
    this.#takeMessage(message);
  }

  #takeHello(message: Hello): Promise<void> | void {
    if (this.#state !== State.new) throw new WireError("protocol", "hello is said once, and first"); // [S-1]
    const { gate, visitor } = this.#parts;
    if (visitor.rights !== null) return this.#greet(message, visitor.rights);
    if (message.token === undefined) {
      throw new WireError("unauthorized", "this satellite wants a token: set SKYPIPE_TOKEN"); // [T-4]
    }
    return gate.identify(visitor, message.token).then(({ rights }) => this.#greet(message, rights));
  }

  #greet(message: Hello, rights: Rights): void {
    if (this.#state !== State.new) return; // it has gone meanwhile
    const { exchange, gate, log, visitor } = this.#parts;
    clearTimeout(this.#helloTimer);
    this.#helloTimer = undefined;
    this.#rights = rights;
    this.#leaveGate = gate.enter(rights, this.#socket);
    this.#state = State.ready;
    this.#isKnown = true;
    const share = rights.scope === null ? {} : { share: rights.scope.share };
    log("info", "connection.open", { connection: this.#id, remote: visitor.address ?? "local", ...share });
    const secret = randomBytes(16).toString("base64url"); // [S-2]
    exchange.post({ type: "hello", connection: this.#id, message, rights, secret });
  }

  #takeMessage(message: Exclude<EndMessage, Hello>): void {
    if (this.#state === State.new) throw new WireError("protocol", "the first message is hello"); // [S-1]
    if (message.type === "ack") this.#outgoing.acked(message.stream, message.offset, message.end);
    else if (message.type === "release" || message.type === "abort") this.#incoming.over(message.ref);
    else if (message.type === "leave") this.#outgoing.over(message.ref);
    this.#parts.exchange.post({ type: "message", connection: this.#id, message });
  }

  /** Keeps the books that decide how often to ping. */
  #note(message: SatelliteMessage): void {
    if (message.type === "ack") this.#incoming.acked(message.stream, message.offset, message.end);
    else if (message.type === "opened") this.#incoming.begin(message.ref, message.stream);
    else if (message.type === "stream") this.#outgoing.begin(message.ref, message.stream);
    else if (message.type === "done" || message.type === "error") {
      if (message.ref === undefined) return;
      this.#incoming.over(message.ref);
      this.#outgoing.over(message.ref);
    }
  }

  /** A peer that does not read what it gets is told of to the broker, and cut if it asks for more all the same. */
  #limitQueue(): void {
    const { sendQueueBytesMax } = this.#parts.limits;
    const { waitingBytes } = this.#peer;
    if (waitingBytes <= sendQueueBytesMax) return;
    if (!this.#isCongested) {
      this.#isCongested = true;
      if (this.#isKnown) this.#parts.exchange.post({ type: "congested", connection: this.#id });
    } else if (waitingBytes > sendQueueBytesMax * OVERRUN_FACTOR) {
      this.#parts.log("warn", "connection.overrun", { connection: this.#id, waitingBytes });
      this.terminate();
    }
  }

  #helloIsLate(): void {
    this.fail(new WireError("timeout", `no hello within ${this.#parts.limits.helloMs} ms`));
  }

  /** [T-5] */
  #beat(beatMs: number): void {
    const { pingMs, pingBusyMs } = this.#parts.limits;
    const isBusy = !this.#incoming.isEmpty() || !this.#outgoing.isEmpty();
    this.#sincePingMs += beatMs;
    if (this.#sincePingMs < (isBusy ? pingBusyMs : pingMs)) return;
    this.#sincePingMs = 0;
    // Any byte is a sign of life, also of a long message that is not complete yet.
    if (this.#socket.bytesRead !== this.#heardBytes) this.#missed = 0;
    this.#heardBytes = this.#socket.bytesRead;
    if (this.#missed >= MISSED_MAX) {
      this.#parts.log("warn", "connection.silent", { connection: this.#id });
      this.terminate();
      return;
    }
    this.#missed++;
    this.#peer.ping(NOTHING);
  }

  readonly #onClose = (): void => {
    this.#end("lost");
    this.#leaveGate();
    clearTimeout(this.#closeTimer);
    this.#parts.exchange.forget(this.#id);
    this.#parts.onGone();
  };

  /** From now on nothing is sent, what comes is ignored, and the broker knows. */
  #end(why: string): void {
    if (this.#state === State.closing) return;
    this.#state = State.closing;
    clearTimeout(this.#helloTimer);
    clearInterval(this.#beatTimer);
    this.#closeTimer = setTimeout(() => this.terminate(), CLOSE_MS);
    if (!this.#isKnown) return;
    this.#isKnown = false;
    this.#parts.log("info", "connection.close", { connection: this.#id, why });
    this.#parts.exchange.post({ type: "lost", connection: this.#id });
  }

  /** What strangers do wrong is counted at the gate. */
  #logError(error: Error): void {
    if (this.#isKnown)
      this.#parts.log("info", "connection.error", { connection: this.#id, error: error.message });
  }
}
