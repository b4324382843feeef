/** `npm run sim -- --seed N [--trace] [--shrink] [--drop 1,2] | --runs N [--from SEED] | --minutes N | --hours N  [--store KIND] [--jobs N] [--keep]` */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import type { StoreKind } from "./plan.ts";
import { describePlan, type Result, replay, shrink } from "./run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    drop: { type: "string" },
    runs: { type: "string" },
    from: { type: "string", default: "1" },
    minutes: { type: "string" },
    hours: { type: "string" },
    store: { type: "string" },
    jobs: { type: "string", default: "2" },
    quick: { type: "boolean", default: false },
    shrink: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
const store = values.store as StoreKind | undefined;
/** Schedules are short, and what they leave is young: a larger nursery saves most of the collector's work. */
const NURSERY_MIB = 32;

if (values.seed !== undefined) await replayOne(Number(values.seed));
else await runMany();

async function replayOne(seed: number): Promise<void> {
  if (values.shrink) {
    const shrunk = await shrink(seed, store);
    console.log(`--drop ${shrunk.drop.join(",")}`);
    values.drop = shrunk.drop.join(",");
  }
  const drop = new Set((values.drop ?? "").split(",").filter(Boolean).map(Number));
  const { world, violations } = await replay(seed, { store, drop, isTraced: true });
  if (values.trace) for (const line of world.lines ?? []) console.log(line);
  else console.log(describePlan(world.plan));
  for (const { rule, text } of violations) console.log(`violates ${rule}: ${text}`);
  if (violations.length === 0) console.log(`seed ${seed}: nothing is violated`);
  else process.exitCode = 1;
}

async function runMany(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "skypipe-sim-"));
  try {
    const worker = path.join(folder, "worker.mjs");
    await bundle(worker);
    const startedMs = Date.now();
    const { done, found } = await simulateAll(worker);
    const seconds = (Date.now() - startedMs) / 1000;
    const range = `seeds ${values.from}–${Number(values.from) + done - 1}`;
    console.log(
      `${done} schedules (${range}) in ${seconds.toFixed(1)} s: ${Math.round(done / seconds)} per second`,
    );
    await report(found);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One plain file: it starts at once, and runs a third faster than what tsx makes of the sources. */
async function bundle(outfile: string): Promise<void> {
  const entry = fileURLToPath(new URL("worker.ts", import.meta.url));
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
  });
}

async function simulateAll(worker: string): Promise<{ done: number; found: Result[] }> {
  const jobs = Number(values.jobs);
  const from = Number(values.from);
  const minutes = values.hours === undefined ? values.minutes : String(Number(values.hours) * 60);
  const runs = Number(values.runs ?? (minutes === undefined ? 1_000 : Number.POSITIVE_INFINITY));
  const found: Result[] = [];
  let done = 0;
  const stop = new AbortController();
  const workers = Array.from({ length: jobs }, async (_, job) => {
    const args = ["--from", String(from + job), "--step", String(jobs)];
    if (Number.isFinite(runs)) args.push("--runs", String(Math.ceil((runs - job) / jobs)));
    if (minutes !== undefined) args.push("--minutes", minutes);
    if (store !== undefined) args.push("--store", store);
    if (values.keep) args.push("--keep");
    for (const line of await linesOf(worker, args, stop.signal)) {
      const parsed = JSON.parse(line) as Result | { done: number };
      if ("done" in parsed) done += parsed.done;
      else found.push(parsed);
    }
    if (found.length > 0 && !values.keep) stop.abort();
  });
  await Promise.all(workers);
  return { done, found };
}

async function linesOf(worker: string, args: readonly string[], stop: AbortSignal): Promise<string[]> {
  const child = spawn(process.execPath, [`--max-semi-space-size=${NURSERY_MIB}`, worker, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  const kill = (): boolean => child.kill();
  stop.addEventListener("abort", kill);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  stop.removeEventListener("abort", kill);
  if (code !== 0 && !stop.aborted) throw new Error(`a worker ends with ${String(code ?? signal)}`);
  return text.split("\n").filter((line) => line.startsWith("{"));
}

async function report(found: readonly Result[]): Promise<void> {
  console.log(`${found.length} with violations`);
  for (const { seed, violations } of found.slice(0, 20)) {
    for (const { rule, text } of violations) console.log(`seed ${seed} violates ${rule}: ${text}`);
  }
  const [first] = found;
  if (first === undefined) return;
  process.exitCode = 1;
  if (values.quick) return;
  const shrunk = await shrink(first.seed, store);
  const drop = shrunk.drop.length > 0 ? ` --drop ${shrunk.drop.join(",")}` : "";
  console.log(`\nthe first, shrunk: npm run sim -- --seed ${first.seed}${drop} --trace`);
  console.log(describePlan(shrunk.plan));
}
