import type { IncomingMessage } from "node:http";
import type net from "node:net";
import { type ClientOptions, type RawData, WebSocket } from "ws";
import { type ErrorCode, errorTable, WireError } from "../../satellite/wire/errors.ts";
import { HEADER_BYTES } from "../../satellite/wire/frame.ts";
import { limits, SUBPROTOCOL } from "../../satellite/wire/limits.ts";
import { type Address, isOpen } from "./address.ts";
import { type Dialling, dial } from "./dial.ts";

/** What a socket tells. After `closed` nothing follows. */
export interface SocketEvents {
  opened(): void;
  text(text: string): void;
  frame(frame: Uint8Array): void;
  /** A sign of life; `pong`: the number of the ping that was answered. */
  heard(pong?: number): void;
  /** A frame has left the process. */
  written(): void;
  /** With `error`, trying again is of no use. */
  closed(reason: string, error?: WireError): void;
}

/** How long the other side has to answer a close. */
const CLOSE_MS = 1_000;

/** A WebSocket to a satellite (PROTOCOL.md §2). */
export class Socket {
  /** Resolves when it is closed, or could not be opened. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #address: Address;
  readonly #written: () => void;
  #dialling: Dialling | null = null;
  #reason = "";
  #error: WireError | undefined;

  constructor(address: Address, token: string | undefined, events: SocketEvents) {
    this.#address = address;
    const options: ClientOptions = {
      perMessageDeflate: false, // [T-2]
      maxPayload: Math.max(limits.controlBytesMax, limits.chunkBytesMax + HEADER_BYTES),
      ...(!isOpen(address) && { generateMask: maskNothing }),
      ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }), // [T-4]
      createConnection: ((_options: unknown, done: Connected) => {
        this.#dialling = dial(address, null);
        void hand(this.#dialling.channel, done);
      }) as unknown as typeof net.connect,
    };
    this.#socket = new WebSocket(address.url, SUBPROTOCOL, options); // [T-1]
    this.closed = new Promise((resolve) => {
      this.#socket.once("close", () => {
        this.#dialling?.cancel();
        resolve();
      });
    });
    this.#written = () => events.written();
    this.#listen(events);
  }

  /** What waits in the process. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  sendText(text: string): void {
    this.#socket.send(text);
  }

  /** The frame is not changed: it is copied as it is masked. */
  sendFrame(frame: Uint8Array): void {
    this.#socket.send(frame, this.#written);
  }

  ping(ping: number): void {
    this.#socket.ping(String(ping));
  }

  /** Closes, after what was sent. */
  close(code: ErrorCode | "normal"): void {
    const number = code === "normal" ? null : errorTable[code].close;
    this.#socket.close(number ?? 1000, code);
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_MS);
    void this.closed.then(() => clearTimeout(timer));
  }

  destroy(): void {
    this.#socket.terminate();
  }

  #listen(events: SocketEvents): void {
    const socket = this.#socket;
    socket.on("open", () => events.opened());
    socket.on("message", (data: RawData, isBinary: boolean) => {
      const bytes = data as Buffer;
      if (isBinary) events.frame(bytes);
      else events.text(bytes.toString());
    });
    socket.on("ping", () => events.heard());
    socket.on("pong", (payload: Buffer) => events.heard(Number(payload.toString())));
    socket.on("unexpected-response", (_request, response: IncomingMessage) => {
      this.#refused(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#reason ||= REASONS[error.code ?? ""] ?? error.message;
      if (error instanceof WireError) this.#error ??= error;
      else if (error.code?.startsWith("WS_ERR_") === true) this.#error ??= this.#defect(error); // RFC 6455 is broken
    });
    socket.on("close", (_code: number, reason: Buffer) => {
      this.#reason ||= reason.toString() || "the connection was lost";
      events.closed(this.#reason, this.#error);
    });
  }

  #defect(cause: Error): WireError {
    return new WireError(
      "protocol",
      `What answers at ${this.#address.text} does not speak as a satellite does: ${cause.message}.`,
      { cause },
    );
  }

  #refused(status: number): void {
    this.#reason = `HTTP ${status}`;
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

type Connected = (error: Error | null, socket?: net.Socket) => void;

async function hand(channel: Promise<net.Socket>, done: Connected): Promise<void> {
  let socket: net.Socket;
  try {
    socket = await channel;
  } catch (error) {
    done(error as Error);
    return;
  }
  done(null, socket);
}

/**
 * Masks keep a middlebox from taking payload for protocol (RFC 6455 §10.3). Where there can be none (TLS, this computer),
 * zeros are as good, and cost nothing: masking in JavaScript is the dearest thing that an end does.
 */
function maskNothing(mask: Buffer): void {
  mask.fill(0);
}

/** Errors of the system in words. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no network",
  ENOENT: "there is no such socket",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the name could not be looked up",
  ETIMEDOUT: "it did not answer",
};
