/** One process of many that simulate: every so many seeds, a line for each violation, and one at the end. */
import { parseArgs } from "node:util";
import type { StoreKind } from "./plan.ts";
import { simulate } from "./run.ts";

const { values } = parseArgs({
  options: {
    from: { type: "string", default: "1" },
    step: { type: "string", default: "1" },
    runs: { type: "string" },
    minutes: { type: "string" },
    store: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});

Error.stackTraceLimit = 0; // it costs a twentieth of the time, and a replay shows them
const untilMs =
  values.minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + Number(values.minutes) * 60_000;
const runs = Number(values.runs ?? Number.POSITIVE_INFINITY);
const from = Number(values.from);
const step = Number(values.step);
const parent = process.ppid;
let done = 0;
for (let seed = from; done < runs && Date.now() < untilMs && process.ppid === parent; seed += step) {
  const result = await simulate(seed, values.store as StoreKind | undefined);
  done++;
  if (result.violations.length === 0) continue;
  process.stdout.write(`${JSON.stringify(result)}\n`);
  if (!values.keep) break;
}
process.stdout.write(`${JSON.stringify({ done })}\n`);
