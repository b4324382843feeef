/**
 * A backlog that nobody reads until it is on disk, and then one reader takes it.
 *
 * The peer of writing is `dd bs=COMMIT oflag=dsync`: a write and an fdatasync for every COMMIT bytes, where COMMIT is what one
 * acknowledgement told of in a first run. That may be several commits of the store: there dd may sync less often than we, so
 * that the ratio is rather too low than too high. dd can't write blocks of 64 KiB and sync once for many of them unless it is
 * started anew for each commit; one write as large as the commit does it no harm. Ours includes the start of the writer.
 */
import { once } from "node:events";
import { connect } from "../../../cli/client/index.ts";
import type { Bed } from "../../support/bed.ts";
import { KiB, MiB } from "../../support/bytes.ts";
import { noiseBlocks } from "../../support/noise-flow.ts";
import { withBed } from "../beds.ts";
import { asBlock, ddSeconds, secondsOf, settle } from "../disk.ts";
import { flood, sink, sunkBytes, zeros } from "../flow.ts";
import { satelliteUrl, skypipe } from "../routes.ts";
import type { Context, Group, Sample, Scenario } from "../scenario.ts";
import { meter, timed, usageOf } from "../usage.ts";

const boundMs = 300_000;
const mibOf: Record<Context["size"], number> = { full: 1_024, quick: 256, tiny: 4 };

function durable(bed: Bed, bytes: number): ReturnType<ReturnType<typeof skypipe>> {
  return skypipe(["--data", bed.path("data"), "--max-buffer", String(bytes * 2)])(bed);
}

/** How many bytes one acknowledgement tells of, where the writer is at the other end of a connection. */
async function commitBytes(bytes: number): Promise<number> {
  return withBed(async (bed) => {
    await durable(bed, bytes);
    const end = await connect({ url: satelliteUrl(bed) });
    let acknowledgements = 0;
    const writer = end.writer("bench", { kind: "binary" }).on("safe", () => acknowledgements++);
    for (const block of noiseBlocks(bytes, 1)) if (!writer.write(block)) await once(writer, "drain");
    writer.end();
    await once(writer, "finish");
    await end.close();
    return bytes / acknowledgements;
  });
}

async function backlog(bed: Bed, bytes: number): Promise<Sample> {
  await settle(bed);
  const { relay } = await durable(bed, bytes);
  const writing = meter(relay.pid);
  const sender = bed.shell(`set -o pipefail; ${zeros(bytes)} | ${timed(bed, "send", "skypipe send bench")}`);
  const writeS = await secondsOf(async () => sender.exits(0, boundMs));
  const written = { ...usageOf(bed, "send", bytes), ...writing("relay writing", bytes) };
  const reading = meter(relay.pid);
  const receiver = bed.shell(`set -o pipefail; ${timed(bed, "recv", "skypipe recv bench")} | ${sink}`);
  let got = 0;
  const readS = await secondsOf(async () => {
    got = sunkBytes((await receiver.exits(0, boundMs)).err);
  });
  if (got !== bytes) throw new Error(`${got} bytes came instead of ${bytes}`);
  const read = { ...reading("relay reading", bytes), ...usageOf(bed, "recv", bytes) };
  return { "write MiB/s": bytes / MiB / writeS, "read MiB/s": bytes / MiB / readS, ...written, ...read };
}

export const backlogOnDisk: Scenario = {
  name: "durable",
  title: "a backlog written durably, then read",
  peers: ["time"],
  async groups({ size }): Promise<Group[]> {
    const bytes = mibOf[size] * MiB;
    const block = asBlock(await commitBytes(bytes));
    return [
      {
        title: `${mibOf[size]} MiB written durably with nobody there, then read; dd bs=${block / KiB}K oflag=dsync`,
        boundMs,
        contestants: {
          skypipe: async (bed) => backlog(bed, bytes),
          dd: async (bed) => ({ "write MiB/s": bytes / MiB / (await ddSeconds(bed, block, bytes)) }),
          "skypipe live": async (bed) => {
            const { "MiB/s": rate = Number.NaN } = await flood(bed, await skypipe()(bed), bytes, boundMs);
            return { "read MiB/s": rate };
          },
        },
        targets: [
          { of: "skypipe", metric: "write MiB/s", peer: "dd", atLeast: 0.6 },
          { of: "skypipe", metric: "read MiB/s", peer: "skypipe live", atLeast: 0.6 },
        ],
      },
    ];
  },
};
