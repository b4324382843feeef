/** Much into a reader that takes little: what waits must not pile up anywhere. */
import { MiB } from "../../support/bytes.ts";
import { endLine } from "../ends.ts";
import { through, zeros } from "../flow.ts";
import { pipingServer, type RouteTo, skypipe, socat } from "../routes.ts";
import type { Contestant, Context, Group, Scenario } from "../scenario.ts";

const bytesPerS = 10_000_000;
const mibOf: Record<Context["size"], number> = { full: 2_048, quick: 256, tiny: 2 };
const spareMs = 120_000;
const peakMibMax = 120;

export const slow: Scenario = {
  name: "slow",
  title: "memory where a reader takes 10 MB/s",
  peers: ["time", "socat", "curl", "piping-server"],
  groups({ size }): Group[] {
    const bytes = mibOf[size] * MiB;
    const boundMs = (bytes / bytesPerS) * 1_000 + spareMs;
    const along = (to: RouteTo): Contestant => {
      return async (bed) => {
        const consumer = endLine("paced", bytesPerS);
        const { seconds, costs, err } = await through(bed, await to(bed), {
          producer: zeros(bytes),
          consumer,
          bytes,
          boundMs,
        });
        if (!err.includes(`${bytes} bytes`)) throw new Error(`not all bytes came: ${err}`);
        const peaks = Object.entries(costs).filter(([metric]) => metric.endsWith("peak MiB"));
        return { ...Object.fromEntries(peaks), "MB/s": bytes / 1e6 / seconds, ...costs };
      };
    };
    return [
      {
        title: `${mibOf[size]} MiB into a reader that takes 10 MB/s (all rounds at once)`,
        boundMs,
        atOnce: true,
        contestants: {
          skypipe: along(skypipe()),
          socat: along(socat),
          "piping-server": along(pipingServer),
        },
        targets: ["send", "relay", "recv"].map((who) => ({
          of: "skypipe",
          metric: `${who} peak MiB`,
          atMost: peakMibMax,
        })),
      },
    ];
  },
};
