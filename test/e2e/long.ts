/**
 * `npm run soak`: the large runs of the durable satellite, as real processes, each bounded in time.
 *
 *     npm run soak -- [live] [backlog] [age] [--times N] [--live-mib 1024] [--backlog-mib 5120] [--cuts 20] [--kills 3] [--minutes 30]
 */
import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { slopeOf } from "../bench/statistics.ts";
import { Bed } from "../support/bed.ts";
import { MiB } from "../support/bytes.ts";
import { growOld, type Reading } from "./age.ts";
import { backlogThroughRestart, liveThroughCuts } from "./durable-scenarios.ts";

/** As slow as a machine may be that is at something else too. */
const slowestBytesPerS = 4 * MiB;
const startMs = 60_000;

interface Sizes {
  liveMib: number;
  backlogMib: number;
  cuts: number;
  kills: number;
  minutes: number;
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

/** The first quarter of a life is growing up: code is compiled, windows open. */
const childhood = 0.25;
/** What may have been added by the end: noise of a collector, and not a leak of a thousandth of what went through. */
const addedMibMax = 2;

async function age(bed: Bed, { minutes }: Sizes): Promise<void> {
  say(
    `age: ${minutes} minutes of short and long streams, cuts and lost writers; memory in use (and resident), MiB`,
  );
  const life = await growOld(bed, minutes * 60_000, ({ who, hours, inUseMiB, residentMiB }) =>
    say(
      `  ${(hours * 60).toFixed(1).padStart(5)} min  ${who.padEnd(9)} ${inUseMiB.toFixed(1)} (${residentMiB.toFixed(1)})`,
    ),
  );
  same(life.written, life.read);
  const { lines, shortStreams, longStreams, cuts, killedWriters } = life;
  say(
    `  ${lines} lines, ${shortStreams} short and ${longStreams} long streams, ${cuts} cuts, ${killedWriters} lost writers`,
  );
  const grown = [...new Set(life.readings.map(({ who }) => who))].filter((who) => {
    const all = life.readings.filter((reading) => reading.who === who);
    return !isFlat(who, all.slice(Math.floor(all.length * childhood)));
  });
  if (grown.length > 0) throw new Error(`memory grows with age: ${grown.join(", ")}`);
}

function isFlat(who: string, readings: readonly Reading[]): boolean {
  const hours = (readings.at(-1)?.hours ?? 0) - (readings[0]?.hours ?? 0);
  const inUse = slopeOf(readings.map((reading) => [reading.hours, reading.inUseMiB]));
  const resident = slopeOf(readings.map((reading) => [reading.hours, reading.residentMiB]));
  const peak = Math.max(...readings.map(({ residentMiB }) => residentMiB));
  const added = inUse * hours;
  say(
    `  ${who.padEnd(9)} slope ${inUse.toFixed(1)} MiB/h in use (${resident.toFixed(1)} resident, peak ${peak.toFixed(0)} MiB): ` +
      `${added.toFixed(2)} MiB in ${(hours * 60).toFixed(0)} min`,
  );
  return added <= addedMibMax;
}

const runs = { live, backlog, age };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    times: { type: "string", default: "1" },
    "live-mib": { type: "string", default: "1024" },
    "backlog-mib": { type: "string", default: "5120" },
    cuts: { type: "string", default: "20" },
    kills: { type: "string", default: "3" },
    minutes: { type: "string", default: "30" },
  },
});

const sizes: Sizes = {
  liveMib: Number(values["live-mib"]),
  backlogMib: Number(values["backlog-mib"]),
  cuts: Number(values.cuts),
  kills: Number(values.kills),
  minutes: Number(values.minutes),
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
