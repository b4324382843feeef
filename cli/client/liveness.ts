import { limits } from "../../satellite/wire/limits.ts";

const MISSED_MAX = 2;

/** Finds out whether the other side is still there [T-5]. Counts pings, not time, so that a sleep does no harm. */
export class Heartbeat {
  /** Pings sent so far, on all connections. */
  pings = 0;
  #nextMs = 0;
  #heard = true;
  #missed = 0;

  get nextMs(): number {
    return this.#nextMs;
  }

  start(nowMs: number): void {
    this.#nextMs = nowMs + limits.pingMs;
    this.#heard = true;
    this.#missed = 0;
  }

  heard(): void {
    this.#heard = true;
  }

  /** Bytes are unacknowledged: the next ping is due sooner. */
  hurry(nowMs: number): void {
    this.#nextMs = Math.min(this.#nextMs, nowMs + limits.pingBusyMs);
  }

  tick(nowMs: number, busy: boolean): "early" | "ping" | "dead" {
    if (nowMs < this.#nextMs) return "early";
    this.#missed = this.#heard ? 0 : this.#missed + 1;
    if (this.#missed >= MISSED_MAX) return "dead";
    this.#heard = false;
    this.#nextMs = nowMs + (busy ? limits.pingBusyMs : limits.pingMs);
    return "ping";
  }
}

const FIRST_DELAY_MS = 100;
const DELAY_MS_MAX = 5_000;
const DELAY_GROWTH = 1.25;
/** A connection that has lasted for less does not count as a success. */
const STABLE_MS = 5_000;

/** When to connect again: at once at first, then after a delay that grows, half of it left to chance [S-8]. */
export class Backoff {
  readonly #random: () => number;
  #attempts = 0;

  /** @param random gives a number from 0 to 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  delayMs(): number {
    const attempt = this.#attempts++;
    if (attempt === 0) return 0;
    const fullMs = Math.min(DELAY_MS_MAX, FIRST_DELAY_MS * DELAY_GROWTH ** (attempt - 1));
    return fullMs / 2 + (fullMs / 2) * this.#random();
  }

  lasted(forMs: number): void {
    if (forMs >= STABLE_MS) this.#attempts = 0;
  }

  /** The other side is well, it carries bytes or takes its leave: how often it was lost before does not count. */
  proven(): void {
    this.#attempts = Math.min(this.#attempts, 1); // but not at once again, should each connection end like this
  }
}
