import type { Duplex } from "node:stream";
import { WireError } from "../wire/errors.ts";
import type { Limits } from "../wire/limits.ts";
import { Allowance } from "./allowance.ts";

/** What can be told to read no more for a while. */
export interface Flow {
  pause(): void;
  resume(): void;
}

/** What one share has here. */
interface Group {
  readonly sockets: Set<Duplex>;
  readonly flows: Set<Flow>;
  readonly work: Allowance;
  /** Set while its connections are not read from. */
  timer: NodeJS.Timeout | null;
}

/**
 * Connections that came by a share: how many there are [K-2], and how much work they make. When the satellite has more
 * to do than it can, none of them is read from until their share of the time is theirs again [K-6].
 */
export class Guests {
  readonly #limits: Limits;
  readonly #now: () => number;
  readonly #groups: Map<string, Group> = new Map();
  readonly #all: Allowance;

  constructor(limits: Limits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
    this.#all = new Allowance(limits.busyMsPerS, limits.busyMsPerS, now());
  }

  /** Throws WireError `limit` for one connection too many. */
  add(socket: Duplex, share: string): void {
    const { sockets } = this.#group(share);
    if (sockets.has(socket)) return;
    const { sessionsPerShareMax } = this.#limits;
    if (sockets.size >= sessionsPerShareMax) {
      throw new WireError("limit", `there are ${sessionsPerShareMax} connections by this link already`);
    }
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      this.#tidy(share);
    });
  }

  /** A connection begins to be read from. Returns what is to be called when it is over. */
  enter(share: string, flow: Flow): () => void {
    const { flows, timer } = this.#group(share);
    flows.add(flow);
    if (timer !== null) flow.pause();
    return () => {
      flows.delete(flow);
      this.#tidy(share);
    };
  }

  /** The satellite has worked for somebody: for a share, or for the root token (`null`), which is never held up. */
  worked(ms: number, share: string | null): void {
    const nowMs = this.#now();
    this.#all.spend(ms, nowMs);
    if (share === null) return;
    const group = this.#group(share);
    group.work.spend(ms, nowMs);
    const debtMs = group.work.debtMs(nowMs);
    if (debtMs > 0 && this.#all.debtMs(nowMs) > 0) this.#pause(share, group, debtMs);
  }

  /** Whether nothing of a share is taken at the moment. */
  isPaused(share: string): boolean {
    return (this.#groups.get(share)?.timer ?? null) !== null;
  }

  #pause(share: string, group: Group, ms: number): void {
    if (group.timer !== null) return;
    for (const flow of group.flows) flow.pause();
    group.timer = setTimeout(() => {
      group.timer = null;
      for (const flow of group.flows) flow.resume();
      this.#tidy(share);
    }, Math.ceil(ms));
    group.timer.unref();
  }

  #group(share: string): Group {
    const known = this.#groups.get(share);
    if (known !== undefined) return known;
    const { shareMsPerS } = this.#limits;
    const group = {
      sockets: new Set<Duplex>(),
      flows: new Set<Flow>(),
      work: new Allowance(shareMsPerS, shareMsPerS, this.#now()),
      timer: null,
    };
    this.#groups.set(share, group);
    return group;
  }

  /** What is owed is not forgotten by going and coming back. */
  #tidy(share: string): void {
    const group = this.#groups.get(share);
    if (group === undefined || group.timer !== null || group.sockets.size + group.flows.size > 0) return;
    if (group.work.debtMs(this.#now()) === 0) this.#groups.delete(share);
  }
}
