/** The door at `/ws`: a WebSocket for each end. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ServerOptions, WebSocket, WebSocketServer } from "ws";
import { errorTable, WireError } from "../wire/errors.ts";
import { HEADER_BYTES } from "../wire/frame.ts";
import { type Limits, SUBPROTOCOL } from "../wire/limits.ts";
import { answerUpgrade, line } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import type { Gate } from "./gate.ts";
import type { Log } from "./log.ts";
import { WebSocketLine } from "./websocket-line.ts";

/** How long a peer may take to answer a close. */
const CLOSE_MS = 5_000;

export interface WebSocketDoorParts {
  readonly exchange: Exchange;
  readonly gate: Gate;
  readonly limits: Limits;
  readonly log: Log;
}

export class WebSocketDoor {
  readonly #parts: WebSocketDoorParts;
  readonly #server: WebSocketServer;
  readonly #lines: Set<WebSocketLine> = new Set();

  constructor(parts: WebSocketDoorParts) {
    this.#parts = parts;
    // @types/ws does not know closeTimeout yet.
    const options: ServerOptions<typeof TellingWebSocket> & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false, // [T-2]
      maxPayload: Math.max(parts.limits.controlBytesMax, parts.limits.chunkBytesMax + HEADER_BYTES),
      handleProtocols: () => SUBPROTOCOL,
      closeTimeout: CLOSE_MS,
      WebSocket: TellingWebSocket,
    };
    this.#server = new WebSocketServer(options);
  }

  /** Answers a handshake that the guard has let in. Rejects with a WireError if the gate does not. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { gate } = this.#parts;
    const offered = request.headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? [];
    if (!offered.includes(SUBPROTOCOL)) {
      gate.count(request);
      answerUpgrade(socket, needsSubprotocol()); // [T-1]
      return;
    }
    const visitor = await gate.admit(request); // [T-4]
    if (visitor.rights !== null) await gate.turn(visitor.rights); // [K-6]
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      const opened = new WebSocketLine(ws, socket as Socket, {
        ...this.#parts,
        visitor,
        onGone: () => this.#lines.delete(opened),
      });
      this.#lines.add(opened);
    });
  }

  /** Sends away who has not said hello; the broker closes the others. */
  stop(): void {
    for (const opened of this.#lines) opened.closeIfNew("going-away"); // [S-8]
  }

  /** Cuts whoever is still there. */
  terminate(): void {
    for (const opened of this.#lines) opened.terminate();
  }
}

/** What a request gets that does not speak this protocol [T-1]. */
export function needsSubprotocol(): ReturnType<typeof line> {
  return line(
    errorTable.version.http,
    `this is a WebSocket for skypipe: offer the subprotocol ${SUBPROTOCOL}`,
    {
      upgrade: "websocket",
      "sec-websocket-protocol": SUBPROTOCOL,
    },
  );
}

/** ws closes a connection that breaks RFC 6455, or its size limit, with a bare code. This one says why first [E-1]. */
class TellingWebSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    if (code === undefined || reason !== undefined || this.readyState !== WebSocket.OPEN || code === 1000) {
      super.close(code, reason);
      return;
    }
    const error =
      code === errorTable["too-large"].close
        ? new WireError("too-large", "a message is above the limit of its kind")
        : new WireError("protocol", "a WebSocket frame breaks RFC 6455");
    this.send(JSON.stringify({ type: "error", code: error.code, message: error.message }));
    super.close(errorTable[error.code].close ?? code, error.code);
  }
}
