/** Waiting for a condition instead of sleeping: polled, bounded, and named when it does not come true. */
import { setTimeout as pause } from "node:timers/promises";

const pollMs = 20;

/** The first truthy answer of `probe`. What it throws counts as "not yet" and is the cause when time is over. */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  withinMs = 15_000,
): Promise<NonNullable<T>> {
  const deadlineMs = performance.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await probe();
      if (answer) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadlineMs) {
      throw new Error(`Not within ${withinMs} ms: ${what} (last: ${describe(last)})`, { cause: last });
    }
    await pause(pollMs);
  }
}

/** `promise`, or an error that names what did not come within the bound. */
export async function within<T>(what: string, promise: Promise<T>, withinMs = 15_000): Promise<T> {
  const clock = new AbortController();
  const late = pause(withinMs, undefined, { signal: clock.signal }).then(() => {
    throw new Error(`Not within ${withinMs} ms: ${what}`);
  });
  late.catch(() => undefined); // aborted when the promise came first
  try {
    return await Promise.race([promise, late]);
  } finally {
    clock.abort();
  }
}

function describe(value: unknown): string {
  return value instanceof Error ? value.message : String(value);
}
