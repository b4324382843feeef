/** Bytes at full speed from one process to another, both there. */

import type { Bed } from "../../support/bed.ts";
import { MiB } from "../../support/bytes.ts";
import { until } from "../../support/until.ts";
import { flood, sink, sunkBytes, zeros } from "../flow.ts";
import { pipingServer, type RouteTo, skypipe, socat } from "../routes.ts";
import type { Context, Group, Sample, Scenario } from "../scenario.ts";
import { sshd } from "../sshd.ts";
import { childrenOf, meter, timed, usageOf } from "../usage.ts";

const boundMs = 120_000;
const mibOf: Record<Context["size"], number> = { full: 1_024, quick: 256, tiny: 4 };

/** There is no relay on the way: the other side runs the consumer. With the fastest cipher it has. */
export async function ssh(bed: Bed, bytes: number): Promise<Sample> {
  const { pid, remote } = await sshd(bed);
  await bed.shell(`${remote} true`).exits(0);
  const relay = meter(pid);
  const startedMs = performance.now();
  const line = `set -o pipefail; ${zeros(bytes)} | ${timed(bed, "send", `${remote} ${sink}`)}`;
  const { err } = await bed.shell(line).exits(0, boundMs);
  const seconds = (performance.now() - startedMs) / 1_000;
  if (sunkBytes(err) !== bytes) throw new Error(`${sunkBytes(err)} bytes came instead of ${bytes}`);
  await until("sshd knows what its child has cost", () => childrenOf(pid) === 0);
  return { "MiB/s": bytes / MiB / seconds, ...usageOf(bed, "send", bytes), ...relay("relay", bytes) };
}

export const live: Scenario = {
  name: "live",
  title: "full speed from process to process",
  peers: ["time", "socat", "curl", "piping-server", "ssh"],
  groups({ size }): Group[] {
    const bytes = mibOf[size] * MiB;
    const along = (to: RouteTo) => async (bed: Bed) => flood(bed, await to(bed), bytes, boundMs);
    return [
      {
        title: `${mibOf[size]} MiB from process to process, starts of the ends included`,
        boundMs,
        contestants: {
          skypipe: along(skypipe()),
          socat: along(socat),
          "piping-server": along(pipingServer),
          ssh: async (bed) => ssh(bed, bytes),
        },
        targets: [
          { of: "skypipe", metric: "MiB/s", peer: "socat", atLeast: 0.65, goal: 0.75 },
          { of: "skypipe", metric: "MiB/s", peer: "piping-server", atLeast: 0.95, goal: 1.1 },
          { of: "skypipe", metric: "MiB/s", peer: "ssh", atLeast: 2 },
          { of: "skypipe", metric: "relay CPU s/GiB", peer: "piping-server", atMost: 0.5, goal: 0.35 },
        ],
      },
    ];
  },
};
