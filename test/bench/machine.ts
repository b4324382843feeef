/** The machine in general words: enough to judge the figures by, and no name. */

import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";

export interface Machine {
  cores: number;
  cpu: string;
  memoryGiB: number;
  kernel: string;
  node: string;
  /** Load of the last minute when the run began: what else the machine did. */
  load: number;
}

export function machine(): Machine {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() || modelOf(readFileSync("/proc/cpuinfo", "utf8")),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${/^\d+(\.\d+)*/.exec(release())?.[0] ?? ""}`,
    node: process.version,
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

function modelOf(cpuinfo: string): string {
  return /^model name\s*:\s*(.+)$/m.exec(cpuinfo)?.[1] ?? process.arch;
}

export function described({ cores, cpu, memoryGiB, kernel, node, load }: Machine): string {
  return `${cores} × ${cpu}, ${memoryGiB} GiB, ${kernel}, Node ${node}, load ${load} at the start`;
}
