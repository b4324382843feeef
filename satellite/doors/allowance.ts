/** So much at once, and so much more with time: a token bucket. Times are milliseconds of one clock. */
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
    return this.#refill(nowMs) >= 1;
  }

  /** Takes what was used already, whether or not there was as much. */
  spend(amount: number, nowMs: number): void {
    this.#left = this.#refill(nowMs) - amount;
  }

  /** How long it is until nothing is owed; 0 when nothing is. */
  debtMs(nowMs: number): number {
    return Math.max(0, -this.#refill(nowMs) / this.#perMs);
  }

  #refill(nowMs: number): number {
    const passedMs = Math.max(0, nowMs - this.#sinceMs);
    this.#left = Math.min(this.#burst, this.#left + passedMs * this.#perMs);
    this.#sinceMs += passedMs;
    return this.#left;
  }
}
