/** Ends inside the satellite: what comes over HTTP is, for the broker, an end like any other. */
import { randomBytes } from "node:crypto";
import type { ConnectionId } from "../pipe/effects.ts";
import { type ErrorCode, isErrorCode, WireError } from "../wire/errors.ts";
import type { Chunk } from "../wire/frame.ts";
import { PROTOCOL_VERSION } from "../wire/limits.ts";
import type { EndMessage, Hello, SatelliteMessage } from "../wire/messages.ts";
import type { Rights } from "../wire/rights.ts";
import type { Exchange, Line } from "./exchange.ts";

/** Who an end is for. Called while the broker's effects are carried out. */
export interface Ears {
  hear(message: SatelliteMessage): void;
  take(chunk: Chunk): void;
  /** The session is over, and not because of `bye`. */
  lost(error: WireError): void;
}

/** Where ends are made. */
export interface Place {
  readonly exchange: Exchange;
  readonly software: string;
}

/** A session of one request. It has no grace: nobody could come back to it. */
export class InnerEnd implements Line {
  readonly #place: Place;
  readonly #ears: Ears;
  readonly #connection: ConnectionId;
  #isOver = false;

  constructor(place: Place, ears: Ears) {
    this.#place = place;
    this.#ears = ears;
    this.#connection = place.exchange.open(this);
  }

  /** Says hello; the answer may have come when this returns. */
  begin(rights: Rights): void {
    const { exchange, software } = this.#place;
    exchange.post({
      type: "hello",
      connection: this.#connection,
      message: { type: "hello", protocol: PROTOCOL_VERSION, software },
      rights,
      secret: randomBytes(16).toString("base64url"),
    });
  }

  say(message: Exclude<EndMessage, Hello>): void {
    if (this.#isOver) return;
    this.#place.exchange.post({ type: "message", connection: this.#connection, message });
  }

  put(chunk: Chunk): void {
    if (this.#isOver) return;
    this.#place.exchange.post({ type: "chunk", connection: this.#connection, chunk });
  }

  /** Whether more waits to go out than should: then the broker sends no more chunks. */
  congest(type: "congested" | "drained"): void {
    if (!this.#isOver) this.#place.exchange.post({ type, connection: this.#connection });
  }

  /** Ends the session: a reader leaves, a writer that has not finished aborts [S-7]. */
  bye(): void {
    if (this.#isOver) return;
    this.say({ type: "bye" });
    this.#isOver = true;
    this.#place.exchange.forget(this.#connection);
  }

  send(message: SatelliteMessage): void {
    if (message.type === "error" && message.ref === undefined) this.fail(errorOf(message));
    else this.#tell(() => this.#ears.hear(message));
  }

  /** What HTTP sends may be on its way for long, so it is not left in memory that is used again. */
  forward(chunk: Chunk): void {
    const { block } = chunk;
    const own = { frame: Uint8Array.from(chunk.frame), room: 0, block: null, encoded: null };
    const kept = block === null ? chunk : { ...chunk, ...own };
    block?.letGo();
    this.#tell(() => this.#ears.take(kept));
  }

  close(code: ErrorCode | "normal"): void {
    if (code === "normal") return;
    const sentence =
      code === "going-away"
        ? "the satellite is about to stop: come back in a moment"
        : "the satellite has ended this";
    this.fail(new WireError(code, sentence));
  }

  fail(error: WireError): void {
    if (this.#isOver) return;
    this.bye();
    this.#ears.lost(error);
  }

  /** What goes wrong here is not the fault of whoever's event this follows from. */
  #tell(act: () => void): void {
    if (this.#isOver) return;
    try {
      act();
    } catch (cause) {
      this.fail(new WireError("internal", "the satellite has a defect", { cause }));
    }
  }
}

/** The failure that an `error` message tells. */
export function errorOf(message: { code: string; message: string }): WireError {
  return new WireError(isErrorCode(message.code) ? message.code : "internal", message.message);
}

/**
 * Asks the broker one thing, in a session of its own: resolves with the first answer that `take` has something of, and
 * rejects with what the broker says instead.
 */
export function ask<T>(
  place: Place,
  rights: Rights,
  request: Exclude<EndMessage, Hello>,
  take: (message: SatelliteMessage) => T | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = new InnerEnd(place, {
      hear(message) {
        const taken = message.type === "error" ? undefined : take(message);
        if (message.type === "error") reject(errorOf(message));
        else if (taken === undefined) return;
        else resolve(taken);
        end.bye();
      },
      take: () => {},
      lost: reject,
    });
    end.begin(rights);
    end.say(request);
  });
}
