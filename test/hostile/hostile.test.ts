/**
 * A satellite that nobody can hurt: under each attack a bystander's files arrive byte for byte, memory stays bounded,
 * and the satellite serves on.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { limits } from "../../satellite/wire/limits.ts";
import { MiB } from "../support/bytes.ts";
import { randomFrom } from "../wire/fuzz.ts";
import { type AttackName, attacks, type Outcome } from "./attacks.ts";
import { Field } from "./field.ts";

/**
 * Node itself takes 60 to 80 MiB, the budget of windows is 96 MiB, and up to 16 MiB of blocks wait to be used again; the
 * rest is what the collector has not come to yet.
 */
const PEAK_BYTES_MAX = 256 * MiB;

/** How long the satellite waits for the answer to a close, and then some. */
const CLOSE_MS = 8_000;

/** Connections of the bystander. */
const BYSTANDERS = 10;

let field: Field;

beforeAll(async () => {
  field = new Field();
  await field.start();
  const calm = await field.transferDuring(Promise.resolve());
  console.log(
    JSON.stringify({ attack: "none", ...calm, residentMib: Math.round(field.residentBytes / MiB) }),
  );
});

afterAll(async () => field.close());

function tokensOf({ victim: { readToken, writeToken, porchToken } }: Field): string[] {
  return [readToken, writeToken, porchToken];
}

async function attack(name: AttackName, count: number, holdMs: number): Promise<Outcome> {
  const attacking = attacks[name](field.victim, { count, holdMs, random: randomFrom(6) });
  const transfers = await field.transferDuring(attacking);
  const outcome = await attacking;
  console.log(
    JSON.stringify({
      attack: name,
      ...outcome,
      ...transfers,
      residentMib: Math.round(field.residentBytes / MiB),
    }),
  );
  expect(transfers.count).toBeGreaterThan(0);
  expect(field.isRunning).toBe(true);
  expect(field.peakBytes).toBeLessThan(PEAK_BYTES_MAX);
  return outcome;
}

it("[K-2] 5,000 connections that say nothing: few are kept, and whoever speaks is served", async () => {
  const { connected, held } = await attack("silence", 5_000, 3_000);
  expect(connected).toBe(5_000);
  expect(held).toBeLessThanOrEqual(limits.strangersMax + BYSTANDERS);
}, 120_000);

it("[K-2] slowloris: 1,000 heads, a byte at a time, are cut off", async () => {
  const { held } = await attack("slowloris", 1_000, limits.headersMs + 5_000);
  expect(held).toBe(0);
}, 120_000);

it("[K-2] [S-1] 2,000 handshakes without a hello are cut off", async () => {
  const { upgraded, held } = await attack("shyness", 2_000, limits.helloMs + CLOSE_MS);
  expect(upgraded).toBeGreaterThan(0);
  expect(held).toBe(0);
}, 120_000);

it("[K-4] 500 guesses from one address: some are refused, the others not even looked at", async () => {
  const { refused, unseen, other } = await attack("guessing", 500, 0);
  expect(refused).toBeGreaterThanOrEqual(limits.failuresBurst);
  expect(refused).toBeLessThan(100);
  expect(unseen).toBeGreaterThan(400);
  expect(other).toBe(0);
}, 120_000);

it("[K-3] 600 connections with three requests each from one address: most are refused", async () => {
  const { refused } = await attack("hammering", 600, 0);
  expect(refused).toBeGreaterThan(100);
}, 120_000);

it("[K-1] [K-6] [K-7] a flood of opens by one link", async () => {
  const { sent } = await attack("opens", 200_000, 5_000);
  expect(sent).toBeGreaterThan(limits.runningStreamsPerPipeMax);
}, 120_000);

it("[L-14] readers by a link that read nothing", async () => {
  await attack("stalling", 50, 3_000);
}, 120_000);

it("[C-1] [F-1] [T-2] garbage in every field", async () => {
  await attack("garbage", 1_500, 0);
}, 120_000);

it("[K-1] sessions by one link that come and go", async () => {
  const { sessions } = await attack("churn", 1_500, 0);
  expect(sessions).toBeGreaterThan(0);
  expect(sessions).toBeLessThanOrEqual(limits.readersPerShareMax);
}, 120_000);

it("none of it is a defect, and no secret is in the log", () => {
  expect(field.log).not.toMatch(/defect/);
  for (const secret of [...tokensOf(field), "guess-"]) {
    expect(field.log).not.toContain(secret);
  }
});
