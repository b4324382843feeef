/** A thousand live streams at once: the satellite keeps to its budget, whether their readers are fast or slow. */

import { limits } from "../../../satellite/wire/limits.ts";
import type { Bed } from "../../support/bed.ts";
import { KiB, MiB } from "../../support/bytes.ts";
import { endLine } from "../ends.ts";
import { readersLine, secondsIn } from "../readers.ts";
import { satellitePort, satelliteUrl, skypipe } from "../routes.ts";
import type { Context, Group, Sample, Scenario } from "../scenario.ts";
import { meter, residentBytesOf } from "../usage.ts";

const boundMs = 180_000;
const streamsOf: Record<Context["size"], number> = { full: 1_000, quick: 250, tiny: 5 };
const payload = 64 * KiB;
const machineMib = 256;

async function crowd(bed: Bed, streams: number, bytes: number, restMs: number): Promise<Sample> {
  const { relay } = await skypipe()(bed);
  const before = residentBytesOf(relay.pid);
  const port = satellitePort(bed);
  const costs = meter(relay.pid);
  const line = readersLine({
    protocol: "skypipe",
    port,
    readers: streams,
    bytes,
    payload,
    pipes: streams,
    restMs,
  });
  const readers = bed.shell(`${line} >/dev/null`);
  await readers.says(/^ready/m, boundMs);
  const writers = endLine("writers", satelliteUrl(bed), streams, bytes);
  await bed.shell(writers).exits(0, boundMs);
  const { err } = await readers.exits(0, boundMs);
  const all = streams * bytes;
  return { ...costs("relay", all), "base MiB": before / MiB, "MiB/s": all / MiB / secondsIn(err) };
}

export const budget: Scenario = {
  name: "budget",
  title: "memory of the satellite under 1,000 live streams",
  peers: [],
  groups({ size }): Group[] {
    const streams = streamsOf[size];
    return [
      {
        title: `${streams.toLocaleString("en")} live streams; ${limits.budgetBytes / MiB} MiB are for bytes on their way, on a machine of ${machineMib} MB`,
        boundMs,
        contestants: {
          "skypipe, fast readers": async (bed) => crowd(bed, streams, 2 * MiB, 0),
          "skypipe, slow readers": async (bed) => crowd(bed, streams, 512 * KiB, 1_000),
        },
        targets: ["skypipe, fast readers", "skypipe, slow readers"].map((of) => ({
          of,
          metric: "relay peak MiB",
          atMost: machineMib * 0.85,
        })),
      },
    ];
  },
};
