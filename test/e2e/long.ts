/**
 * `npm run soak`: the large runs of the durable satellite, as real processes, each bounded in time.
 *
 *     npm run soak -- [live] [backlog] [--times N] [--live-mib 1024] [--backlog-mib 5120] [--cuts 20] [--kills 3]
 */
import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { Bed } from "../support/bed.ts";
import { MiB } from "../support/bytes.ts";
import { backlogThroughRestart, liveThroughCuts } from "./durable-scenarios.ts";

/** As slow as a machine may be that is at something else too. */
const slowestBytesPerS = 4 * MiB;
const startMs = 60_000;

interface Sizes {
  liveMib: number;
  backlogMib: number;
  cuts: number;
  kills: number;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function withinMs(bytes: number): number {
  return startMs + (bytes / slowestBytesPerS) * 1_000;
}

function same(written: string, read: string): void {
  say(`  written ${written}\n  read    ${read}`);
  if (written !== read) throw new Error("what was read is not what was written");
}

async function live(bed: Bed, { liveMib, cuts, kills }: Sizes): Promise<void> {
  say(`live: ${liveMib} MiB, ${cuts} cuts, ${kills} SIGKILLs of the satellite`);
  const bytes = liveMib * MiB;
  const run = await liveThroughCuts(bed, { bytes, cuts, kills, withinMs: withinMs(bytes) });
  same(run.written, run.read);
  say(`  ${run.cuts} cuts, ${run.kills} SIGKILLs`);
  if (run.cuts !== cuts || run.kills !== kills) throw new Error("not every cut or SIGKILL took place");
}

async function backlog(bed: Bed, { backlogMib }: Sizes): Promise<void> {
  const bytes = backlogMib * MiB;
  say(`backlog: ${backlogMib} MiB through a SIGKILL`);
  const { bavail, bsize } = statfsSync(tmpdir());
  if (bavail * bsize < bytes * 1.5) {
    throw new Error(`${tmpdir()} has no room for it: make some, or choose less with --backlog-mib`);
  }
  const run = await backlogThroughRestart(bed, { bytes, withinMs: withinMs(bytes) });
  same(run.written, run.read);
  say(`  first accepted connection ${Math.round(run.acceptedMs)} ms after the start of the process`);
}

const runs = { live, backlog };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    times: { type: "string", default: "1" },
    "live-mib": { type: "string", default: "1024" },
    "backlog-mib": { type: "string", default: "5120" },
    cuts: { type: "string", default: "20" },
    kills: { type: "string", default: "3" },
  },
});

const sizes: Sizes = {
  liveMib: Number(values["live-mib"]),
  backlogMib: Number(values["backlog-mib"]),
  cuts: Number(values.cuts),
  kills: Number(values.kills),
};
const chosen = Object.entries(runs).filter(
  ([name]) => positionals.length === 0 || positionals.includes(name),
);
for (let time = 0; time < Number(values.times); time++) {
  for (const [, run] of chosen) {
    const bed = new Bed();
    const startedMs = performance.now();
    try {
      await run(bed, sizes);
    } finally {
      await bed.close();
    }
    say(`  ok, ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
  }
}
