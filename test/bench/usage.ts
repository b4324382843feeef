/**
 * What a process costs. Ends are short: /usr/bin/time waits for them and has the kernel's sums (rusage). Relays stay: the
 * difference of what /proc tells before and after, without the cost of their start.
 */
import { readFileSync } from "node:fs";
import type { Bed } from "../support/bed.ts";
import { MiB } from "../support/bytes.ts";
import { peakBytesOf } from "../support/proc.ts";
import type { Sample } from "./scenario.ts";

const GiB = 1_024 * MiB;
/** Linux counts CPU time for user space in hundredths of a second on every architecture that Node runs on. */
const ticksPerS = 100;

/** A command for a shell that leaves what it cost in a file of the bed. */
export function timed(bed: Bed, who: string, command: string): string {
  return `/usr/bin/time -q -f '%U %S %M' -o '${bed.path(`${who}.usage`)}' ${command}`;
}

/** What a command cost that `timed` ran: CPU seconds per GiB, and peak of memory. */
export function usageOf(bed: Bed, who: string, bytes: number): Sample {
  const text = readFileSync(bed.path(`${who}.usage`), "utf8");
  const [user = Number.NaN, system = Number.NaN, peakKiB = Number.NaN] = text.trim().split(" ").map(Number);
  return usage(who, user + system, bytes, peakKiB * 1_024);
}

/** Of a process that stays, from here to when it is asked. */
export function meter(pid: number): (who: string, bytes: number) => Sample {
  const before = cpuSecondsOf(pid);
  return (who, bytes) => usage(who, cpuSecondsOf(pid) - before, bytes, peakBytesOf(pid));
}

function usage(who: string, cpuS: number, bytes: number, peakBytes: number): Sample {
  return { [`${who} CPU s/GiB`]: cpuS / (bytes / GiB), [`${who} peak MiB`]: peakBytes / MiB };
}

export function residentBytesOf(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? Number.NaN) * 1_024;
}

/** Those that run, and those that it has not waited for: only what waited-for children have cost is in its own sums. */
export function childrenOf(pid: number): number {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).length;
}

/** Of the process and of the children that it has waited for. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerS;
}
