import type { Duplex } from "node:stream";
import type { Limits } from "../wire/limits.ts";

/**
 * Connections that have shown no good token. They are few: who has been one for longest goes first, so that those who
 * only hold connections open push out each other, and nobody who is quick [K-2].
 */
export class Strangers {
  readonly #limits: Limits;
  /** Oldest first. `null`: not counted by address. */
  readonly #addresses: Map<Duplex, string | null> = new Map();
  readonly #byAddress: Map<string, Set<Duplex>> = new Map();
  readonly #watched: WeakSet<Duplex> = new WeakSet();
  readonly #cut: (why: string) => void;

  /** @param cut is told of each that is cut */
  constructor(limits: Limits, cut: (why: string) => void) {
    this.#limits = limits;
    this.#cut = cut;
  }

  add(socket: Duplex, address: string | null): void {
    if (socket.destroyed) return;
    this.remove(socket);
    if (!this.#watched.has(socket)) socket.once("close", () => this.remove(socket));
    this.#watched.add(socket);
    this.#addresses.set(socket, address);
    if (address !== null) this.#count(socket, address);
    if (this.#addresses.size > this.#limits.strangersMax)
      this.#cutOldest(this.#addresses.keys(), "strangersMax");
  }

  /** It is a stranger no more, or has gone. */
  remove(socket: Duplex): void {
    const address = this.#addresses.get(socket);
    if (address === undefined) return;
    this.#addresses.delete(socket);
    if (address === null) return;
    const ofAddress = this.#byAddress.get(address);
    ofAddress?.delete(socket);
    if (ofAddress?.size === 0) this.#byAddress.delete(address);
  }

  #count(socket: Duplex, address: string): void {
    const ofAddress = this.#byAddress.get(address) ?? new Set<Duplex>();
    this.#byAddress.set(address, ofAddress.add(socket));
    if (ofAddress.size > this.#limits.strangersPerAddressMax)
      this.#cutOldest(ofAddress, "strangersPerAddressMax");
  }

  #cutOldest(sockets: Iterable<Duplex>, why: string): void {
    for (const socket of sockets) {
      this.remove(socket);
      socket.destroy();
      this.#cut(why);
      return;
    }
  }
}
