import type { Exchange, Figures, Line } from "./doors/exchange.ts";
import type { Log } from "./doors/log.ts";
import type { BrokerEffect, BrokerEvent, ConnectionId } from "./pipe/effects.ts";
import { DamageError, type Store } from "./store/store.ts";
import { WireError } from "./wire/errors.ts";
import type { Terms } from "./wire/rights.ts";

/** Reading it each time costs more than all else that a chunk's time does. */
const TIME_ORIGIN_MS: number = performance.timeOrigin;
/** Longest time a Node timer can be set to. A tick that comes early does no harm. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** After a read that failed, its reader waits so long before it is tried again. */
const READ_RETRY_MS = 1_000;

/** What the engine needs of the broker: events in, effects out. */
export interface BrokerLike {
  handle(event: BrokerEvent, nowMs: number): readonly BrokerEffect[];
  readonly idle: boolean;
  /** Whether a share has not ended. */
  hasShare(share: string): boolean;
}

export interface EngineParts {
  readonly broker: BrokerLike;
  readonly store: Store;
  readonly log: Log;
  /** Signs the token of a share. */
  readonly sign: (terms: Terms) => Promise<string>;
  /** Called after each event and its effects, and when a connection comes or goes. */
  readonly onSettled: () => void;
}

/**
 * Drives the broker: hands it one event after the other, and carries out its effects in order. What happens during
 * an effect (the store tells durability, a socket is full) waits its turn.
 */
export class Engine implements Exchange {
  readonly #parts: EngineParts;
  readonly #lines: Map<ConnectionId, Line> = new Map();
  #events: BrokerEvent[] = [];
  #isRunning = false;
  #isStopped = false;
  #lastConnection = 0;
  #receivedBytes = 0;
  #sentBytes = 0;
  #isStoreInTrouble = false;
  #wakeTimer: NodeJS.Timeout | undefined;
  readonly #retryTimers: Set<NodeJS.Timeout> = new Set();

  constructor(parts: EngineParts) {
    this.#parts = parts;
    parts.store.onTrouble = (trouble, detail) => {
      parts.log(trouble === null ? "info" : "error", "store.trouble", { trouble, detail });
      this.#isStoreInTrouble = trouble !== null;
      this.post({ type: "trouble", isShut: trouble !== null });
    };
    parts.store.onDurable = (stream, offset, end) => this.post({ type: "durable", stream, offset, end });
  }

  /** No connection, no session and no stream. */
  get idle(): boolean {
    return this.#lines.size === 0 && this.#parts.broker.idle;
  }

  open(line: Line): ConnectionId {
    this.#lines.set(++this.#lastConnection, line);
    this.#parts.onSettled();
    return this.#lastConnection;
  }

  forget(connection: ConnectionId): void {
    this.#lines.delete(connection);
    this.#parts.onSettled();
  }

  figures(): Figures {
    return {
      connections: this.#lines.size,
      receivedBytes: this.#receivedBytes,
      sentBytes: this.#sentBytes,
      isStoreInTrouble: this.#isStoreInTrouble,
    };
  }

  post(event: BrokerEvent): void {
    if (this.#isStopped) return;
    this.#events.push(event);
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#events.length > 0) {
        const batch = this.#events;
        this.#events = [];
        for (const next of batch) this.#handle(next);
      }
    } finally {
      this.#isRunning = false;
    }
    this.#parts.onSettled();
  }

  /** Nothing more is handled; no timer is left. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#wakeTimer);
    for (const timer of this.#retryTimers) clearTimeout(timer);
  }

  /** A defect costs the connection that met it, and is told; the others go on. */
  #handle(event: BrokerEvent): void {
    if (event.type === "chunk") this.#receivedBytes += event.chunk.end - event.chunk.offset;
    try {
      for (const effect of this.#parts.broker.handle(event, nowMs())) this.#carryOut(effect);
      if (event.type === "chunk") event.chunk.block?.letGo(); // who needs it holds it now
    } catch (error) {
      this.#logDefect(event.type, error);
      if (!("connection" in event)) return;
      const failure = new WireError(
        "internal",
        "the satellite has a defect, see its log: the connection ends",
        {
          cause: error,
        },
      );
      this.#lines.get(event.connection)?.fail(failure);
    }
  }

  #carryOut(effect: BrokerEffect): void {
    const { store } = this.#parts;
    switch (effect.type) {
      case "forward": {
        const line = this.#lines.get(effect.connection);
        if (line === undefined) return;
        this.#sentBytes += effect.chunk.end - effect.chunk.offset;
        effect.chunk.block?.hold();
        line.forward(effect.chunk);
        return;
      }
      case "send":
        this.#lines.get(effect.connection)?.send(effect.message);
        return;
      case "close":
        this.#lines.get(effect.connection)?.close(effect.code);
        return;
      case "wake":
        this.#wake(effect.atMs);
        return;
      case "load":
        this.#load(effect);
        return;
      case "issue":
        void this.#issue(effect);
        return;
      case "create": {
        const { stream, pipe, openedMs, info, ttlMs } = effect;
        this.#keep(effect.type, () =>
          store.create({ ...info, id: stream, pipe, openedMs, ...(ttlMs !== undefined && { ttlMs }) }),
        );
        return;
      }
      case "append":
        this.#keep(effect.type, () => store.append(effect.chunk));
        return;
      case "release":
        this.#keep(effect.type, () => store.release(effect.stream, effect.offset));
        return;
      case "note":
        this.#keep(effect.type, () => store.note(effect.facts));
        return;
      case "drop":
        this.#keep(effect.type, () => store.remove(effect.stream));
        return;
    }
  }

  /** An end that is lost meanwhile asks again [C-3]. */
  async #issue({ connection, ref, terms, lasting }: Extract<BrokerEffect, { type: "issue" }>): Promise<void> {
    const { share: id, expiresMs } = terms;
    try {
      const token = await this.#parts.sign(terms);
      const end = expiresMs === null ? {} : { expiresMs };
      this.#lines.get(connection)?.send({ type: "shared", ref, id, token, ...end, lasting });
    } catch (error) {
      this.#logDefect("issue", error);
    }
  }

  /** What the store could not keep is never told to be durable, so nobody is promised anything [W-4]. */
  #keep(what: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#logDefect(`store.${what}`, error);
    }
  }

  #load({ load, stream, offset, bytesMax }: Extract<BrokerEffect, { type: "load" }>): void {
    this.#parts.store.read(stream, offset, bytesMax).then(
      (chunks) => this.post({ type: "loaded", load, chunks }),
      (error: unknown) => {
        this.#parts.log("error", "store.read", { stream, offset, error: String(error) });
        if (error instanceof DamageError) {
          this.post({ type: "damaged", stream });
          return;
        }
        // The broker asks again for what it did not get: not at once, lest a bad disk keep us busy.
        const timer = setTimeout(() => {
          this.#retryTimers.delete(timer);
          this.post({ type: "loaded", load, chunks: [] });
        }, READ_RETRY_MS);
        this.#retryTimers.add(timer);
      },
    );
  }

  #wake(atMs: number | null): void {
    clearTimeout(this.#wakeTimer);
    if (atMs === null || this.#isStopped) return;
    const delayMs = Math.min(Math.max(atMs - nowMs(), 0), TIMER_MS_MAX);
    this.#wakeTimer = setTimeout(() => this.post({ type: "tick" }), delayMs);
  }

  #logDefect(where: string, error: unknown): void {
    const stack = error instanceof Error ? error.stack : String(error);
    this.#parts.log("error", "satellite.defect", { where, stack });
  }
}

/** Milliseconds since the epoch, by a clock that nobody sets: a deadline is neither early nor late when somebody does. */
export function nowMs(): number {
  return Math.round(TIME_ORIGIN_MS + performance.now());
}
