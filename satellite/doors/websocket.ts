/** The door at `/ws`: a WebSocket for each end. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Blocks } from "../wire/blocks.ts";
import { errorTable } from "../wire/errors.ts";
import { type Limits, SUBPROTOCOL } from "../wire/limits.ts";
import { ACCEPT_GUID, acceptanceText } from "../wire/websocket-handshake.ts";
import { type Answer, answerUpgrade, line } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import type { Gate } from "./gate.ts";
import type { Log } from "./log.ts";
import { WebSocketLine } from "./websocket-line.ts";

/** How often memory is given up that nobody has needed meanwhile. */
const SHRINK_MS = 10_000;

export interface WebSocketDoorParts {
  readonly exchange: Exchange;
  readonly gate: Gate;
  readonly limits: Limits;
  readonly log: Log;
}

export class WebSocketDoor {
  readonly #parts: WebSocketDoorParts;
  readonly #blocks: Blocks = new Blocks();
  readonly #lines: Set<WebSocketLine> = new Set();
  readonly #shrinkTimer: NodeJS.Timeout;

  constructor(parts: WebSocketDoorParts) {
    this.#parts = parts;
    this.#shrinkTimer = setInterval(() => this.#blocks.shrink(), SHRINK_MS).unref();
  }

  /**
   * Answers a handshake that the guard has let in. `head`: what came behind it. Rejects with a WireError if the gate
   * does not let it in.
   */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { gate } = this.#parts;
    const refusal = refusalOf(request);
    if (refusal !== null) {
      gate.count(request);
      answerUpgrade(socket, refusal);
      return;
    }
    const visitor = await gate.admit(request); // [T-4]
    if (socket.destroyed) return;
    const key = request.headers["sec-websocket-key"] ?? "";
    socket.write(acceptanceText(createHash("sha1").update(`${key}${ACCEPT_GUID}`).digest("base64")));
    const opened = new WebSocketLine(socket as Socket, {
      ...this.#parts,
      visitor,
      blocks: this.#blocks,
      onGone: () => this.#lines.delete(opened),
    });
    this.#lines.add(opened);
    opened.receive(head);
  }

  /** Sends away who has not said hello; the broker closes the others. */
  stop(): void {
    clearInterval(this.#shrinkTimer);
    for (const opened of this.#lines) opened.closeIfNew("going-away"); // [S-8]
  }

  /** Cuts whoever is still there. */
  terminate(): void {
    for (const opened of this.#lines) opened.terminate();
  }
}

/** What a handshake lacks (RFC 6455 §4.2.1); `null`: nothing. */
function refusalOf({ method, headers }: IncomingMessage): Answer | null {
  const offered = headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? [];
  if (!offered.includes(SUBPROTOCOL)) return needsSubprotocol(); // [T-1]
  if (headers["sec-websocket-version"] !== "13") {
    return line(errorTable.version.http, "this is a WebSocket of version 13", {
      upgrade: "websocket",
      "sec-websocket-version": "13",
    });
  }
  const isHandshake =
    method === "GET" &&
    headers.upgrade?.toLowerCase() === "websocket" &&
    /^[A-Za-z0-9+/]{22}==$/.test(headers["sec-websocket-key"] ?? "");
  return isHandshake ? null : line(400, "this is no handshake of a WebSocket");
}

/** What a request gets that does not speak this protocol [T-1]. */
export function needsSubprotocol(): Answer {
  return line(
    errorTable.version.http,
    `this is a WebSocket for skypipe: offer the subprotocol ${SUBPROTOCOL}`,
    {
      upgrade: "websocket",
      "sec-websocket-protocol": SUBPROTOCOL,
    },
  );
}
