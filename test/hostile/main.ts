/**
 * `npm run hostile -- --minutes 60 --seed 7`: attacks of every kind and size, one after the other and two at a time, on
 * one satellite, while a bystander's files go through it. Ends with exit 1 when a byte is wrong, the satellite has ended,
 * its log tells of a defect, or it has more memory than it may.
 */
import { parseArgs } from "node:util";
import { setup } from "../support/build.ts";
import { MiB } from "../support/bytes.ts";
import { randomFrom } from "../wire/fuzz.ts";
import { type AttackName, attacks, type Outcome } from "./attacks.ts";
import { Field } from "./field.ts";

const PEAK_BYTES_MAX = 400 * MiB;
/** The most connections, guesses or rounds of one attack. */
const COUNT_MAX = 3_000;
const HOLD_MS_MAX = 15_000;

const names = Object.keys(attacks) as AttackName[];
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: String(Date.now() % 1e9) },
  },
});
const seed = Number(values.seed);
const untilMs = performance.now() + Number(values.minutes) * 60_000;
const random = randomFrom(seed);

function say(facts: object): void {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

async function round(field: Field, number: number): Promise<void> {
  const chosen = Array.from(
    { length: random() < 0.5 ? 1 : 2 },
    () => names[Math.floor(random() * names.length)],
  );
  const outcomes: Record<string, Outcome> = {};
  const attacking = Promise.all(
    chosen.map(async (name = "garbage") => {
      const size = { count: 50 + Math.floor(random() * COUNT_MAX), holdMs: random() * HOLD_MS_MAX, random };
      outcomes[name] = await attacks[name](field.victim, size);
    }),
  );
  const transfers = await field.transferDuring(attacking);
  say({ round: number, ...transfers, residentMib: Math.round(field.residentBytes / MiB), ...outcomes });
  if (!field.isRunning) throw new Error(`seed ${seed}, round ${number}: the satellite has ended`);
  if (field.log.includes("defect"))
    throw new Error(`seed ${seed}, round ${number}: a defect\n${field.log.slice(-4_000)}`);
  if (field.peakBytes > PEAK_BYTES_MAX) {
    throw new Error(`seed ${seed}, round ${number}: ${Math.round(field.peakBytes / MiB)} MiB of memory`);
  }
}

setup();
const field = new Field();
try {
  await field.start();
  say({ seed, calm: await field.transferDuring(Promise.resolve()) });
  let number = 0;
  while (performance.now() < untilMs) await round(field, ++number);
  say({ seed, rounds: number, peakMib: Math.round(field.peakBytes / MiB) });
} finally {
  await field.close();
}
