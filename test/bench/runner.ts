/** Runs groups: each contestant once in each round, so that what else the machine does meets all of them. */
import { within } from "../support/until.ts";
import { withBed } from "./beds.ts";
import type { Contestant, Context, Group, Result, Sample, Scenario, Target, Verdict } from "./scenario.ts";
import { type Spread, spread } from "./statistics.ts";

/** Hears of every turn: a bench that is silent for minutes looks as if it hung. */
export type Progress = (text: string) => void;

export async function runScenario(
  scenario: Scenario,
  context: Context,
  progress: Progress,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const group of await scenario.groups(context)) {
    results.push(await runGroup(scenario.name, group, context, progress));
  }
  return results;
}

/** The scenario without its peers, of which only what measures remains. */
export function alone(scenario: Scenario): Scenario {
  return {
    ...scenario,
    peers: scenario.peers.filter((peer) => peer === "time"),
    groups: async (context) => (await scenario.groups(context)).map(oursOf),
  };
}

function oursOf(group: Group): Group {
  const ours = Object.entries(group.contestants).filter(([name]) => name.startsWith("skypipe"));
  return { ...group, contestants: Object.fromEntries(ours) };
}

async function runGroup(
  scenario: string,
  group: Group,
  context: Context,
  progress: Progress,
): Promise<Result> {
  const rounds = Math.min(context.rounds, group.rounds ?? context.rounds);
  const samples: Record<string, Sample[]> = {};
  const failures: Record<string, string> = {};
  const turns: (() => Promise<void>)[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const [name, contestant] of Object.entries(group.contestants)) {
      turns.push(async () => {
        if (name in failures) return;
        progress(`${scenario}: ${group.title}: ${name}, round ${round} of ${rounds}`);
        try {
          const sample = await turn(name, contestant, group.boundMs);
          (samples[name] ??= []).push(sample);
        } catch (error) {
          failures[name] = error instanceof Error ? error.message : String(error);
        }
      });
    }
  }
  if (group.atOnce === true) await Promise.all(turns.map(async (run) => run()));
  else for (const run of turns) await run();
  const contestants = Object.fromEntries(
    Object.keys(group.contestants)
      .filter((name) => !(name in failures))
      .map((name) => [name, spreads(samples[name] ?? [])]),
  );
  const targets = group.targets
    .filter(({ of, peer }) => of in group.contestants && (peer === undefined || peer in group.contestants))
    .map((target) => judge(target, contestants));
  return { scenario, title: group.title, rounds, contestants, failures, targets };
}

async function turn(name: string, contestant: Contestant, boundMs: number): Promise<Sample> {
  return withBed(async (bed) => {
    const running = contestant(bed);
    running.catch(() => undefined); // when time is over, its processes end under it
    return within(`the turn of ${name}`, running, boundMs);
  });
}

function spreads(turns: readonly Sample[]): Record<string, Spread> {
  const metrics = Object.keys(turns[0] ?? {});
  return Object.fromEntries(
    metrics.map((metric) => [metric, spread(turns.map((sample) => sample[metric] ?? Number.NaN))]),
  );
}

/** Of the medians. */
export function judge(
  target: Target,
  contestants: Readonly<Record<string, Readonly<Record<string, Spread>>>>,
): Verdict {
  const { of, metric, peer, peerMetric = metric, atLeast, atMost } = target;
  const ours = contestants[of]?.[metric]?.median ?? Number.NaN;
  const theirs = peer === undefined ? 1 : (contestants[peer]?.[peerMetric]?.median ?? Number.NaN);
  const measured = ours / theirs;
  const met =
    measured >= (atLeast ?? Number.NEGATIVE_INFINITY) && measured <= (atMost ?? Number.POSITIVE_INFINITY);
  return { ...target, measured, met };
}
