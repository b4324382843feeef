/** A line every millisecond through a route, and how long each is on its way. */
import type { Bed } from "../support/bed.ts";
import { endLine } from "./ends.ts";
import { through } from "./flow.ts";
import type { Route } from "./routes.ts";

const boundMs = 60_000;
/** Those that waited for the sender to start, and those that ran while code was cold. */
const skipped = 1_000;
export const lineBytes = 100;

/** Microseconds from the process that writes a line to the one that reads it, line by line. */
export async function lineTimesUs(bed: Bed, route: Route, count: number): Promise<number[]> {
  const { out } = await through(bed, route, {
    producer: endLine("ticker", skipped + count),
    consumer: endLine("stopwatch", skipped),
    bytes: (skipped + count) * lineBytes,
    boundMs,
  });
  const tookUs = JSON.parse(out) as number[];
  if (tookUs.length !== count) throw new Error(`${tookUs.length} lines came instead of ${count}`);
  return tookUs;
}
