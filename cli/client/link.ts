import { parseSatelliteMessage } from "../../satellite/wire/control.ts";
import { decodeChunk } from "../../satellite/wire/decode.ts";
import { type ErrorCode, WireError } from "../../satellite/wire/errors.ts";
import type { Chunk } from "../../satellite/wire/frame.ts";
import type { Welcome } from "../../satellite/wire/messages.ts";
import { WS_HEADER_BYTES_MAX } from "../../satellite/wire/websocket-frame.ts";
import type { Address } from "./address.ts";
import type { ConnectionId, Notice, SessionEffect, SessionEvent, SessionOptions } from "./effects.ts";
import { Session } from "./session.ts";
import { Socket } from "./socket.ts";

/** What happens to a link as a whole. */
export interface LinkEvents {
  connected(welcome: Welcome, again: boolean): void;
  disconnected(reason: string): void;
  goaway(reason: string): void;
  /** The session is over, and everything in it has failed with this. */
  broken(error: WireError): void;
}

export interface LinkOptions extends Pick<SessionOptions, "software" | "connectTimeoutMs"> {
  address: Address;
  token: string | undefined;
}

/** What may still wait in the socket when more is sent to it. */
const LOW_WATER_BYTES = 256 * 1024;

/** A session with the sockets, the clock and the chance that it needs. */
export class Link {
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  readonly #session: Session;
  readonly #listeners = new Map<number, (notice: Notice) => void>();
  #lastRef = 0;
  #socket: Socket | null = null;
  #connection: ConnectionId = 0;
  #isWatching = false;
  #timer: NodeJS.Timeout | undefined;
  /** Events that came while the effects of another were carried out. */
  #waiting: SessionEvent[] = [];
  #isRunning = false;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    const { address, software, connectTimeoutMs } = options;
    this.#session = new Session({ software, connectTimeoutMs, address: address.text, random: Math.random });
    this.dispatch({ type: "start" });
  }

  /** A number for a new writer, reader or question, whose notices go to `listener`. */
  listen(listener: (notice: Notice) => void): number {
    const ref = ++this.#lastRef;
    this.#listeners.set(ref, listener);
    return ref;
  }

  /** Tells no more of it. */
  ignore(ref: number): void {
    this.#listeners.delete(ref);
  }

  dispatch(event: SessionEvent): void {
    this.#waiting.push(event);
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        for (const effect of this.#session.handle(next, performance.now())) this.#carryOut(effect);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** Says bye. Resolves when the connection is closed. */
  async close(): Promise<void> {
    const socket = this.#socket;
    this.dispatch({ type: "close" });
    await socket?.closed;
  }

  #carryOut(effect: SessionEffect): void {
    switch (effect.type) {
      case "connect":
        this.#connect(effect.connection);
        break;
      case "send":
        this.#present(effect.connection)?.sendText(JSON.stringify(effect.message));
        break;
      case "forward":
        this.#forward(effect.connection, effect.chunk);
        break;
      case "ping":
        this.#present(effect.connection)?.ping(effect.ping);
        break;
      case "watch":
        this.#isWatching = true;
        this.#checkDrained();
        break;
      case "close":
        this.#close(effect.connection, effect.code);
        break;
      case "wake":
        this.#wake(effect.atMs);
        break;
      case "connected":
        this.#events.connected(effect.welcome, effect.again);
        break;
      case "disconnected":
        this.#events.disconnected(effect.reason);
        break;
      case "goaway":
        this.#events.goaway(effect.reason);
        break;
      case "broken":
        this.#events.broken(effect.error);
        break;
      case "notice":
        this.#tell(effect.notice);
        break;
    }
  }

  #forward(connection: ConnectionId, chunk: Chunk): void {
    const socket = this.#present(connection);
    if (socket === null) return;
    chunk.block?.hold();
    socket.sendChunk(chunk);
  }

  #tell(notice: Notice): void {
    const listener = this.#listeners.get(notice.ref);
    if (OUTCOMES.has(notice.type)) this.#listeners.delete(notice.ref);
    listener?.(notice);
  }

  #connect(connection: ConnectionId): void {
    const { address, token } = this.#options;
    this.#connection = connection;
    this.#isWatching = false;
    this.#socket = new Socket(address, token, {
      opened: () => this.dispatch({ type: "connected", connection }),
      text: (text) => this.#received(connection, () => this.#message(connection, text)),
      frame: (frame, block) =>
        this.#received(connection, () => {
          const chunk = decodeChunk(frame, WS_HEADER_BYTES_MAX, block);
          return { type: "chunk", connection, chunk };
        }),
      heard: (pong) => this.dispatch({ type: "heard", connection, ...(pong !== undefined && { pong }) }),
      written: () => {
        if (this.#isWatching) this.#checkDrained();
      },
      closed: (reason, error) => {
        this.dispatch({ type: "lost", connection, reason, ...(error && { error }) });
      },
    });
  }

  #message(connection: ConnectionId, text: string): SessionEvent {
    const message = parseSatelliteMessage(text);
    return message === null ? { type: "heard", connection } : { type: "message", connection, message }; // [C-2]
  }

  /** What cannot be read ends the session: the satellite is not one, or is broken [C-1] [F-1]. */
  #received(connection: ConnectionId, read: () => SessionEvent): void {
    let event: SessionEvent;
    try {
      event = read();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      event = { type: "lost", connection, reason: error.message, error };
    }
    this.dispatch(event);
  }

  #present(connection: ConnectionId): Socket | null {
    return connection === this.#connection ? this.#socket : null;
  }

  #close(connection: ConnectionId, code: ErrorCode | "normal" | "lost"): void {
    const socket = this.#present(connection);
    this.#socket = null;
    if (code === "lost") socket?.destroy();
    else socket?.close(code);
  }

  #checkDrained(): void {
    if (this.#socket === null || this.#socket.bufferedBytes > LOW_WATER_BYTES) return;
    this.#isWatching = false;
    this.dispatch({ type: "drained", connection: this.#connection });
  }

  #wake(atMs: number | null): void {
    clearTimeout(this.#timer);
    if (atMs === null) return;
    this.#timer = setTimeout(
      () => this.dispatch({ type: "tick" }),
      Math.max(0, Math.ceil(atMs - performance.now())),
    );
  }
}

const OUTCOMES: ReadonlySet<Notice["type"]> = new Set<Notice["type"]>([
  "finished",
  "done",
  "answered",
  "failed",
]);
