/** One flow of bytes through a route: `producer | sender → relay → receiver | consumer`, as processes with real pipes. */
import type { Bed } from "../support/bed.ts";
import { MiB } from "../support/bytes.ts";
import type { Route } from "./routes.ts";
import type { Sample } from "./scenario.ts";
import { meter, timed, usageOf } from "./usage.ts";

export interface Flow {
  /** Of the shell: what writes to the sender, and what reads from the receiver. */
  readonly producer: string;
  readonly consumer: string;
  readonly bytes: number;
  readonly boundMs: number;
}

/** Zeros in blocks as large as a pipe. */
export function zeros(bytes: number): string {
  return `dd if=/dev/zero bs=64K iflag=count_bytes count=${bytes} status=none`;
}

/** Takes all there is in large reads, and says how much that was. */
export const sink = "dd of=/dev/null bs=256K";

/** Of what `sink` says. */
export function sunkBytes(err: string): number {
  return Number(/^(\d+) bytes/m.exec(err)?.[1] ?? Number.NaN);
}

/**
 * Seconds from the start of the sender, whose own start counts, to the end of both ends; and what all three processes
 * cost. The receiver waits already.
 */
export async function through(
  bed: Bed,
  route: Route,
  flow: Flow,
): Promise<{ seconds: number; costs: Sample; out: string; err: string }> {
  const { producer, consumer, bytes, boundMs } = flow;
  const receiver = bed.shell(`set -o pipefail; ${timed(bed, "recv", route.receiver)} | ${consumer}`);
  await route.ready();
  const relayCosts = metered(bed, route, bytes);
  const startedMs = performance.now();
  const sender = bed.shell(`set -o pipefail; ${producer} | ${timed(bed, "send", route.sender)}`);
  const [, { out, err }] = await Promise.all([sender.exits(0, boundMs), receiver.exits(0, boundMs)]);
  const seconds = (performance.now() - startedMs) / 1_000;
  const costs = ordered({
    ...usageOf(bed, "send", bytes),
    ...(await relayCosts()),
    ...usageOf(bed, "recv", bytes),
  });
  return { seconds, costs, out, err };
}

function metered(bed: Bed, { relay, isRelayTimed = false }: Route, bytes: number): () => Promise<Sample> {
  const costs = isRelayTimed ? undefined : meter(relay.pid);
  return async () => {
    if (costs !== undefined) return costs("relay", bytes);
    await relay.exits(0);
    return usageOf(bed, "relay", bytes);
  };
}

/** Zeros at full speed. */
export async function flood(bed: Bed, route: Route, bytes: number, boundMs: number): Promise<Sample> {
  const { seconds, costs, err } = await through(bed, route, {
    producer: zeros(bytes),
    consumer: sink,
    bytes,
    boundMs,
  });
  if (sunkBytes(err) !== bytes) throw new Error(`${sunkBytes(err)} bytes came instead of ${bytes}`);
  return { "MiB/s": bytes / MiB / seconds, ...costs };
}

/** CPU before memory, each from sender to receiver. */
function ordered(costs: Sample): Sample {
  return Object.fromEntries(Object.entries(costs).toSorted(([a], [b]) => rank(a) - rank(b)));
}

function rank(metric: string): number {
  return metric.includes("CPU") ? 0 : 1;
}
