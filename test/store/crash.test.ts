/**
 * Whatever the store is given, and wherever its process or its computer dies, what it has promised is there.
 * `CRASH_SCHEDULES=100000 CRASH_SEED=1 npm test -- test/store/crash` plays more of it, or one again.
 */
import { expect, it } from "vitest";
import { Play, type Weather } from "./play.ts";

const schedules = Number(process.env["CRASH_SCHEDULES"] ?? 1_000);
const firstSeed = Number(process.env["CRASH_SEED"] ?? 1);
const timeoutMs = 60_000 + schedules * 60;

const weathers: [string, Weather][] = [
  ["its process is killed", { power: false, faults: false }],
  ["its computer loses power", { power: true, faults: false }],
  ["the disk is full or fails, and it is killed", { power: false, faults: true }],
  ["the disk is full or fails, and its computer loses power", { power: true, faults: true }],
];

it.each(weathers)(
  "[W-4] keeps what it has promised when %s, wherever that happens",
  async (_, weather) => {
    for (let seed = firstSeed; seed < firstSeed + schedules; seed++) {
      const play = new Play(seed, weather);
      await play.run().catch((error: unknown) => {
        throw new Error(`schedule ${seed}: ${String(error)}`, { cause: error });
      });
    }
    expect(schedules).toBeGreaterThan(0);
  },
  timeoutMs,
);
