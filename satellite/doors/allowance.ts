/** So many at once, and so many more with time: a token bucket. Times are milliseconds of one clock. */
export class Allowance {
  readonly #perMs: number;
  readonly #burst: number;
  #left: number;
  #sinceMs: number;

  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#left = burst;
    this.#sinceMs = nowMs;
  }

  /** Takes one, if there is one. */
  take(nowMs: number): boolean {
    if (!this.has(nowMs)) return false;
    this.#left -= 1;
    return true;
  }

  has(nowMs: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + Math.max(0, nowMs - this.#sinceMs) * this.#perMs);
    this.#sinceMs = Math.max(this.#sinceMs, nowMs);
    return this.#left >= 1;
  }

  /** Takes one in advance. Returns how long it is until its turn, 0 when that is now. */
  book(nowMs: number): number {
    this.has(nowMs);
    this.#left -= 1;
    return this.#left >= 0 ? 0 : Math.ceil(-this.#left / this.#perMs);
  }
}
