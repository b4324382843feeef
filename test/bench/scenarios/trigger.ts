/** `echo | skypipe trigger`: from its start until it and the one that waited have both gone. */
import type { Bed } from "../../support/bed.ts";
import type { Proc } from "../../support/proc.ts";
import { until } from "../../support/until.ts";
import {
  mosquitto as mosquittoBroker,
  natsEnds,
  natsServer,
  pipingServer,
  type Route,
  skypipe,
} from "../routes.ts";
import type { Contestant, Context, Group, Scenario } from "../scenario.ts";
import { quantile } from "../statistics.ts";

const boundMs = 60_000;
/** In one turn: what starts processes varies more than anything else. */
const timesOf: Record<Context["size"], number> = { full: 15, quick: 7, tiny: 1 };

/** The middle of what several triggers took. */
async function several(times: number, once: () => Promise<number>): Promise<Record<string, number>> {
  const tookMs: number[] = [];
  for (let time = 0; time < times; time++) tookMs.push(await once());
  return { ms: quantile(tookMs, 0.5) };
}

async function released(bed: Bed, waiting: Proc | undefined, line: string): Promise<number> {
  const startedMs = performance.now();
  const sender = bed.shell(line);
  await Promise.all([sender.exits(0), waiting?.exits(0)]);
  return performance.now() - startedMs;
}

function along(to: (bed: Bed) => Promise<Route>, times: number): Contestant {
  return async (bed) => {
    const route = await to(bed);
    return several(times, async () => {
      const waiting = bed.shell(`exec ${route.receiver}`);
      await route.ready();
      return released(bed, waiting, `echo | ${route.sender}`);
    });
  };
}

function nothing(times: number): Contestant {
  return async (bed) => several(times, async () => released(bed, undefined, "echo | node -e 0"));
}

function mosquitto(times: number): Contestant {
  return async (bed) => {
    const { relay, port } = await mosquittoBroker(bed, ["-v"]);
    let subscriptions = 0;
    return several(times, async () => {
      const waiting = bed.spawn("mosquitto_sub", ["-p", String(port), "-t", "bench", "-C", "1"]);
      subscriptions++;
      await until("the subscription", () => relay.err.split("Sending SUBACK").length > subscriptions);
      return released(bed, waiting, `echo | mosquitto_pub -p ${port} -t bench -s`);
    });
  };
}

function nats(times: number): Contestant {
  return async (bed) => {
    const { port } = await natsServer(bed);
    let turn = 0;
    return several(times, async () => {
      const { sender, receiver, ready } = natsEnds(port, bed.path(`subscribed-${++turn}`));
      const waiting = bed.shell(`exec ${receiver}`);
      await ready();
      return released(bed, waiting, `echo | ${sender}`);
    });
  };
}

export const trigger: Scenario = {
  name: "trigger",
  title: "echo | skypipe trigger, both processes",
  peers: ["curl", "piping-server", "mosquitto", "nats-server", "nats.js"],
  groups({ size }): Group[] {
    const times = timesOf[size];
    return [
      {
        title: `echo | skypipe trigger, until both processes have gone (the middle of ${times} in each round)`,
        boundMs,
        contestants: {
          skypipe: along(skypipe(), times),
          "node -e 0": nothing(times),
          "piping-server": along(pipingServer, times),
          mosquitto: mosquitto(times),
          "nats.js": nats(times),
        },
        targets: [{ of: "skypipe", metric: "ms", peer: "node -e 0", atMost: 1.5 }],
      },
    ];
  },
};
