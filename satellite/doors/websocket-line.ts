import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import type { ConnectionId } from "../pipe/effects.ts";
import { parseEndMessage } from "../wire/control.ts";
import { decodeChunk } from "../wire/decode.ts";
import { type ErrorCode, errorTable, WireError } from "../wire/errors.ts";
import type { Chunk } from "../wire/frame.ts";
import type { Limits } from "../wire/limits.ts";
import type { EndMessage, Hello, SatelliteMessage } from "../wire/messages.ts";
import { isGuarded, type Rights } from "../wire/rights.ts";
import type { Exchange, Line } from "./exchange.ts";
import type { Gate, Visitor } from "./gate.ts";
import type { Log } from "./log.ts";
import { Turnstile } from "./turnstile.ts";
import { Unacknowledged } from "./unacknowledged.ts";

/** A peer that asks on and on and reads nothing is cut when this many times `sendQueueBytesMax` waits for it. */
const OVERRUN_FACTOR = 64;
/** Pings without an answer after which the peer is lost [T-5]. */
const MISSED_MAX = 2;

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
  /** Called once, when the socket is closed. */
  readonly onGone: () => void;
}

interface Incoming {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** One WebSocket: messages and frames in, events out, and back. Whatever the peer does, nothing here throws. */
export class WebSocketLine implements Line {
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #parts: LineParts;
  readonly #id: ConnectionId;
  readonly #helloTimer: NodeJS.Timeout;
  readonly #beatTimer: NodeJS.Timeout;
  readonly #incoming: Unacknowledged = new Unacknowledged();
  readonly #outgoing: Unacknowledged = new Unacknowledged();
  readonly #turnstile: Turnstile<Incoming>;
  /** What its token allows; `null` before it has said hello. */
  #rights: Rights | null = null;
  #state: State = State.new;
  /** The broker knows the connection and was not told that it is lost. */
  #isKnown = false;
  #isCorked = false;
  #isCongested = false;
  #sincePingMs = 0;
  #missed = 0;
  #heardBytes = 0;

  constructor(ws: WebSocket, socket: Socket, parts: LineParts) {
    this.#ws = ws;
    this.#socket = socket;
    this.#parts = parts;
    this.#id = parts.exchange.open(this);
    const { helloMs, pingMs, pingBusyMs } = parts.limits;
    this.#helloTimer = setTimeout(this.#helloIsLate, helloMs);
    const beatMs = Math.min(pingMs, pingBusyMs);
    this.#beatTimer = setInterval(() => this.#beat(beatMs), beatMs);
    this.#turnstile = new Turnstile((message) => this.#take(message), ws);
    ws.on("message", this.#onMessage);
    ws.on("error", this.#onError);
    ws.on("close", this.#onClose);
  }

  send(message: SatelliteMessage): void {
    if (this.#state === State.closing) return;
    this.#note(message);
    this.#write(JSON.stringify(message), false);
  }

  forward(chunk: Chunk): void {
    if (this.#state === State.closing) return;
    this.#outgoing.moved(chunk.stream, chunk.end);
    this.#write(chunk.frame, true);
  }

  close(code: ErrorCode | "normal"): void {
    if (this.#state === State.closing) return;
    this.#end(code);
    if (code === "normal") this.#ws.close(1000);
    else this.#ws.close(errorTable[code].close ?? errorTable.internal.close, code); // [E-1]
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
    this.#ws.terminate();
  }

  readonly #onMessage = (data: RawData, isBinary: boolean): void => {
    // The binary type is `nodebuffer`: a message is one Buffer, however it was fragmented [T-2].
    this.#turnstile.push({ data: data as Buffer, isBinary });
  };

  /** Resolves when the next one may come; `null`: at once. */
  #take({ data, isBinary }: Incoming): Promise<void> | null {
    if (this.#state === State.closing) return null;
    try {
      const later = isBinary ? this.#takeFrame(data) : this.#takeText(data);
      return later?.catch((error: unknown) => this.#broke(error)) ?? null;
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

  #takeFrame(frame: Buffer): null {
    if (this.#state === State.new) throw new WireError("protocol", "the first message is hello"); // [S-1]
    const chunk = decodeChunk(frame);
    this.#incoming.moved(chunk.stream, chunk.end);
    this.#parts.exchange.post({ type: "chunk", connection: this.#id, chunk });
    return null;
  }

  #takeText(text: Buffer): Promise<void> | null {
    const message = parseEndMessage(text.toString());
    if (message === null) return null; // [C-2]
    if (message.type !== "hello") return this.#takeMessage(message);
    if (this.#state !== State.new) throw new WireError("protocol", "hello is said once, and first"); // [S-1]
    const { gate, visitor } = this.#parts;
    if (visitor.rights !== null) {
      this.#greet(message, visitor.rights);
      return null;
    }
    if (message.token === undefined) {
      throw new WireError("unauthorized", "this satellite wants a token: set SKYPIPE_TOKEN"); // [T-4]
    }
    return gate.identify(visitor, message.token).then(({ rights }) => this.#greet(message, rights));
  }

  #greet(message: Hello, rights: Rights): void {
    if (this.#state !== State.new) return; // it has gone meanwhile
    const { exchange, log, visitor } = this.#parts;
    clearTimeout(this.#helloTimer);
    this.#rights = rights;
    this.#state = State.ready;
    this.#isKnown = true;
    log("info", "connection.open", {
      connection: this.#id,
      remote: visitor.address ?? "local",
      ...(rights.scope !== null && { share: rights.scope.share }),
    });
    const secret = randomBytes(16).toString("base64url"); // [S-2]
    exchange.post({ type: "hello", connection: this.#id, message, rights, secret });
  }

  #takeMessage(message: Exclude<EndMessage, Hello>): Promise<void> | null {
    if (this.#rights === null) throw new WireError("protocol", "the first message is hello"); // [S-1]
    const turn = isGuarded(message.type) ? this.#parts.gate.turn(this.#rights) : null; // [K-6]
    if (turn !== null) return turn.then(() => this.#post(message));
    this.#post(message);
    return null;
  }

  #post(message: Exclude<EndMessage, Hello>): void {
    if (this.#state !== State.ready) return;
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

  /** What one event, or one read of a socket, makes the satellite send goes out in one system call. */
  #write(data: string | Uint8Array, binary: boolean): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(this.#uncork);
    }
    this.#ws.send(data, { binary }, this.#onSent);
    const { sendQueueBytesMax } = this.#parts.limits;
    const waitingBytes = this.#ws.bufferedAmount;
    if (waitingBytes <= sendQueueBytesMax) return;
    if (!this.#isCongested) {
      this.#isCongested = true;
      if (this.#isKnown) this.#parts.exchange.post({ type: "congested", connection: this.#id });
    } else if (waitingBytes > sendQueueBytesMax * OVERRUN_FACTOR) {
      this.#parts.log("warn", "connection.overrun", { connection: this.#id, waitingBytes });
      this.terminate();
    }
  }

  readonly #uncork = (): void => {
    this.#isCorked = false;
    this.#socket.uncork();
  };

  readonly #onSent = (error?: Error): void => {
    if (error || !this.#isCongested) return;
    if (this.#ws.bufferedAmount * 2 >= this.#parts.limits.sendQueueBytesMax) return;
    this.#isCongested = false;
    if (this.#isKnown) this.#parts.exchange.post({ type: "drained", connection: this.#id });
  };

  readonly #helloIsLate = (): void => {
    this.fail(new WireError("timeout", `no hello within ${this.#parts.limits.helloMs} ms`));
  };

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
    this.#ws.ping(undefined, false, this.#onSent);
  }

  /** A broken WebSocket frame, or a socket that failed. ws closes by itself. */
  readonly #onError = (error: Error): void => {
    if (this.#isKnown) {
      this.#parts.log("info", "connection.error", { connection: this.#id, error: error.message });
    }
    this.#end("protocol");
  };

  readonly #onClose = (): void => {
    this.#end("lost");
    clearInterval(this.#beatTimer);
    this.#parts.exchange.forget(this.#id);
    this.#parts.onGone();
  };

  /** From now on nothing is sent, what comes is ignored, and the broker knows. */
  #end(why: string): void {
    if (this.#state === State.closing) return;
    this.#state = State.closing;
    clearTimeout(this.#helloTimer);
    clearInterval(this.#beatTimer);
    if (!this.#isKnown) return;
    this.#isKnown = false;
    this.#parts.log("info", "connection.close", { connection: this.#id, why });
    this.#parts.exchange.post({ type: "lost", connection: this.#id });
  }
}
