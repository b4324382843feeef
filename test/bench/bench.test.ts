/** The bench itself: what it makes of numbers, and that it runs. What it measures is asserted nowhere. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { chartOf } from "./chart.ts";
import { described, type Machine, machine } from "./machine.ts";
import { costsOf } from "./profile.ts";
import { withTable } from "./readme.ts";
import { alone, judge, runScenario } from "./runner.ts";
import type { Contestant, Result, Scenario } from "./scenario.ts";
import { messages } from "./scenarios/fanout.ts";
import { scenarios } from "./scenarios/index.ts";
import { quantile, slopeOf, spread } from "./statistics.ts";
import { aimOf, figure, tableOf } from "./table.ts";

const here: Machine = {
  cores: 2,
  cpu: "A CPU",
  memoryGiB: 8,
  kernel: "Linux 6.1",
  node: "v20.20.0",
  load: 0.5,
};
const root = fileURLToPath(new URL("../..", import.meta.url));

function frame(functionName: string, url: string): object {
  return { callFrame: { functionName, url, lineNumber: 9 } };
}

function certain(value: number): Result["contestants"][string][string] {
  return { median: value, min: value, max: value };
}

const result: Result = {
  scenario: "live",
  title: "from here | to there",
  rounds: 5,
  contestants: {
    skypipe: { "MiB/s": { median: 500, min: 450, max: 510 }, "relay CPU s/GiB": certain(0.6) },
    socat: { "MiB/s": certain(1_000) },
  },
  failures: { ssh: "no sshd" },
  targets: [
    { of: "skypipe", metric: "MiB/s", peer: "socat", atLeast: 0.65, goal: 0.75, measured: 0.5, met: false },
    { of: "skypipe", metric: "relay CPU s/GiB", atMost: 1, measured: 0.6, met: true },
    { of: "skypipe", metric: "MiB/s", peer: "ssh", atLeast: 2, measured: Number.NaN, met: false },
  ],
};

it("takes the middle, or the mean of the two that are in the middle", () => {
  expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  expect(spread([4, 1, 2, 30])).toEqual({ median: 3, min: 1, max: 30 });
  expect(spread([])).toEqual({ median: Number.NaN, min: Number.NaN, max: Number.NaN });
});

it("finds quantiles by rank", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([0.5, 0.99, 1].map((share) => quantile(hundred, share))).toEqual([50, 99, 100]);
  expect(quantile([7], 0)).toBe(7);
});

it("finds the slope of a line, and of none", () => {
  expect(slopeOf([[0, 1], [1, 3], [2, 5]])).toBe(2); // biome-ignore format: points
  expect(slopeOf([[0, 4], [1, 4], [5, 4]])).toBe(0); // biome-ignore format: points
});

it("judges a ratio of two metrics, or a figure, and meets nothing where one is missing", () => {
  const found = { skypipe: { a: certain(6) }, peer: { a: certain(4), b: certain(2) } };
  const target = { of: "skypipe", metric: "a" };
  expect(judge({ ...target, peer: "peer", atLeast: 1.5 }, found)).toMatchObject({ measured: 1.5, met: true });
  expect(judge({ ...target, peer: "peer", peerMetric: "b", atMost: 2.9 }, found)).toMatchObject({
    measured: 3,
    met: false,
  });
  expect(judge({ ...target, atMost: 6 }, found)).toMatchObject({ measured: 6, met: true });
  expect(judge({ ...target, peer: "gone", atMost: 6 }, found)).toMatchObject({
    measured: Number.NaN,
    met: false,
  });
});

it("has one turn of each contestant in each round, in turns, and goes on without one that fails", async () => {
  const turns: string[] = [];
  const scenario: Scenario = {
    name: "s",
    title: "t",
    peers: [],
    groups: () => [
      {
        title: "g",
        boundMs: 5_000,
        contestants: {
          skypipe: async () => ({ n: turns.push("skypipe") }),
          broken: async () => {
            turns.push("broken");
            throw new Error("it broke");
          },
          peer: async () => ({ n: turns.push("peer") }),
        },
        targets: [
          { of: "skypipe", metric: "n", peer: "peer", atMost: 1 },
          { of: "skypipe", metric: "n", peer: "broken", atMost: 1 },
        ],
      },
    ],
  };
  const context = { size: "tiny", rounds: 2 } as const;
  const [found] = await runScenario(scenario, context, () => undefined);
  expect(turns).toEqual(["skypipe", "broken", "peer", "skypipe", "peer"]);
  expect(found).toMatchObject({
    contestants: {
      skypipe: { n: { median: 2.5, min: 1, max: 4 } },
      peer: { n: { median: 4, min: 3, max: 5 } },
    },
    failures: { broken: "it broke" },
    targets: [
      { measured: 0.625, met: true },
      { measured: Number.NaN, met: false },
    ],
  });
  const [ours] = await runScenario(alone(scenario), context, () => undefined);
  expect(Object.keys(ours?.contestants ?? {})).toEqual(["skypipe"]);
  expect(ours?.targets).toEqual([]);
});

it("ends a turn that takes too long, with what it started", async () => {
  let pid = 0;
  const endless: Contestant = async (bed) => {
    const sleeper = bed.spawn("sleep", ["600"]);
    pid = sleeper.pid;
    await sleeper.exits(0, 600_000);
    return {};
  };
  const group = { title: "g", boundMs: 100, contestants: { skypipe: endless }, targets: [] };
  const scenario: Scenario = { name: "s", title: "t", peers: [], groups: () => [group] };
  const [found] = await runScenario(scenario, { size: "tiny", rounds: 1 }, () => undefined);
  expect(found?.failures.skypipe).toMatch(/^Not within 100 ms/);
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

it("shows a table with targets, what was met and what failed", () => {
  expect(tableOf(result).split("\n")).toEqual([
    "live: from here | to there (medians of 5, min–max)",
    "",
    "                         MiB/s  relay CPU s/GiB",
    "  skypipe        500 (450–510)              0.6",
    "  socat    1,000 (1,000–1,000)                –",
    "  ssh FAILED: no sshd",
    "",
    "  skypipe MiB/s ≥ 0.65 × socat (goal 0.75): 0.5, missed",
    "  skypipe relay CPU s/GiB ≤ 1: 0.6, met",
    "  skypipe MiB/s ≥ 2 × ssh: –, not measured",
    "",
  ]);
});

it("writes figures with the digits that say something", () => {
  expect([0, 0.1234, 1.234, 12.34, 123.4, 1_234_567, Number.NaN].map(figure)).toEqual(
    ["0", "0.12", "1.23", "12.3", "123", "1,234,567", "–"],
  ); // biome-ignore format: one line each
  expect(aimOf({ of: "skypipe", metric: "m", atMost: 120 })).toBe("≤ 120");
});

it("replaces the README's table, and nothing else", () => {
  const page =
    "before\n<!-- bench: written by `npm run bench -- --readme` -->\nold\n<!-- /bench -->\nafter\n";
  const written = withTable(page, here, [result]);
  expect(written).toContain("before\n<!-- bench");
  expect(written).toContain("<!-- /bench -->\nafter\n");
  expect(written).not.toContain("old");
  expect(written).toContain(described(here));
  expect(written).toContain(
    "| `live` from here \\| to there | MiB/s: 500 | socat: 1,000 | 0.5 | ≥ 0.65 × socat (goal 0.75) | missed |",
  );
  expect(withTable(written, here, [result])).toBe(written);
  expect(() => withTable("no markers", here, [result])).toThrow("The README has no");
});

it("draws a panel for each metric, a point for each contestant", () => {
  const contestants = {
    "skypipe, 1 live": { a: certain(1), b: certain(2) },
    "skypipe, 1,000 live": { a: certain(9), b: certain(3) },
  };
  const svg = chartOf([{ ...result, contestants }], "A & B", "a machine");
  expect(svg).toMatch(/^<svg [^>]+>[^]*<\/svg>\n$/);
  expect(svg.match(/<circle/g)).toHaveLength(4);
  expect(svg.match(/<polyline/g)).toHaveLength(2);
  expect(svg).toContain("A &amp; B");
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

it("adds up what a profile says of each function's own time, but for idleness", () => {
  const costs = costsOf({
    nodes: [
      { id: 1, ...frame("(idle)", "") },
      { id: 2, ...frame("writev", "") },
      { id: 3, ...frame("", "file:///x/y.cjs") },
    ] as never,
    samples: [1, 2, 2, 3],
    timeDeltas: [1_000, 10, 20, 10],
  });
  expect(costs).toEqual([
    { what: "writev", share: 0.75 },
    { what: "(anonymous) (y.cjs:10)", share: 0.25 },
  ]);
});

it("describes the machine without its name", () => {
  const text = described(machine());
  expect(text).toMatch(/^\d+ × .+, \d+ GiB, Linux [\d.]+, Node v\d+\.\d+\.\d+, load [\d.]+ at the start$/);
});

it("has a name for each scenario", () => {
  expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
});

it("runs a scenario of real processes, small", async () => {
  const [found] = await runScenario(alone(messages), { size: "tiny", rounds: 1 }, () => undefined);
  expect(found?.failures).toEqual({});
  expect(Object.keys(found?.contestants.skypipe ?? {})).toEqual([
    "deliveries/s",
    "relay CPU s/GiB",
    "relay peak MiB",
  ]);
  for (const { median } of Object.values(found?.contestants.skypipe ?? {}))
    expect(median).toBeGreaterThanOrEqual(0);
});

it("runs from the command line, and gives JSON to machines", () => {
  const args = ["--import", "tsx", "test/bench/main.ts", "--only", "trigger", "--alone", "--tiny", "--json"];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const {
    machine: on,
    rounds,
    size,
    results,
  } = JSON.parse(stdout) as { machine: Machine; rounds: number; size: string; results: Result[] };
  expect({ rounds, size, cores: on.cores }).toEqual({ rounds: 1, size: "tiny", cores: machine().cores });
  expect(results).toHaveLength(1);
  const skypipe = results[0]?.contestants.skypipe?.ms;
  expect(Object.keys(skypipe ?? {})).toEqual(["median", "min", "max"]);
});

it("refuses a scenario that it does not have, in one sentence", () => {
  const args = ["--import", "tsx", "test/bench/main.ts", "--only", "nothing"];
  const { stderr, status } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: "No scenario 'nothing': npm run bench -- --list names them\n",
  });
});
