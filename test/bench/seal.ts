/**
 * `npm run bench:seal`: what sealing adds to the CPU of each end, against what sealing and opening alone cost in
 * node:crypto in the same run.
 *
 *     npm run bench:seal -- [--mib 512] [--rounds 3] [--json]
 *
 * A file goes from a writer to a reader through a satellite in memory, plain and sealed in turns. CPU is what bash says
 * of the whole process, user and system, the start included; the start's share is in both and cancels out. "Alone" is a
 * loop over chunks as large as a sealed one can be: a cipher, the associated data, the bytes and the tag.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { makeKey } from "../../cli/client/index.ts";
import { SEAL_BYTES, SEALED_BYTES_MAX } from "../../satellite/wire/sealing.ts";
import { Bed } from "../support/bed.ts";
import { MiB, noise, noiseFile } from "../support/bytes.ts";
import type { Proc } from "../support/proc.ts";
import { type Spread, spread } from "./statistics.ts";

const boundMs = 300_000;
const { values } = parseArgs({
  options: {
    mib: { type: "string", default: "512" },
    rounds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const bytes = Number(values.mib) * MiB;
const perGiB = 1_024 / Number(values.mib);

interface Cost {
  writer: number;
  reader: number;
}

/** Seconds of CPU that an end took, per GiB. */
function costOf(end: Proc): number {
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(end.err) ?? [];
  return (Number(user) + Number(system)) * perGiB;
}

function timed(command: string): string {
  return `TIMEFORMAT='cpu %U %S'; time ${command}`;
}

async function transfer(bed: Bed, flags: string): Promise<Cost> {
  const reader = bed.shell(timed(`skypipe recv big ${flags} > /dev/null`));
  await bed.pipe("big", { readers: 1 });
  const writer = bed.shell(timed(`skypipe send big file ${flags}`));
  await Promise.all([writer.exits(0, boundMs), reader.exits(0, boundMs)]);
  return { writer: costOf(writer), reader: costOf(reader) };
}

/** Each chunk is another place in memory, as what comes from a file or a socket is. */
function alone(work: (chunk: Uint8Array) => void): number {
  const before = process.cpuUsage();
  for (let done = 0; done < bytes; done += SEALED_BYTES_MAX) {
    const at = done % (field.length - SEALED_BYTES_MAX);
    work(field.subarray(at, at + SEALED_BYTES_MAX));
  }
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / 1e6) * perGiB;
}

const field = noise(64 * MiB, 2);
const key = randomBytes(32);
const nonce = randomBytes(12);
const associated = randomBytes(24);

function seal(chunk: Uint8Array): { sealed: Uint8Array; tag: Uint8Array } {
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: SEAL_BYTES });
  cipher.setAAD(associated);
  const sealed = cipher.update(chunk);
  cipher.final();
  return { sealed, tag: cipher.getAuthTag() };
}

function sealAlone(): number {
  return alone(seal);
}

function openAlone(): number {
  // What is opened is never as it was sealed: that is known when all of it was, and costs the same.
  const { tag } = seal(field.subarray(0, SEALED_BYTES_MAX));
  return alone((chunk) => {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: SEAL_BYTES });
    decipher.setAAD(associated);
    decipher.setAuthTag(tag);
    decipher.update(chunk);
  });
}

/** Each once in each round, so that what else the machine does meets all of them. */
async function interleaved(
  contestants: Readonly<Record<string, () => Promise<number>>>,
): Promise<Record<string, Spread>> {
  const numbers = new Map<string, number[]>(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, measured] of Object.entries(contestants)) numbers.get(name)?.push(await measured());
  }
  return Object.fromEntries([...numbers].map(([name, each]) => [name, spread(each)]));
}

async function measure(bed: Bed): Promise<Record<string, Spread>> {
  bed.env.SKYPIPE_KEY = makeKey();
  await bed.satellite();
  noiseFile(bed.path("file"), bytes, 1);
  let last: Cost = { writer: 0, reader: 0 };
  const writerOf = (flags: string) => async (): Promise<number> => {
    last = await transfer(bed, flags);
    return last.writer;
  };
  return interleaved({
    "seal alone": async () => sealAlone(),
    "open alone": async () => openAlone(),
    "plain writer": writerOf("--plain"),
    "plain reader": async () => last.reader,
    "sealed writer": writerOf(""),
    "sealed reader": async () => last.reader,
  });
}

function line(name: string, { median, min, max }: Spread): string {
  return `${name.padEnd(16)}${median.toFixed(2)} s/GiB (${min.toFixed(2)} to ${max.toFixed(2)})`;
}

const bed = new Bed();
try {
  const costs = await measure(bed);
  const at = (name: string): number => costs[name]?.median ?? Number.NaN;
  const ratios = {
    writer: (at("sealed writer") - at("plain writer")) / at("seal alone"),
    reader: (at("sealed reader") - at("plain reader")) / at("open alone"),
  };
  const lines = [
    ...Object.entries(costs).map(([name, spread]) => line(name, spread)),
    `added to a writer: ${ratios.writer.toFixed(2)} × sealing alone; to a reader: ${ratios.reader.toFixed(2)} × opening alone`,
    `load average ${loadavg()[0]?.toFixed(1)}, node ${process.version}`,
  ];
  process.stdout.write(values.json ? `${JSON.stringify({ costs, ratios })}\n` : `${lines.join("\n")}\n`);
} finally {
  await bed.close();
}
