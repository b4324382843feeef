/** `--limit RATE`: a token bucket that holds a tenth of a second's bytes. */
export class Pace {
  /** What is taken at a time, so that the flow is even. */
  readonly pieceBytes: number;
  readonly #bytesPerMs: number;
  readonly #now: () => number;
  #tokens: number;
  #filledMs: number;

  constructor(bytesPerSecond: number, now: () => number = () => performance.now()) {
    this.pieceBytes = Math.max(1, Math.floor(bytesPerSecond / 10));
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#now = now;
    this.#tokens = this.pieceBytes;
    this.#filledMs = now();
  }

  /** Takes `bytes` tokens; how long to wait, in milliseconds, until they are there. */
  take(bytes: number): number {
    const nowMs = this.#now();
    this.#tokens = Math.min(this.pieceBytes, this.#tokens + (nowMs - this.#filledMs) * this.#bytesPerMs);
    this.#filledMs = nowMs;
    this.#tokens -= bytes;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#bytesPerMs;
  }
}

/** Hands `bytes` over in pieces, at the pace; what is left goes at once when `isHurried`. */
export async function paced(
  pace: Pace,
  bytes: Uint8Array,
  put: (piece: Uint8Array) => void | Promise<void>,
  isHurried: () => boolean = () => false,
): Promise<void> {
  let at = 0;
  while (at < bytes.length && !isHurried()) {
    const piece = bytes.subarray(at, at + pace.pieceBytes);
    const waitMs = pace.take(piece.length);
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    await put(piece);
    at += piece.length;
  }
  if (at < bytes.length) await put(bytes.subarray(at));
}
