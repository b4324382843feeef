/** The status line of a pipe end: what it waits for, then how much has passed. */
import type { Teller } from "./teller.ts";
import { formatBytes, formatSpan } from "./units.ts";

export interface Passage {
  /** What is waited for while nothing passes. */
  readonly waiting: string;
  readonly bytes: number;
  /** Bytes in all, where that is known. */
  readonly size: number | null;
  /** Since the first byte; `null` before it. */
  readonly elapsedMs: number | null;
  readonly bytesPerSecond: number;
}

/** Nothing is said of a passage that is over sooner. */
const SILENT_MS = 1000;
const TICK_MS = 250;
/** How quickly the rate forgets: its weight is 1/e after so long. */
const RATE_MS = 2000;

export function renderPassage(passage: Passage): string {
  if (passage.elapsedMs === null) return passage.waiting;
  if (passage.elapsedMs < SILENT_MS) return "";
  const rate = `${formatBytes(passage.bytesPerSecond)}/s`;
  if (passage.size === null || passage.size < passage.bytes) return `${formatBytes(passage.bytes)}  ${rate}`;
  const percent = Math.floor((passage.bytes / passage.size) * 100);
  const done = `${formatBytes(passage.bytes)} of ${formatBytes(passage.size)}  ${percent} %  ${rate}`;
  if (passage.bytesPerSecond < 1) return done;
  return `${done}  ETA ${formatSpan((passage.size - passage.bytes) / passage.bytesPerSecond)}`;
}

/** Counts bytes, and shows them while the teller has a status line. */
export class Progress {
  readonly #teller: Teller;
  readonly #now: () => number;
  #waiting: string;
  #bytes = 0;
  #size: number | null = null;
  #firstMs: number | null = null;
  #rate = 0;
  #tickMs: number;
  #tickBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(teller: Teller, waiting: string, now: () => number = () => performance.now()) {
    this.#teller = teller;
    this.#waiting = waiting;
    this.#now = now;
    this.#tickMs = now();
  }

  get bytes(): number {
    return this.#bytes;
  }

  start(): void {
    if (!this.#teller.hasStatus) return;
    this.tick();
    this.#timer = setInterval(() => this.tick(), TICK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#teller.status("");
  }

  /** From now on this is waited for. */
  wait(waiting: string): void {
    this.#waiting = waiting;
    this.#firstMs = null;
    if (this.#timer !== undefined) this.tick();
  }

  expect(bytes: number | null): void {
    this.#size = bytes;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#firstMs !== null) return;
    this.#firstMs = this.#now();
    if (this.#timer !== undefined) this.#teller.status("");
  }

  tick(): void {
    const nowMs = this.#now();
    const sinceMs = nowMs - this.#tickMs;
    if (sinceMs > 0) {
      const current = ((this.#bytes - this.#tickBytes) / sinceMs) * 1000;
      const keep = Math.exp(-sinceMs / RATE_MS);
      this.#rate = this.#rate === 0 ? current : this.#rate * keep + current * (1 - keep);
      this.#tickMs = nowMs;
      this.#tickBytes = this.#bytes;
    }
    this.#teller.status(
      renderPassage({
        waiting: this.#waiting,
        bytes: this.#bytes,
        size: this.#size,
        elapsedMs: this.#firstMs === null ? null : nowMs - this.#firstMs,
        bytesPerSecond: this.#rate,
      }),
    );
  }
}
