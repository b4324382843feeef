/** A line every millisecond: how long each is on its way from the process that writes it to the one that reads it. */
import type { Bed } from "../../support/bed.ts";
import { lineBytes, lineTimesUs } from "../probe.ts";
import { nats, pipingServer, type RouteTo, skypipe, socat } from "../routes.ts";
import type { Context, Group, Sample, Scenario } from "../scenario.ts";
import { quantile } from "../statistics.ts";

const boundMs = 60_000;
const measuredOf: Record<Context["size"], number> = { full: 5_000, quick: 2_000, tiny: 100 };
async function lineByLine(bed: Bed, to: RouteTo, count: number): Promise<Sample> {
  const tookUs = await lineTimesUs(bed, await to(bed), count);
  return { "p50 µs": quantile(tookUs, 0.5), "p99 µs": quantile(tookUs, 0.99), "max µs": quantile(tookUs, 1) };
}

export const latency: Scenario = {
  name: "latency",
  title: "one line every millisecond",
  peers: ["time", "socat", "nats-server", "nats.js", "curl", "piping-server"],
  groups({ size }): Group[] {
    const along = (to: RouteTo) => async (bed: Bed) => lineByLine(bed, to, measuredOf[size]);
    return [
      {
        title: `${measuredOf[size].toLocaleString("en")} lines of ${lineBytes} bytes, one every millisecond`,
        boundMs,
        contestants: {
          skypipe: along(skypipe()),
          socat: along(socat),
          "nats.js": along(nats),
          "piping-server": along(pipingServer),
        },
        targets: [
          { of: "skypipe", metric: "p50 µs", peer: "piping-server", atMost: 1.2 },
          { of: "skypipe", metric: "p99 µs", peer: "nats.js", atMost: 1 },
        ],
      },
    ];
  },
};
