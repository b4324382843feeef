/**
 * What a stream costs as there are more of them: 1, 10 and 100 that are live, and 10, 1,000 and 100,000 that wait to be read.
 * In each case bytes at full speed, then a line every millisecond on a pipe that has nothing to do with the others.
 */
import { connect } from "../../../cli/client/index.ts";
import { readSmallStreams, writeSmallStreams } from "../../e2e/durable-scenarios.ts";
import type { Bed } from "../../support/bed.ts";
import { KiB, MiB } from "../../support/bytes.ts";
import { secondsOf } from "../disk.ts";
import { endLine } from "../ends.ts";
import { flood } from "../flow.ts";
import { lineTimesUs } from "../probe.ts";
import { readersLine, secondsIn } from "../readers.ts";
import { pipeOf, type Route, satellitePort, satelliteUrl, skypipe } from "../routes.ts";
import type { Contestant, Context, Group, Sample, Scenario } from "../scenario.ts";
import { quantile } from "../statistics.ts";
import { meter } from "../usage.ts";

const boundMs = 300_000;
const liveCounts = [1, 10, 100] as const;
const bufferedCountsOf: Record<Context["size"], readonly number[]> = {
  full: [10, 1_000, 100_000],
  quick: [10, 1_000, 20_000],
  tiny: [10, 100],
};
const mibOf: Record<Context["size"], number> = { full: 500, quick: 200, tiny: 5 };
const linesOf: Record<Context["size"], number> = { full: 3_000, quick: 1_000, tiny: 50 };
/** Of each stream beside the one that is measured. */
const linesPerS = 10;
/** Behind those that are buffered already, to see what one more costs. */
const moreStreams = 1_000;
/** A cost that is at most this many times as high counts as flat. */
const flat = 2;

async function lineP50(bed: Bed, route: Route, count: number): Promise<number> {
  return quantile(await lineTimesUs(bed, route, count), 0.5);
}

async function together(bed: Bed, route: Route, streams: number, bytes: number): Promise<Sample> {
  const port = satellitePort(bed);
  const load = { readers: streams, bytes, payload: 64 * KiB, pipes: streams };
  const readers = bed.shell(`${readersLine({ protocol: "skypipe", port, ...load })} >/dev/null`);
  await readers.says(/^ready/m);
  const costs = meter(route.relay.pid);
  const line = endLine("writers", satelliteUrl(bed), streams, bytes);
  await bed.shell(line).exits(0, boundMs);
  const { err } = await readers.exits(0, boundMs);
  const rate = (streams * bytes) / MiB / secondsIn(err);
  return { "MiB/s": rate, "MiB/s per stream": rate / streams, ...costs("relay", streams * bytes) };
}

function live(streams: number, size: Context["size"]): Contestant {
  return async (bed) => {
    const route = await skypipe()(bed);
    const figures = await together(bed, route, streams, Math.floor((mibOf[size] * MiB) / streams));
    // The others write a line now and then to a reader of theirs while one is looked at.
    const others = bed.shell(endLine("writers", satelliteUrl(bed), streams, 0, linesPerS));
    const port = satellitePort(bed);
    const endless = { readers: streams, bytes: Number.MAX_SAFE_INTEGER, payload: 100, pipes: streams };
    const readers = bed.shell(`${readersLine({ protocol: "skypipe", port, ...endless })} >/dev/null`);
    await Promise.all([others.says(/^ready/m), readers.says(/^ready/m)]);
    return {
      ...figures,
      "line p50 µs": await lineP50(bed, { ...route, ...pipeOf(bed, "probe") }, linesOf[size]),
    };
  };
}

function textsOf(streams: number): string[] {
  return Array.from({ length: streams }, () => `${"x".repeat(99)}\n`);
}

function buffered(streams: number, size: Context["size"]): Contestant {
  return async (bed) => {
    const route = await skypipe()(bed);
    const url = satelliteUrl(bed);
    await writeSmallStreams(url, "backlog", textsOf(streams));
    const more = textsOf(moreStreams);
    const writeS = await secondsOf(async () => writeSmallStreams(url, "backlog", more));
    const figures = await flood(bed, route, mibOf[size] * MiB, boundMs);
    const p50 = await lineP50(bed, route, linesOf[size]);
    const all = streams + moreStreams;
    const readS = await secondsOf(async () => readSmallStreams(url, "backlog", all));
    await isEmpty(url);
    return {
      "MiB/s": figures["MiB/s"] ?? Number.NaN,
      "relay CPU s/GiB": figures["relay CPU s/GiB"] ?? Number.NaN,
      "line p50 µs": p50,
      "µs to write a stream": (writeS / moreStreams) * 1e6,
      "µs to read a stream": (readS / all) * 1e6,
      "relay peak MiB": figures["relay peak MiB"] ?? Number.NaN,
    };
  };
}

async function isEmpty(url: string): Promise<void> {
  const satellite = await connect({ url });
  try {
    const rows = await satellite.list();
    if (rows.some(({ streams }) => streams > 0))
      throw new Error(`something is left: ${JSON.stringify(rows)}`);
  } finally {
    await satellite.close();
  }
}

function named(counts: readonly number[], what: string): string[] {
  return counts.map((count) => `skypipe, ${count.toLocaleString("en")} ${what}`);
}

function each(names: readonly string[], make: (index: number) => Contestant): Group["contestants"] {
  return Object.fromEntries(names.map((name, index) => [name, make(index)]));
}

/** The last of several contestants against the first: costs flat, rates not much less. */
function flatness(
  names: readonly string[],
  costs: readonly string[],
  rates: readonly string[],
): Group["targets"] {
  const [peer = "", of = ""] = [names[0], names.at(-1)];
  return [
    ...rates.map((metric) => ({ of, metric, peer, atLeast: 1 / flat })),
    ...costs.map((metric) => ({ of, metric, peer, atMost: flat })),
  ];
}

export const scaling: Scenario = {
  name: "scaling",
  title: "what a stream costs as there are more of them",
  peers: ["time"],
  groups({ size }): Group[] {
    const bufferedCounts = bufferedCountsOf[size];
    const liveNames = named(liveCounts, "live");
    const bufferedNames = named(bufferedCounts, "buffered");
    return [
      {
        title: `live streams that share ${mibOf[size]} MiB, each with a session and a pipe of its own`,
        boundMs,
        contestants: each(liveNames, (index) => live(liveCounts[index] ?? 1, size)),
        targets: flatness(liveNames, ["relay CPU s/GiB", "line p50 µs"], ["MiB/s"]),
      },
      {
        title: `one live stream of ${mibOf[size]} MiB beside buffered ones of 100 bytes`,
        boundMs,
        contestants: each(bufferedNames, (index) => buffered(bufferedCounts[index] ?? 1, size)),
        targets: flatness(
          bufferedNames,
          ["relay CPU s/GiB", "line p50 µs", "µs to write a stream", "µs to read a stream"],
          ["MiB/s"],
        ),
      },
    ];
  },
};
