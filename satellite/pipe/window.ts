import type { Limits } from "../wire/limits.ts";

/**
 * How many bytes may be unacknowledged: doubles each time a whole window was acknowledged within `windowGrowMs` [W-5].
 * For a writer's window the bytes come out of a budget; a reader's window is bounded by what its stream may hold.
 */
export class Window {
  readonly #limits: Limits;
  readonly #budget: Purse | null;
  #sizeBytes: number;
  #ackedBytes = 0;
  #sinceMs: number;
  #isClosed = false;

  constructor(limits: Limits, nowMs: number, budget: Purse | null = null) {
    this.#limits = limits;
    this.#budget = budget;
    this.#sinceMs = nowMs;
    const isGranted = budget === null || budget.take(limits.windowBytesMin, "first");
    this.#sizeBytes = isGranted ? limits.windowBytesMin : 0;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** It waits for its first bytes only because others of its share have so much. */
  get isCapped(): boolean {
    return this.#budget?.isCapped(this.#limits.windowBytesMin) ?? false;
  }

  /** Takes the first bytes out of the budget, where there were none at the start. Returns whether it has what it needs. */
  open(): boolean {
    if (this.#isClosed) return true;
    if (this.#sizeBytes === 0 && this.#budget?.take(this.#limits.windowBytesMin, "first")) {
      this.#sizeBytes = this.#limits.windowBytesMin;
    }
    return this.#sizeBytes > 0;
  }

  /** Notes that `bytes` more were acknowledged. */
  acked(bytes: number, nowMs: number): void {
    if (this.#isClosed) return;
    this.#ackedBytes += bytes;
    if (this.#ackedBytes < this.#sizeBytes) return;
    const tookMs = nowMs - this.#sinceMs;
    this.#ackedBytes = 0;
    this.#sinceMs = nowMs;
    if (this.#budget?.isShort) this.#shrink();
    else if (tookMs < this.#limits.windowGrowMs) this.#grow();
  }

  /** Nothing more comes: keeps only what is still to be made safe. */
  retain(bytes: number): void {
    if (bytes <= 0) this.close();
    else if (bytes < this.#sizeBytes) {
      this.#budget?.give(this.#sizeBytes - bytes);
      this.#sizeBytes = bytes;
    }
  }

  /** Gives everything back to the budget, for good. */
  close(): void {
    this.#isClosed = true;
    this.#budget?.give(this.#sizeBytes);
    this.#sizeBytes = 0;
  }

  #grow(): void {
    const moreBytes = Math.min(this.#sizeBytes, this.#limits.windowBytesMax - this.#sizeBytes);
    if (moreBytes > 0 && (this.#budget === null || this.#budget.take(moreBytes, "growth"))) {
      this.#sizeBytes += moreBytes;
    }
  }

  #shrink(): void {
    const lessBytes = Math.floor((this.#sizeBytes - this.#limits.windowBytesMin) / 2);
    this.#budget?.give(lessBytes);
    this.#sizeBytes -= lessBytes;
  }
}

/** The memory that all writers' windows share [W-5]. */
export class Budget {
  readonly #totalBytes: number;
  #freeBytes: number;
  /** What the streams of each share have of it. */
  readonly #ofShare: Map<string, number> = new Map();
  /** Set while a stream waits for its first window: then the others shrink. */
  isShort = false;
  /** Something was given back since this was last cleared. */
  hasGained = false;

  constructor(bytes: number) {
    this.#totalBytes = bytes;
    this.#freeBytes = bytes;
  }

  /** For one stream of a share, or of the root token (`null`). */
  purse(share: string | null): Purse {
    return new Purse(this, share);
  }

  /** Takes bytes if `keepBytes` are left then. */
  take(bytes: number, keepBytes: number, share: string | null): boolean {
    if (bytes + keepBytes > this.#freeBytes) return false;
    if (share !== null && this.isCapped(bytes, share)) return false;
    this.#freeBytes -= bytes;
    if (share !== null) this.#ofShare.set(share, this.#hasBytes(share) + bytes);
    return true;
  }

  give(bytes: number, share: string | null): void {
    if (bytes === 0) return;
    this.#freeBytes += bytes;
    this.hasGained = true;
    if (share === null) return;
    const leftBytes = this.#hasBytes(share) - bytes;
    if (leftBytes > 0) this.#ofShare.set(share, leftBytes);
    else this.#ofShare.delete(share);
  }

  /** What is for the first windows of the root token's streams only [W-5]. */
  get reserveBytes(): number {
    return this.#totalBytes / 4;
  }

  /** Whether the streams of a share would have more than they may [K-7]. */
  isCapped(moreBytes: number, share: string): boolean {
    return this.#hasBytes(share) + moreBytes > this.#totalBytes / 2;
  }

  #hasBytes(share: string): number {
    return this.#ofShare.get(share) ?? 0;
  }
}

/** One stream's hand in the budget. */
export class Purse {
  readonly #budget: Budget;
  readonly #share: string | null;

  constructor(budget: Budget, share: string | null) {
    this.#budget = budget;
    this.#share = share;
  }

  get isShort(): boolean {
    return this.#budget.isShort;
  }

  isCapped(moreBytes: number): boolean {
    return this.#share !== null && this.#budget.isCapped(moreBytes, this.#share);
  }

  take(bytes: number, what: "first" | "growth"): boolean {
    const isReserved = what === "growth" || this.#share !== null;
    return this.#budget.take(bytes, isReserved ? this.#budget.reserveBytes : 0, this.#share);
  }

  give(bytes: number): void {
    this.#budget.give(bytes, this.#share);
  }
}
