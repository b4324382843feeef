/**
 * `npm run bench:store`: what the store that lasts costs, against `dd` on the same disk in the same run.
 *
 *     npm run bench:store -- [--quick] [--json] [--rounds 5]
 *
 * The peer of a durable write is `dd bs=COMMIT oflag=dsync`: a write and an fdatasync for every COMMIT bytes, where
 * COMMIT is what the store had in one group commit in a first run. End to end it is what one acknowledgement told of,
 * which may be several commits: there dd may sync less often than we, so that the ratio is rather too low than too high.
 * dd cannot write blocks of 64 KiB and sync once for many of them unless it is started anew for each commit, which
 * would burden it with a process for each; one write as large as the commit does it no harm. The end-to-end figure
 * includes the start of the writer's process.
 */
import { once } from "node:events";
import { rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { connect } from "../../cli/client/index.ts";
import { openFilesStore } from "../../satellite/store/files/files.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { Flag } from "../../satellite/wire/frame.ts";
import { writeSmallStreams } from "../e2e/durable-scenarios.ts";
import { Bed } from "../support/bed.ts";
import { KiB, MiB, noise, noiseFile } from "../support/bytes.ts";
import { Durable } from "../support/durable.ts";
import { feedNoise, noiseBlocks } from "../support/noise-flow.ts";
import { interleaved, type Spread, secondsOf } from "./rounds.ts";

const chunkBytes = 64 * KiB;
/** What may be on its way to the disk: a writer's window at its largest. */
const windowBytes = 16 * MiB;
const smallStreams = 10_000;
const smallBytes = 3;
const boundMs = 300_000;

interface Result {
  what: string;
  unit: string;
  ours: Spread;
  peer: string;
  peers: Spread;
  /** Of the medians: more is better. */
  ratio: number;
}

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
  },
});
const rounds = Number(values.rounds);
const writeBytes = (values.quick ? 256 : 1_024) * MiB;
const backlogBytes = (values.quick ? 512 : 5_120) * MiB;
let folders = 0;

/** Does something with a folder that did not exist and does not stay. */
async function withFolder<T>(bed: Bed, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = bed.path(`data-${++folders}`);
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await settle(bed);
  }
}

/** What was removed shall not be a burden to who comes next. */
async function settle(bed: Bed): Promise<void> {
  await bed.spawn("sync", ["-f", bed.dir]).exits(0, boundMs);
}

async function withSatellite<T>(bed: Bed, work: (satellite: Durable) => Promise<T>): Promise<T> {
  return withFolder(bed, async (folder) => {
    const satellite = await Durable.on(bed, ["--max-buffer", String(backlogBytes * 2)], folder);
    try {
      return await work(satellite);
    } finally {
      await satellite.kill();
    }
  });
}

/** Appends to the store itself; how long it took until all was durable, and in how many commits. */
async function appendRaw(bed: Bed): Promise<{ seconds: number; commits: number }> {
  const block = noise(MiB, 1);
  return withFolder(bed, async (folder) => {
    const store = await openFilesStore(folder);
    let durable = 0;
    let commits = 0;
    let wake: (() => void) | undefined;
    store.onDurable = (_stream, offset) => {
      durable = offset;
      commits++; // there is one stream, which is told of once in each
      wake?.();
    };
    await store.recover();
    store.create({ id: 1, pipe: "bench", kind: "binary", openedMs: Date.now() });
    const reached = async (bytes: number): Promise<void> => {
      await new Promise<void>((resolve) => {
        wake = () => {
          if (durable >= bytes) resolve();
        };
        wake();
      });
    };
    const seconds = await secondsOf(async () => {
      for (let offset = 0; offset < writeBytes; offset += chunkBytes) {
        const payload = block.subarray(offset % MiB, (offset % MiB) + chunkBytes);
        const chunk = encodeChunk(1, offset, Flag.binary, payload);
        store.append({ ...chunk, arrival: 1 + offset / chunkBytes });
        await reached(chunk.end - windowBytes);
      }
      await reached(writeBytes);
    });
    await store.close();
    return { seconds, commits };
  });
}

/** How many bytes one acknowledgement tells of, where the writer is at the other end of a connection. */
async function commitBytesEndToEnd(bed: Bed): Promise<number> {
  return withSatellite(bed, async (satellite) => {
    const end = await connect({ url: satellite.url });
    let acknowledgements = 0;
    const writer = end.writer("big", { kind: "binary" }).on("safe", () => acknowledgements++);
    for (const block of noiseBlocks(writeBytes, 1)) if (!writer.write(block)) await once(writer, "drain");
    writer.end();
    await once(writer, "finish");
    await end.close();
    return writeBytes / acknowledgements;
  });
}

async function dd(bed: Bed, input: string, blockBytes: number, bytes: number): Promise<number> {
  const output = bed.path("dd");
  const args = [`if=${input}`, `of=${output}`, `bs=${blockBytes}`, `count=${Math.floor(bytes / blockBytes)}`];
  const seconds = await secondsOf(async () =>
    bed.spawn("dd", [...args, "oflag=dsync", "status=none"]).exits(0, boundMs),
  );
  rmSync(output);
  await settle(bed);
  return seconds;
}

/** Whole blocks of 4 KiB, as a disk has them. */
function asBlock(bytes: number): number {
  return Math.max(1, Math.round(bytes / (4 * KiB))) * 4 * KiB;
}

function mibPerS(seconds: number): number {
  return writeBytes / MiB / seconds;
}

async function writes(bed: Bed): Promise<Result[]> {
  const input = bed.path("input");
  noiseFile(input, writeBytes, 1);
  const rawBlock = asBlock(writeBytes / (await appendRaw(bed)).commits);
  const block = asBlock(await commitBytesEndToEnd(bed));
  const found = await interleaved(rounds, {
    ddRaw: async () => mibPerS(await dd(bed, input, rawBlock, writeBytes)),
    raw: async () => mibPerS((await appendRaw(bed)).seconds),
    dd: async () => mibPerS(await dd(bed, input, block, writeBytes)),
    whole: async () =>
      withSatellite(bed, async () =>
        mibPerS(await secondsOf(async () => bed.skypipe(["send", "big", input]).exits(0, boundMs))),
      ),
  });
  rmSync(input);
  const size = `${writeBytes / MiB} MiB`;
  return [
    against(`durable backlog of ${size}, skypipe send to exit 0`, found.whole, block, found.dd),
    against(`FilesStore alone, ${size} until durable`, found.raw, rawBlock, found.ddRaw),
  ];
}

async function small(bed: Bed): Promise<Result> {
  const texts = Array.from({ length: smallStreams }, () => "go\n");
  const found = await interleaved(rounds, {
    ours: async () =>
      withSatellite(
        bed,
        async ({ url }) =>
          smallStreams / (await secondsOf(async () => writeSmallStreams(url, "small", texts))),
      ),
    dd: async () => smallStreams / (await dd(bed, "/dev/zero", smallBytes, smallStreams * smallBytes)),
  });
  return {
    what: `${smallStreams} durable streams of ${smallBytes} bytes over one connection`,
    unit: "streams/s",
    ours: found.ours,
    peer: `dd bs=${smallBytes} oflag=dsync, one by one`,
    peers: found.dd,
    ratio: found.ours.median / found.dd.median,
  };
}

async function recovery(bed: Bed): Promise<Result> {
  return withSatellite(bed, async (full) => {
    const writer = bed.skypipe(["send", "big"], { stdin: "socket" });
    await feedNoise(writer, backlogBytes, 2);
    await writer.exits(0, boundMs);
    return withSatellite(bed, async (empty) => {
      const found = await interleaved(rounds, {
        ours: async () => full.killAndStart(),
        empty: async () => empty.killAndStart(),
      });
      return {
        what: `recovery of ${backlogBytes / MiB} MiB, from the process's start to an accepted connection`,
        unit: "ms",
        ours: found.ours,
        peer: "the same with an empty folder",
        peers: found.empty,
        ratio: found.empty.median / found.ours.median,
      };
    });
  });
}

/** The block size of dd is given in bytes. */
function against(what: string, ours: Spread, ddBytes: number, peers: Spread): Result {
  const peer = `dd bs=${ddBytes / KiB}K oflag=dsync`;
  return { what, unit: "MiB/s", ours, peer, peers, ratio: ours.median / peers.median };
}

function shown({ median, min, max }: Spread): string {
  return `${Math.round(median)} (${Math.round(min)}–${Math.round(max)})`;
}

const bed = new Bed();
try {
  const results = [...(await writes(bed)), await small(bed), await recovery(bed)];
  if (values.json) {
    process.stdout.write(
      `${JSON.stringify({ rounds, disk: tmpdir(), load: loadavg(), results }, null, 2)}\n`,
    );
  } else {
    process.stdout.write(
      `medians of ${rounds} (min–max), load ${loadavg()[0]?.toFixed(1)}, in ${tmpdir()}\n`,
    );
    for (const { what, unit, ours, peer, peers, ratio } of results) {
      process.stdout.write(`\n${what}\n  ${shown(ours)} ${unit}\n`);
      process.stdout.write(`  ${shown(peers)} ${unit}  ${peer}\n  ratio ${ratio.toFixed(2)}\n`);
    }
  }
} finally {
  await bed.close();
}
