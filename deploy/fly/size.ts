/** How large the machine is, and what that costs. */
import { WireError } from "../../satellite/wire/errors.ts";
import type { Guest } from "./shapes.ts";

const DEFAULT: Required<Guest> = { cpu_kind: "shared", cpus: 1, memory_mb: 256 };
const SIZES = "shared-cpu-1x, shared-cpu-2x:1024, performance-1x, or a memory such as 512MB";
/** Least and most of memory for each processor, in MB. */
const MEMORY_MB = { shared: [256, 2048], performance: [2048, 8192] } as const;

export const VOLUME_GB = 1;

/** `shared-cpu-1x`, `shared-cpu-2x:1024`, `performance-1x`, `512`, `512MB`, `1GB`. Throws WireError `usage`. */
export function parseMachineSize(text: string | undefined): Required<Guest> {
  if (text === undefined) return DEFAULT;
  const named = /^(shared-cpu|performance)-(\d{1,2})x(?::(\d+(?:mb|gb)?))?$/i.exec(text);
  const bare = /^\d+(?:mb|gb)?$/i.exec(text);
  const kind = /^perf/i.test(text) ? "performance" : "shared";
  const guest =
    named === null && bare === null ? null : guestOf(kind, Number(named?.[2] ?? 1), named?.[3] ?? bare?.[0]);
  if (guest !== null) return guest;
  throw new WireError("usage", `'${text}' is no size of a machine at Fly: for example --size ${SIZES}`);
}

function guestOf(
  kind: "shared" | "performance",
  cpus: number,
  memory: string | undefined,
): Required<Guest> | null {
  const [least, most] = MEMORY_MB[kind];
  if (![1, 2, 4, 8, 16].includes(cpus)) return null;
  const megabytes = memory === undefined ? least * cpus : toMegabytes(memory);
  const isPossible = megabytes % 256 === 0 && megabytes >= least * cpus && megabytes <= most * cpus;
  return isPossible ? { cpu_kind: kind, cpus, memory_mb: megabytes } : null;
}

function toMegabytes(text: string): number {
  return Number.parseInt(text, 10) * (/gb$/i.test(text) ? 1024 : 1);
}

/** A sentence, for before it is incurred. */
export function costOf(guest: Required<Guest>, hasVolume: boolean): string {
  const isSmallest =
    guest.cpus === DEFAULT.cpus && guest.memory_mb === DEFAULT.memory_mb && guest.cpu_kind === "shared";
  const machine = isSmallest
    ? "about $2 a month while its machine runs"
    : `what Fly asks for ${guest.cpu_kind} × ${guest.cpus} with ${guest.memory_mb} MB (https://fly.io/docs/about/pricing)`;
  if (!hasVolume) return `it costs ${machine}, which is always`;
  return `it costs ${machine}, nothing while nobody is connected, and $${(0.15 * VOLUME_GB).toFixed(2)} a month for its disk`;
}
