/** What a process of ours holds, without what its collector of garbage has not come to yet. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import type { Bed } from "../support/bed.ts";
import { command } from "../support/bed.ts";
import type { Proc, ProcOptions } from "../support/proc.ts";
import { until } from "../support/until.ts";
import { endScript } from "./ends.ts";

export interface Watched {
  readonly proc: Proc;
  /** Bytes in use, on the heap and beside it. The process collects garbage for that. */
  readonly inUse: () => Promise<number>;
}

let watched = 0;

/** The command with nothing changed, but that it can be asked. */
export function watchedSkypipe(bed: Bed, args: readonly string[], options: ProcOptions = {}): Watched {
  const file = bed.path(`heap-${++watched}`);
  const flags = ["--expose-gc", "--require", endScript("heap"), command];
  const env = { ...options.env, SKYPIPE_TEST_HEAP: file };
  const proc = bed.spawn(process.execPath, [...flags, ...args], { ...options, env });
  const inUse = async (): Promise<number> => {
    await until(`${proc.title} can be asked`, () => existsSync(file));
    rmSync(file);
    proc.kill("SIGUSR2");
    const text = await until(`${proc.title} tells its memory`, () => readFileSync(file, "utf8"));
    const { heapUsed, external } = JSON.parse(text) as NodeJS.MemoryUsage;
    return heapUsed + external; // external has the array buffers in it
  };
  return { proc, inUse };
}
