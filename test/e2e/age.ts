/**
 * A satellite, a writer and a reader that grow old: many short streams, long ones, lost connections and killed writers come and
 * go, while lines flow from the same writer to the same reader. What they hold is looked at all the time.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "../../cli/client/index.ts";
import { type Watched, watchedSkypipe } from "../bench/heap.ts";
import { residentBytesOf } from "../bench/usage.ts";
import type { Bed } from "../support/bed.ts";
import { MiB, noise } from "../support/bytes.ts";
import type { Proc } from "../support/proc.ts";
import { RoughLink } from "../support/rough-link.ts";
import { readSmallStreams, writeSmallStreams } from "./durable-scenarios.ts";

export interface Reading {
  readonly who: string;
  readonly hours: number;
  readonly inUseMiB: number;
  readonly residentMiB: number;
}

/** What it has seen. */
interface Counts {
  lines: number;
  shortStreams: number;
  longStreams: number;
  cuts: number;
  killedWriters: number;
}

export interface Life extends Readonly<Counts> {
  readonly readings: readonly Reading[];
  readonly written: string;
  readonly read: string;
}

const lineTickMs = 50;
const linesPerTick = 100;
const shortAtOnce = 200;
const longBytes = 32 * MiB;
const cutMs = 5_000;
const phaseMs = 15_000;
/** Short, so that what the grace forgets is forgotten while somebody looks. */
const grace = "5s";

export async function growOld(bed: Bed, ms: number, hear: (reading: Reading) => void): Promise<Life> {
  const satellite = watchedSkypipe(bed, [
    "satellite",
    "--port",
    "0",
    "--data",
    bed.path("data"),
    "--grace",
    grace,
  ]);
  await satellite.proc.puts("\n");
  const url = satellite.proc.out.trim();
  bed.env.SKYPIPE_SATELLITE = url;
  const port = Number(new URL(url).port);
  const [near, far] = [await RoughLink.to(port), await RoughLink.to(port)];
  try {
    const reader = watchedSkypipe(bed, ["recv", "steady", "--follow"], {
      stdout: "hash",
      env: { SKYPIPE_SATELLITE: far.url },
    });
    await bed.pipe("steady", { readers: 1 });
    const writer = watchedSkypipe(bed, ["send", "steady", "--lines"], {
      stdin: "socket",
      env: { SKYPIPE_SATELLITE: near.url },
    });
    const counts: Counts = { lines: 0, shortStreams: 0, longStreams: 0, cuts: 0, killedWriters: 0 };
    const hash = createHash("sha256");
    const endMs = performance.now() + ms;
    const everyone = { satellite, writer, reader };
    const readings: Reading[] = [];
    const flowing = repeat(endMs, lineTickMs, async () => writeLines(writer.proc, hash, counts));
    flowing.catch(() => undefined); // it is awaited at the end
    while (performance.now() < endMs) {
      const phaseEndMs = Math.min(endMs, performance.now() + phaseMs);
      await Promise.all([
        repeat(phaseEndMs, 0, async () => shortOnes(url, counts)),
        repeat(phaseEndMs, 1_000, async () => longOne(url, counts)),
        repeat(phaseEndMs, cutMs, () => (counts.cuts++ % 2 === 0 ? near : far).cut()),
        killedWriter(bed, counts),
      ]);
      // Only the lines flow now: what is in use is what has stayed.
      const hours = (performance.now() - endMs + ms) / 3_600_000;
      for (const reading of await look(everyone, hours)) {
        readings.push(reading);
        hear(reading);
      }
    }
    await flowing;
    writer.proc.end();
    await writer.proc.exits(0, 60_000);
    await bed.pipe("steady", { streams: 0, writers: 0 });
    reader.proc.kill("SIGINT");
    const { sha256 } = await reader.proc.exits(130);
    return { readings, written: hash.digest("hex"), read: sha256, ...counts };
  } finally {
    await Promise.all([near.close(), far.close()]);
  }
}

/** One after the other, with a pause after each, until time is over. */
async function repeat(endMs: number, restMs: number, act: () => Promise<void> | void): Promise<void> {
  while (performance.now() < endMs) {
    await act();
    await pause(restMs);
  }
}

async function writeLines(writer: Proc, hash: ReturnType<typeof createHash>, counts: Counts): Promise<void> {
  const lines = Array.from(
    { length: linesPerTick },
    () => `${String(counts.lines++).padStart(12, "0")} ${"x".repeat(86)}\n`,
  );
  const text = lines.join("");
  hash.update(text);
  await writer.write(text);
}

async function shortOnes(url: string, counts: Counts): Promise<void> {
  const texts = Array.from({ length: shortAtOnce }, (_, index) => `short ${index}\n`);
  await writeSmallStreams(url, "short", texts);
  await readSmallStreams(url, "short", texts.length);
  counts.shortStreams += texts.length;
}

const block = noise(MiB, 1);

async function longOne(url: string, counts: Counts): Promise<void> {
  const satellite = await connect({ url });
  try {
    const writer = satellite.writer("long", { kind: "binary" });
    const finished = once(writer, "finish");
    const reading = satellite.reader("long");
    const read = (async () => {
      let bytes = 0;
      for await (const piece of reading) bytes += (piece as Buffer).length;
      return bytes;
    })();
    for (let sent = 0; sent < longBytes; sent += block.length) {
      if (!writer.write(block)) await once(writer, "drain");
    }
    writer.end();
    await finished;
    if ((await read) !== longBytes) throw new Error("a long stream did not come whole");
    counts.longStreams++;
  } finally {
    await satellite.close();
  }
}

/** It stays away for longer than the grace; what it has left is thrown away. */
async function killedWriter(bed: Bed, counts: Counts): Promise<void> {
  const writer = bed.skypipe(["send", "lost", "--whole"], { stdin: "socket" });
  await writer.write(block);
  await bed.pipe("lost", { writers: 1 });
  writer.kill("SIGKILL");
  await writer.exited;
  await bed.pipe("lost", { writers: 0 });
  await bed.skypipe(["rm", "lost", "-q"]).exited; // a binary stream that was lost unread may be gone already
  counts.killedWriters++;
}

async function look(everyone: Record<string, Watched>, hours: number): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (const [who, { proc, inUse }] of Object.entries(everyone)) {
    const residentMiB = residentBytesOf(proc.pid) / MiB; // before its garbage is collected for us
    readings.push({ who, hours, inUseMiB: (await inUse()) / MiB, residentMiB });
  }
  return readings;
}
