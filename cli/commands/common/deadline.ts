/** setTimeout ends at once when it is given more than this, about 24 days. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Calls back after so long; returns what prevents it. */
export function after(ms: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    const stepMs = Math.min(leftMs, TIMER_MS_MAX);
    timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : callback()), stepMs);
  };
  arm(ms);
  return () => clearTimeout(timer);
}
