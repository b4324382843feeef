import type { Limits } from "../wire/limits.ts";

/**
 * How many bytes may be unacknowledged: doubles each time a whole window was acknowledged within `windowGrowMs` [W-5].
 * For a writer's window the bytes come out of a budget; a reader's window is bounded by what its stream may hold.
 */
export class Window {
  readonly #limits: Limits;
  readonly #budget: Budget | null;
  #sizeBytes: number;
  #ackedBytes = 0;
  #sinceMs: number;
  #isClosed = false;

  constructor(limits: Limits, nowMs: number, budget: Budget | null = null) {
    this.#limits = limits;
    this.#budget = budget;
    this.#sinceMs = nowMs;
    this.#sizeBytes = budget === null || budget.take(limits.windowBytesMin) ? limits.windowBytesMin : 0;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Takes the first bytes out of the budget, where there were none at the start. Returns whether it has what it needs. */
  open(): boolean {
    if (this.#isClosed) return true;
    if (this.#sizeBytes === 0 && this.#budget?.take(this.#limits.windowBytesMin)) {
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
    if (moreBytes > 0 && (this.#budget === null || this.#budget.take(moreBytes))) {
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
  #freeBytes: number;
  /** Set while a stream waits for its first window: then the others shrink. */
  isShort = false;

  constructor(bytes: number) {
    this.#freeBytes = bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.#freeBytes) return false;
    this.#freeBytes -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#freeBytes += bytes;
  }
}
