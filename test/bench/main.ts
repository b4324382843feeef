/** `npm run bench`: skypipe against its peers in the same run, on this machine. `--help` says more. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setup as buildWhatIsStale } from "../support/build.ts";
import { MiB } from "../support/bytes.ts";
import { clearOnSignals } from "./beds.ts";
import { chartOf } from "./chart.ts";
import { described, type Machine, machine } from "./machine.ts";
import { ensurePeers } from "./peers.ts";
import { profile } from "./profile.ts";
import { withTable } from "./readme.ts";
import { alone, runScenario } from "./runner.ts";
import type { Context, Result, Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import { tableOf } from "./table.ts";

const help = `npm run bench -- [options]

  --list             the scenarios (a file for each in test/bench/scenarios)
  --only NAME[,…]    these alone
  --quick            less of everything, and 3 rounds instead of 5
  --tiny             just enough to see that it runs
  --rounds N         in each of which every contestant has its turn
  --alone            without the peers: nothing is installed
  --json             for machines, on stdout; what was not measured is null
  --svg              draw what 'scaling' found into test/bench/scaling.svg
  --readme           put the targets into the README's table
  --profile          instead of all that: what the satellite spends its time on at full speed

The figures of different runs are not to be compared, the ratios are.
`;
const roundsOf: Record<Context["size"], number> = { full: 5, quick: 3, tiny: 1 };
const profiledMibOf: Record<Context["size"], number> = { full: 4_096, quick: 512, tiny: 16 };

const flag = { type: "boolean", default: false } as const;
const text = { type: "string" } as const;

function options(): ReturnType<typeof parsed> {
  const values = parsed();
  if (values.svg && !chosen(values.only).some(({ name }) => name === "scaling")) {
    throw new Error("--svg draws what 'scaling' finds: add it to --only");
  }
  return values;
}

function parsed() {
  const switches = { help: flag, list: flag, quick: flag, tiny: flag, alone: flag, json: flag };
  const outputs = { svg: flag, readme: flag, profile: flag };
  return parseArgs({ options: { ...switches, ...outputs, only: text, rounds: text } }).values;
}

function chosen(only: string | undefined): Scenario[] {
  if (only === undefined) return [...scenarios];
  const names = only.split(",");
  const unknown = names.find((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown !== undefined) throw new Error(`No scenario '${unknown}': npm run bench -- --list names them`);
  return scenarios.filter(({ name }) => names.includes(name));
}

function roundsIn(given: string): number {
  const rounds = Number(given);
  if (Number.isInteger(rounds) && rounds > 0) return rounds;
  throw new Error(`--rounds ${given}: give a whole number above 0`);
}

function writeSvg(on: Machine, results: readonly Result[]): void {
  const title = "skypipe: what a stream costs as there are more of them";
  writeFileSync(fileOf("scaling.svg"), chartOf(results, title, described(on)));
}

function writeReadme(on: Machine, results: readonly Result[]): void {
  const file = fileOf("../../README.md");
  writeFileSync(file, withTable(readFileSync(file, "utf8"), on, results));
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function print(output: string): void {
  process.stdout.write(output);
}

async function bench(values: ReturnType<typeof options>, context: Context): Promise<void> {
  const runs = values.alone ? chosen(values.only).map(alone) : chosen(values.only);
  buildWhatIsStale();
  const peers = runs.flatMap((scenario) => scenario.peers);
  ensurePeers(peers, say);
  const on = machine();
  if (on.load > on.cores) {
    say(`load ${on.load} on ${on.cores} cores: so much else runs here that even the ratios say little`);
  }
  if (!values.json) print(`${described(on)}\n`);
  const results: Result[] = [];
  for (const scenario of runs) {
    const found = await runScenario(scenario, context, say);
    results.push(...found);
    if (!values.json) for (const result of found) print(`\n${tableOf(result)}`);
    // At once: whoever stops the bench in the middle keeps what was measured.
    if (values.svg && scenario.name === "scaling") writeSvg(on, found);
    if (values.readme) writeReadme(on, results);
  }
  if (values.json) print(`${JSON.stringify({ machine: on, ...context, results }, null, 2)}\n`);
  if (results.some(({ failures }) => Object.keys(failures).length > 0)) process.exitCode = 1;
}

async function main(): Promise<void> {
  const values = options();
  const size = values.tiny ? "tiny" : values.quick ? "quick" : "full";
  const rounds = values.rounds === undefined ? roundsOf[size] : roundsIn(values.rounds);
  if (values.help) return print(help);
  if (values.list) {
    for (const { name, title } of scenarios) print(`${name.padEnd(10)}${title}\n`);
    return;
  }
  if (!values.profile) return bench(values, { size, rounds });
  buildWhatIsStale();
  ensurePeers(["time"], say);
  await profile(profiledMibOf[size] * MiB, (line) => print(`${line}\n`));
}

clearOnSignals();
try {
  await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
