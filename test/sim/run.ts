import type { Violation } from "./model.ts";
import { type Plan, planOf, type StoreKind } from "./plan.ts";
import { World } from "./world.ts";

export interface Result {
  readonly seed: number;
  readonly violations: readonly Violation[];
}

/** One schedule. */
export async function simulate(seed: number, store?: StoreKind): Promise<Result> {
  const { violations } = await replay(seed, { store });
  return { seed, violations };
}

export interface ReplayOptions {
  readonly store?: StoreKind | undefined;
  /** Parts of the plan that are left out, by number. */
  readonly drop?: ReadonlySet<number>;
  readonly isTraced?: boolean;
}

export async function replay(
  seed: number,
  options: ReplayOptions = {},
): Promise<{ world: World; violations: readonly Violation[] }> {
  const full = planOf(seed, options.store);
  const { drop } = options;
  const plan = drop === undefined ? full : { ...full, items: full.items.filter(({ id }) => !drop.has(id)) };
  const world = new World(plan, options.isTraced);
  try {
    await world.run();
  } catch (error) {
    world.model.violate("sim", error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return { world, violations: world.model.violations };
}

/** Leaves out whatever is not needed for a violation of the same rule. */
export async function shrink(seed: number, store?: StoreKind): Promise<{ drop: number[]; plan: Plan }> {
  const { violations } = await replay(seed, { store });
  const rule = violations[0]?.rule;
  const drop = new Set<number>();
  const all = planOf(seed, store);
  for (let again = true; again; ) {
    again = false;
    for (const { id } of all.items.toReversed()) {
      if (drop.has(id)) continue;
      const tried = await replay(seed, { store, drop: new Set([...drop, id]) });
      if (tried.violations[0]?.rule !== rule) continue;
      drop.add(id);
      again = true;
    }
  }
  return {
    drop: [...drop].toSorted((a, b) => a - b),
    plan: { ...all, items: all.items.filter(({ id }) => !drop.has(id)) },
  };
}

/** The plan, a line for each part. */
export function describePlan({ seed, store, limits, delayMaxMs, calmMs, items }: Plan): string {
  const { windowBytesMin, windowBytesMax, budgetBytes, maxBufferBytes, maxLagBytes, graceMs } = limits;
  const { sendQueueBytesMax, streamsPerReaderMax } = limits;
  const shown = { windowBytesMin, windowBytesMax, budgetBytes, maxBufferBytes, maxLagBytes, graceMs };
  return [
    `seed ${seed}, store ${store}, calm after ${calmMs} ms, delays up to ${delayMaxMs} ms`,
    JSON.stringify({ ...shown, sendQueueBytesMax, streamsPerReaderMax }),
    ...items.map((item) =>
      JSON.stringify(item.type === "writer" ? { ...item, writes: `${item.writes.length} writes` } : item),
    ),
  ].join("\n");
}
