/**
 * From a token to the first byte that arrives, through the stand-in for Fly. What the stand-in and the machine that it starts
 * take is told apart from what is ours: at Fly those are other figures.
 */
import { StandIn } from "../../deploy/stand-in/stand-in.ts";
import type { Bed } from "../../support/bed.ts";
import type { Group, Sample, Scenario } from "../scenario.ts";

const boundMs = 120_000;

async function firstByte(bed: Bed): Promise<Sample> {
  const standIn = await StandIn.open();
  try {
    Object.assign(bed.env, standIn.env, { FLY_API_TOKEN: standIn.token() });
    const fromMs = performance.now();
    await bed.skypipe(["setup", "fly", "--yes"]).exits(0, boundMs);
    const reader = bed.skypipe(["x"]);
    const writer = bed.shell("echo hello | skypipe x");
    await reader.puts("hello", boundMs);
    const totalMs = performance.now() - fromMs;
    await Promise.all([reader.exits(0), writer.exits(0)]);
    const theirsMs = covered(standIn.spans);
    return {
      ms: totalMs,
      // Programs that start, requests that are prepared and read, waiting between looks, the bytes themselves.
      "of it ours": totalMs - theirsMs,
      // The API at work, and the machine on its way from its start to listening.
      "the stand-in's": theirsMs,
      requests: standIn.requests.length,
    };
  } finally {
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

export const firstUse: Scenario = {
  name: "first-use",
  title: "from a token to the first byte, through a stand-in for Fly",
  peers: [],
  groups(): Group[] {
    const title = "setup fly, then a line from end to end";
    return [{ title, boundMs, contestants: { skypipe: firstByte }, targets: [] }];
  },
};
