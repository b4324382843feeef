/** What the shell sees of a process that a signal ended: 128 and its number. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof exitCodes;

/** One wish may come twice: timeout(1) and npx signal the process and then its whole group. */
const SAME_WISH_MS = 300;

/** Calls `stop` with the exit code at the first signal; a second one ends the process at once. */
export function onSignal(stop: (exitCode: number) => void): () => void {
  let firstMs: number | null = null;
  const handle = (signal: Signal): void => {
    if (firstMs === null) {
      firstMs = performance.now();
      stop(exitCodes[signal]);
    } else if (performance.now() - firstMs > SAME_WISH_MS) {
      process.exit(exitCodes[signal]);
    }
  };
  const signals = Object.keys(exitCodes) as Signal[];
  for (const signal of signals) process.on(signal, handle);
  return () => {
    for (const signal of signals) process.removeListener(signal, handle);
  };
}

/**
 * Resolves when the signals that have reached this process were handled. Input that the event loop has seen is handled
 * before a signal that came earlier, and a signal may be written down while the loop was already looking: two turns.
 */
export async function signalsAreHandled(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
}
