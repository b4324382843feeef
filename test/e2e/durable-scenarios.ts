/** What the suite does in small and long.ts in large: each says what it has seen and asserts nothing about time. */
import { connect } from "../../cli/client/index.ts";
import type { Bed } from "../support/bed.ts";
import { Durable } from "../support/durable.ts";
import { feedNoise } from "../support/noise-flow.ts";
import { RoughLink } from "../support/rough-link.ts";

export interface LiveRun {
  written: string;
  read: string;
  cuts: number;
  kills: number;
}

/** Binary from a writer to a reader at once, through a rough link each, with SIGKILLs of the satellite in between. */
export async function liveThroughCuts(
  bed: Bed,
  options: { bytes: number; cuts: number; kills: number; withinMs: number },
): Promise<LiveRun> {
  const { bytes, cuts, kills, withinMs } = options;
  const satellite = await Durable.on(bed);
  const [near, far] = [await RoughLink.to(satellite.port), await RoughLink.to(satellite.port)];
  try {
    const turns = Array.from({ length: cuts }, (_, turn) => ((turn + 1) * bytes) / (cuts + 1));
    near.cutAt(turns.filter((_, turn) => turn % 2 === 0));
    far.cutAt(turns.filter((_, turn) => turn % 2 === 1));

    const reader = bed.skypipe(["big"], { stdout: "hash", env: { SKYPIPE_SATELLITE: far.url } });
    await bed.pipe("big", { readers: 1 });
    const writer = bed.skypipe(["big"], { stdin: "socket", env: { SKYPIPE_SATELLITE: near.url } });
    const feeding = feedNoise(writer, bytes, 1);
    for (let kill = 1; kill <= kills; kill++) {
      await reader.putsBytes((kill * bytes) / (kills + 1), withinMs);
      await satellite.killAndStart();
    }
    await writer.exits(0, withinMs);
    const { sha256 } = await reader.exits(0);
    return { written: await feeding, read: sha256, cuts: near.cuts + far.cuts, kills: satellite.kills };
  } finally {
    await Promise.all([near.close(), far.close()]);
  }
}

export interface BacklogRun {
  written: string;
  read: string;
  /** From the start of the new process to its first accepted connection. */
  acceptedMs: number;
}

/** One stream that nobody reads until the satellite has been killed and started again. */
export async function backlogThroughRestart(
  bed: Bed,
  options: { bytes: number; withinMs: number },
): Promise<BacklogRun> {
  const { bytes, withinMs } = options;
  const satellite = await Durable.on(bed, ["--max-buffer", String(bytes * 2)]);
  const writer = bed.skypipe(["send", "big"], { stdin: "socket" });
  const written = await feedNoise(writer, bytes, 2);
  await writer.exits(0, withinMs);
  const acceptedMs = await satellite.killAndStart();
  const reader = bed.skypipe(["big"], { stdout: "hash" });
  const { sha256 } = await reader.exits(0, withinMs);
  await bed.pipe("big", { streams: 0, bytes: 0 });
  await satellite.stop();
  return { written, read: sha256, acceptedMs };
}

/** So many streams may be open at the same time, of the 1,024 that the limits allow. */
const openMax = 512;

/** Writes small streams over one connection. Resolves when each is safe. */
export async function writeSmallStreams(url: string, pipe: string, texts: readonly string[]): Promise<void> {
  const end = await connect({ url });
  try {
    const open = new Set<Promise<void>>();
    for (const text of texts) {
      if (open.size >= openMax) await Promise.race(open);
      const writer = end.writer(pipe);
      const finished = new Promise<void>((resolve, reject) => {
        writer.once("finish", resolve).once("error", reject);
      });
      open.add(finished);
      finished.then(
        () => open.delete(finished),
        () => undefined, // whoever awaits the set hears of it
      );
      writer.end(text);
    }
    await Promise.all(open);
  } finally {
    await end.close();
  }
}

/** What `count` streams of a pipe held, in the order in which one follower got them. */
export async function readSmallStreams(url: string, pipe: string, count: number): Promise<string[]> {
  const end = await connect({ url });
  const texts = new Map<number, string>();
  const ended: number[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      const receiving = end.receive(
        pipe,
        { mode: "follow" },
        {
          chunk: ({ stream }, bytes) => {
            texts.set(stream, (texts.get(stream) ?? "") + Buffer.from(bytes).toString());
          },
          end: ({ stream }) => {
            if (ended.push(stream) === count) resolve();
          },
        },
      );
      receiving.done.catch(reject);
    });
    await end.close();
    return ended.map((stream) => texts.get(stream) ?? "");
  } finally {
    await end.close();
  }
}
