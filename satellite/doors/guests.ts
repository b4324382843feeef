import type { Duplex } from "node:stream";
import { WireError } from "../wire/errors.ts";
import type { Limits } from "../wire/limits.ts";
import { Allowance } from "./allowance.ts";

/** Connections that came by a share, and how often they ask [K-2] [K-6]. */
export class Guests {
  readonly #limits: Limits;
  readonly #sockets: Map<string, Set<Duplex>> = new Map();
  /** Least recently used first. */
  readonly #allowances: Map<string, Allowance> = new Map();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Throws WireError `limit` for one connection too many. */
  add(socket: Duplex, share: string): void {
    const sockets = this.#sockets.get(share) ?? new Set();
    if (sockets.has(socket)) return;
    const { sessionsPerShareMax } = this.#limits;
    if (sockets.size >= sessionsPerShareMax) {
      throw new WireError("limit", `there are ${sessionsPerShareMax} connections by this link already`);
    }
    this.#sockets.set(share, sockets.add(socket));
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) this.#sockets.delete(share);
    });
  }

  /** Books a request. Returns in how many milliseconds its turn is. */
  book(share: string, nowMs: number): number {
    return this.#allowance(share, nowMs).book(nowMs);
  }

  /** Whether it is the turn of a request. */
  take(share: string, nowMs: number): boolean {
    return this.#allowance(share, nowMs).take(nowMs);
  }

  #allowance(share: string, nowMs: number): Allowance {
    const { requestsPerShareS, requestsPerShareBurst, sharesMax } = this.#limits;
    const allowance =
      this.#allowances.get(share) ?? new Allowance(requestsPerShareS, requestsPerShareBurst, nowMs);
    this.#allowances.delete(share);
    this.#allowances.set(share, allowance);
    if (this.#allowances.size > sharesMax) {
      for (const oldest of this.#allowances.keys()) {
        this.#allowances.delete(oldest);
        break;
      }
    }
    return allowance;
  }
}
