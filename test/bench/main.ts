/**
 * `npm run bench`: skypipe against its peers in the same run, on this machine.
 *
 *     npm run bench -- [--list] [--only NAME[,NAME]] [--quick | --tiny] [--rounds N] [--alone] [--json] [--svg] [--readme]
 *     npm run bench -- --profile
 *
 * `--quick` moves less and has 3 rounds instead of 5, `--tiny` is just enough to see that it runs; `--alone` leaves the peers out and installs nothing; `--svg` draws what
 * `scaling` found into scaling.svg; `--readme` puts the targets into the README; `--profile` names what the satellite spends
 * its time on. What is measured is in scenarios/, a file for each. The figures of different runs are not to be compared, the
 * ratios are.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setup as buildWhatIsStale } from "../support/build.ts";
import { MiB } from "../support/bytes.ts";
import { chartOf } from "./chart.ts";
import { described, type Machine, machine } from "./machine.ts";
import { ensurePeers } from "./peers.ts";
import { profile } from "./profile.ts";
import { withTable } from "./readme.ts";
import { alone, runScenario } from "./runner.ts";
import type { Context, Result, Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import { tableOf } from "./table.ts";

const readme = here("../../README.md");
const profiledMib = { full: 4_096, quick: 512, tiny: 16 };

const { values } = parseArgs({
  options: {
    list: { type: "boolean", default: false },
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    tiny: { type: "boolean", default: false },
    rounds: { type: "string" },
    alone: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    svg: { type: "boolean", default: false },
    readme: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
  },
});
const size: Context["size"] = values.tiny ? "tiny" : values.quick ? "quick" : "full";

function chosen(): Scenario[] {
  if (values.only === undefined) return [...scenarios];
  const names = values.only.split(",");
  const unknown = names.find((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown !== undefined) throw new Error(`No scenario '${unknown}': npm run bench -- --list names them`);
  return scenarios.filter(({ name }) => names.includes(name));
}

function roundsWanted(): number {
  const rounds = Number(values.rounds ?? { full: 5, quick: 3, tiny: 1 }[size]);
  if (Number.isInteger(rounds) && rounds > 0) return rounds;
  throw new Error(`--rounds ${values.rounds}: give a whole number above 0`);
}

function writeSvg(on: Machine, results: readonly Result[]): void {
  const found = results.filter((result) => result.scenario === "scaling");
  if (found.length === 0) throw new Error("--svg draws what scaling found: choose it with --only scaling");
  const title = "skypipe: what a stream costs as there are more of them";
  writeFileSync(here("scaling.svg"), chartOf(found, title, described(on)));
}

function here(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function bench(): Promise<void> {
  const context: Context = { size, rounds: roundsWanted() };
  const runs = values.alone ? chosen().map(alone) : chosen();
  buildWhatIsStale();
  ensurePeers(
    runs.flatMap(({ peers }) => peers),
    say,
  );
  const on = machine();
  if (on.load > on.cores)
    say(`load ${on.load} on ${on.cores} cores: so much else runs that the ratios say little`);
  if (!values.json) process.stdout.write(`${described(on)}\n`);
  const results: Result[] = [];
  for (const scenario of runs) {
    const found = await runScenario(scenario, context, say);
    results.push(...found);
    if (!values.json) for (const result of found) process.stdout.write(`\n${tableOf(result)}`);
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ machine: on, ...context, results }, null, 2)}\n`);
  if (values.svg) writeSvg(on, results);
  if (values.readme) writeFileSync(readme, withTable(readFileSync(readme, "utf8"), on, results));
  if (results.some(({ failures }) => Object.keys(failures).length > 0)) process.exitCode = 1;
}

function list(): void {
  for (const { name, title } of scenarios) process.stdout.write(`${name.padEnd(12)}${title}\n`);
}

async function showProfile(): Promise<void> {
  buildWhatIsStale();
  ensurePeers(["time"], say);
  await profile(profiledMib[size] * MiB, (text) => void process.stdout.write(`${text}\n`));
}

if (values.list) list();
else {
  try {
    await (values.profile ? showProfile() : bench());
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
