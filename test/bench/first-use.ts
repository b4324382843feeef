/**
 * `npm run bench:first-use`: from a token to the first byte that arrives, through the stand-in for Fly. What the
 * stand-in and the machine that it starts take is told apart from what is ours: at Fly those are other figures.
 *
 *     npm run bench:first-use -- [--json] [--rounds 5]
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { StandIn } from "../deploy/stand-in/stand-in.ts";
import { Bed } from "../support/bed.ts";

interface Round {
  totalMs: number;
  /** The API at work, and the machine on its way from its start to listening. */
  theirsMs: number;
  /** Programs that start, requests that are prepared and read, waiting between looks, the bytes themselves. */
  oursMs: number;
  requests: number;
}

async function round(): Promise<Round> {
  const standIn = await StandIn.open();
  const bed = new Bed();
  Object.assign(bed.env, standIn.env, { FLY_API_TOKEN: standIn.token() });
  try {
    const fromMs = performance.now();
    await bed.skypipe(["setup", "fly", "--yes"]).exits(0, 60_000);
    const reader = bed.skypipe(["x"]);
    const writer = bed.shell("echo hello | skypipe x");
    await reader.puts("hello", 60_000);
    const totalMs = performance.now() - fromMs;
    await Promise.all([reader.exits(0), writer.exits(0)]);
    const theirsMs = covered(standIn.spans);
    return { totalMs, theirsMs, oursMs: totalMs - theirsMs, requests: standIn.requests.length };
  } finally {
    await bed.close();
    await standIn.close();
  }
}

/** Spans that overlap count once. */
function covered(spans: readonly { fromMs: number; toMs: number }[]): number {
  let sumMs = 0;
  let reachedMs = 0;
  for (const { fromMs, toMs } of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    sumMs += Math.max(0, toMs - Math.max(fromMs, reachedMs));
    reachedMs = Math.max(reachedMs, toMs);
  }
  return sumMs;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const { values } = parseArgs({
  options: { json: { type: "boolean" }, rounds: { type: "string", default: "5" } },
});
const rounds: Round[] = [];
for (let at = 0; at < Number(values.rounds); at++) rounds.push(await round());
const facts = {
  rounds: rounds.length,
  totalMs: Math.round(median(rounds.map(({ totalMs }) => totalMs))),
  theirsMs: Math.round(median(rounds.map(({ theirsMs }) => theirsMs))),
  oursMs: Math.round(median(rounds.map(({ oursMs }) => oursMs))),
  requests: median(rounds.map(({ requests }) => requests)),
  load: loadavg()[0]?.toFixed(1),
};
console.log(
  values.json === true
    ? JSON.stringify(facts)
    : `from a token to the first byte: ${facts.totalMs} ms, of which ours ${facts.oursMs} ms; the stand-in's API and its ` +
        `machine ${facts.theirsMs} ms, in ${facts.requests} requests (medians of ${facts.rounds}, load ${facts.load})`,
);
