/** The store that lasts: by itself, with many small streams, and when it comes back. */
import { openFilesStore } from "../../../satellite/store/files/files.ts";
import { encodeChunk } from "../../../satellite/wire/encode.ts";
import { Flag } from "../../../satellite/wire/frame.ts";
import { writeSmallStreams } from "../../e2e/durable-scenarios.ts";
import type { Bed } from "../../support/bed.ts";
import { KiB, MiB, noise } from "../../support/bytes.ts";
import { Durable } from "../../support/durable.ts";
import { feedNoise } from "../../support/noise-flow.ts";
import { withBed } from "../beds.ts";
import { asBlock, ddSeconds, secondsOf, settle } from "../disk.ts";
import type { Context, Group, Scenario } from "../scenario.ts";

const boundMs = 600_000;
const chunkBytes = 64 * KiB;
/** What may be on its way to the disk: a writer's window at its largest. */
const windowBytes = 16 * MiB;
const mibOf: Record<Context["size"], number> = { full: 1_024, quick: 256, tiny: 4 };

/** Appends to the store itself; how long it took until all was durable, and in how many commits. */
async function appendRaw(bed: Bed, bytes: number): Promise<{ seconds: number; commits: number }> {
  await settle(bed);
  const block = noise(MiB, 1);
  const store = await openFilesStore(bed.path("data"));
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
  const reached = async (offset: number): Promise<void> => {
    await new Promise<void>((resolve) => {
      wake = () => {
        if (durable >= offset) resolve();
      };
      wake();
    });
  };
  const seconds = await secondsOf(async () => {
    for (let offset = 0; offset < bytes; offset += chunkBytes) {
      const payload = block.subarray(offset % MiB, (offset % MiB) + chunkBytes);
      const chunk = encodeChunk(1, offset, Flag.binary, payload);
      store.append({ ...chunk, arrival: 1 + offset / chunkBytes });
      await reached(chunk.end - windowBytes);
    }
    await reached(bytes);
  });
  await store.close();
  return { seconds, commits };
}

async function commitBytes(bytes: number): Promise<number> {
  return withBed(async (bed) => bytes / (await appendRaw(bed, bytes)).commits);
}

export const store: Scenario = {
  name: "store",
  title: "the store of --data by itself, appending",
  peers: [],
  async groups({ size }): Promise<Group[]> {
    const bytes = mibOf[size] * MiB;
    const block = asBlock(await commitBytes(bytes));
    return [
      {
        title: `${mibOf[size]} MiB appended to FilesStore, until all is durable; dd bs=${block / KiB}K oflag=dsync`,
        boundMs,
        contestants: {
          "skypipe's store": async (bed) => ({
            "MiB/s": bytes / MiB / (await appendRaw(bed, bytes)).seconds,
          }),
          dd: async (bed) => ({ "MiB/s": bytes / MiB / (await ddSeconds(bed, block, bytes)) }),
        },
        targets: [],
      },
    ];
  },
};

const smallOf: Record<Context["size"], number> = { full: 10_000, quick: 2_000, tiny: 20 };
const text = "go\n";

export const commits: Scenario = {
  name: "commits",
  title: "many small durable streams over one connection",
  peers: [],
  groups({ size }): Group[] {
    const count = smallOf[size];
    return [
      {
        title: `${count.toLocaleString("en")} durable streams of ${text.length} bytes over one connection`,
        boundMs,
        contestants: {
          skypipe: async (bed) => {
            await settle(bed);
            const { url } = await Durable.on(bed);
            const texts = Array.from({ length: count }, () => text);
            return {
              "streams/s": count / (await secondsOf(async () => writeSmallStreams(url, "bench", texts))),
            };
          },
          "dd oflag=dsync, one by one": async (bed) => ({
            "streams/s": count / (await ddSeconds(bed, text.length, count * text.length)),
          }),
        },
        targets: [{ of: "skypipe", metric: "streams/s", atLeast: 2_000 }],
      },
    ];
  },
};

const recoveryMibOf: Record<Context["size"], number> = { full: 5_120, quick: 512, tiny: 4 };

async function recoveryMs(bed: Bed, bytes: number): Promise<number> {
  const satellite = await Durable.on(bed, ["--max-buffer", String(bytes * 2 + MiB)]);
  if (bytes > 0) {
    const writer = bed.skypipe(["send", "bench"], { stdin: "socket" });
    await feedNoise(writer, bytes, 2);
    await writer.exits(0, boundMs);
  }
  return satellite.killAndStart();
}

export const recovery: Scenario = {
  name: "recovery",
  title: "a satellite that was killed comes back with its backlog",
  peers: [],
  groups({ size }): Group[] {
    const bytes = recoveryMibOf[size] * MiB;
    return [
      {
        title: `with ${recoveryMibOf[size]} MiB on disk, from the process's start to a connection that is accepted`,
        boundMs,
        contestants: {
          skypipe: async (bed) => ({ ms: await recoveryMs(bed, bytes) }),
          "skypipe with an empty folder": async (bed) => ({ ms: await recoveryMs(bed, 0) }),
        },
        targets: [{ of: "skypipe", metric: "ms", atMost: 1_000 }],
        rounds: 3,
      },
    ];
  },
};
