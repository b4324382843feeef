/** Numbers of a machine that is never quiet: rounds in which every contestant has its turn, and their medians. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

function spread(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { median: at(Math.floor(sorted.length / 2)), min: at(0), max: at(sorted.length - 1) };
}

/** Each contestant once in each round, so that what else the machine does meets all of them. */
export async function interleaved<Name extends string>(
  rounds: number,
  contestants: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, Spread>> {
  const names = Object.keys(contestants) as Name[];
  const numbers = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) numbers.get(name)?.push(await contestants[name]());
  }
  return Object.fromEntries(names.map((name) => [name, spread(numbers.get(name) ?? [])])) as Record<
    Name,
    Spread
  >;
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1_000;
}
