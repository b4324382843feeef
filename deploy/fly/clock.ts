/** Time as the provider knows it, so that tests of its patience take none. */
export interface Clock {
  /** Milliseconds, of which only differences mean anything. */
  nowMs(): number;
  sleep(ms: number): Promise<void>;
  /** From 0 to 1, for jitter. */
  random(): number;
}

export const realClock: Clock = {
  nowMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: () => Math.random(),
};

/** A pause that doubles from `baseMs` to `maxMs`, anywhere between half of it and all of it. */
export function backOffMs(clock: Clock, attempt: number, baseMs: number, maxMs: number): number {
  const wholeMs = Math.min(maxMs, baseMs * 2 ** attempt);
  return wholeMs * (0.5 + clock.random() / 2);
}
