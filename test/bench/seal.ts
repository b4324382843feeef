/**
 * `npm run bench:seal`: what sealing adds to the CPU of each end, against what sealing and opening alone cost in
 * node:crypto in the same run.
 *
 *     npm run bench:seal -- [--mib 512] [--rounds 5] [--json]
 *
 * Bytes go from a writer to a reader, on the library, through a satellite in memory, plain and sealed in turns. "Alone" is
 * a loop over chunks as large as a sealed one can be: a cipher, the associated data, the bytes and the tag. Each is a
 * process of its own, and CPU its user and system from before it connects: what is made new for every chunk costs most
 * while memory is new to the process. The command's ends do the same and read and write files besides, whose cost on a
 * busy machine varies by more than sealing costs.
 */
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeKey } from "../../cli/client/index.ts";
import { Bed } from "../support/bed.ts";
import type { Proc } from "../support/proc.ts";
import { type Spread, spread } from "./statistics.ts";

const endPath = fileURLToPath(new URL("seal-end.ts", import.meta.url));
const boundMs = 300_000;
const { values } = parseArgs({
  options: {
    mib: { type: "string", default: "512" },
    rounds: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
  },
});
const perGiB = 1_024 / Number(values.mib);

interface Cost {
  writer: number;
  reader: number;
}

function start(bed: Bed, role: string, key = ""): Proc {
  const args = ["--import", "tsx", endPath, role, values.mib, key];
  return bed.spawn(process.execPath, args, { cwd: process.cwd() });
}

/** Seconds of CPU, per GiB. */
async function costOf(proc: Proc): Promise<number> {
  return Number((await proc.exits(0, boundMs)).out) * perGiB;
}

async function transfer(bed: Bed, key: string): Promise<Cost> {
  const reader = start(bed, "read", key);
  await bed.pipe("bench", { readers: 1 });
  const [writerCost, readerCost] = await Promise.all([costOf(start(bed, "write", key)), costOf(reader)]);
  return { writer: writerCost, reader: readerCost };
}

/** Each once in each round, so that what else the machine does meets all of them. */
async function interleaved(
  contestants: Readonly<Record<string, () => Promise<number>>>,
): Promise<Record<string, Spread>> {
  const numbers = new Map<string, number[]>(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, measured] of Object.entries(contestants)) numbers.get(name)?.push(await measured());
  }
  return Object.fromEntries([...numbers].map(([name, each]) => [name, spread(each)]));
}

async function measure(bed: Bed): Promise<Record<string, Spread>> {
  await bed.satellite();
  let last: Cost = { writer: 0, reader: 0 };
  const writerWith = (key: string) => async (): Promise<number> => {
    last = await transfer(bed, key);
    return last.writer;
  };
  return interleaved({
    "seal alone": async () => costOf(start(bed, "seal")),
    "open alone": async () => costOf(start(bed, "open")),
    "plain writer": writerWith(""),
    "plain reader": async () => last.reader,
    "sealed writer": writerWith(makeKey()),
    "sealed reader": async () => last.reader,
  });
}

function line(name: string, { median, min, max }: Spread): string {
  return `${name.padEnd(16)}${median.toFixed(2)} s/GiB (${min.toFixed(2)} to ${max.toFixed(2)})`;
}

const bed = new Bed();
try {
  const costs = await measure(bed);
  const at = (name: string): number => costs[name]?.median ?? Number.NaN;
  const ratios = {
    writer: (at("sealed writer") - at("plain writer")) / at("seal alone"),
    reader: (at("sealed reader") - at("plain reader")) / at("open alone"),
  };
  const lines = [
    ...Object.entries(costs).map(([name, cost]) => line(name, cost)),
    `added to a writer: ${ratios.writer.toFixed(2)} × sealing alone; to a reader: ${ratios.reader.toFixed(2)} × opening alone`,
    `load average ${loadavg()[0]?.toFixed(1)}, node ${process.version}`,
  ];
  process.stdout.write(values.json ? `${JSON.stringify({ costs, ratios })}\n` : `${lines.join("\n")}\n`);
} finally {
  await bed.close();
}
