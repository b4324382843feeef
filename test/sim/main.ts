/** `npm run sim -- --seed N [--trace] [--drop 1,2] | --runs N [--from SEED] | --minutes N | --hours N  [--store KIND] [--jobs N]` */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { StoreKind } from "./plan.ts";
import { describePlan, type Result, replay, shrink, simulate } from "./run.ts";

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
    worker: { type: "boolean", default: false },
    step: { type: "string", default: "1" },
    quick: { type: "boolean", default: false },
    shrink: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
const store = values.store as StoreKind | undefined;

if (values.seed !== undefined) await replayOne(Number(values.seed));
else if (values.worker) await work();
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

/** One process of many: every so many seeds, a line for each violation. */
async function work(): Promise<void> {
  const untilMs =
    values.minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + Number(values.minutes) * 60_000;
  const count = Number(values.runs ?? Number.POSITIVE_INFINITY);
  const from = Number(values.from);
  const step = Number(values.step);
  let done = 0;
  for (let seed = from; seed < from + count * step && Date.now() < untilMs; seed += step) {
    const result = await simulate(seed, store);
    done++;
    if (result.violations.length > 0) process.stdout.write(`${JSON.stringify(result)}\n`);
    if (result.violations.length > 0 && !values.keep) break;
  }
  process.stdout.write(`${JSON.stringify({ done })}\n`);
}

async function runMany(): Promise<void> {
  const jobs = Number(values.jobs);
  const from = Number(values.from);
  const minutes = values.hours === undefined ? values.minutes : String(Number(values.hours) * 60);
  const runs = Number(values.runs ?? (minutes === undefined ? 1_000 : Number.POSITIVE_INFINITY));
  const startedMs = Date.now();
  const found: Result[] = [];
  let done = 0;
  const children = Array.from({ length: jobs }, (_, job) => {
    const share = Math.ceil((runs - job) / jobs);
    const args = ["--worker", "--from", String(from + job), "--step", String(jobs)];
    if (Number.isFinite(runs)) args.push("--runs", String(share));
    if (minutes !== undefined) args.push("--minutes", minutes);
    if (store !== undefined) args.push("--store", store);
    if (values.keep) args.push("--keep");
    const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.on("data", (bytes: Buffer) => {
      text += bytes.toString();
    });
    return once(child, "close").then(([code]) => {
      if (code !== 0) throw new Error(`a worker ends with ${String(code)}`);
      for (const line of text.split("\n").filter((each) => each.startsWith("{"))) {
        const parsed = JSON.parse(line) as Result | { done: number };
        if ("done" in parsed) done += parsed.done;
        else found.push(parsed);
      }
    });
  });
  await Promise.all(children);
  const seconds = (Date.now() - startedMs) / 1000;
  const range = `seeds ${from}–${from + done - 1}`;
  console.log(
    `${done} schedules (${range}) in ${seconds.toFixed(1)} s: ${Math.round(done / seconds)} per second`,
  );
  console.log(`${found.length} with violations`);
  for (const result of found.slice(0, 20)) {
    const { seed, violations } = result;
    for (const { rule, text } of violations) console.log(`seed ${seed} violates ${rule}: ${text}`);
  }
  const first = found[0];
  if (first === undefined) return;
  process.exitCode = 1;
  if (values.quick) return;
  const shrunk = await shrink(first.seed, store);
  console.log(
    `\nthe first, shrunk: npm run sim -- --seed ${first.seed}${shrunk.drop.length > 0 ? ` --drop ${shrunk.drop.join(",")}` : ""} --trace`,
  );
  console.log(describePlan(shrunk.plan));
}
