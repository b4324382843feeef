/** Readers that wait and get nothing: what each costs the broker. */
import { setTimeout as pause } from "node:timers/promises";
import type { Bed } from "../../support/bed.ts";
import { KiB, MiB } from "../../support/bytes.ts";
import type { Proc } from "../../support/proc.ts";
import { type Watched, watchedSkypipe } from "../heap.ts";
import { readersLine } from "../readers.ts";
import { mosquitto, natsServer } from "../routes.ts";
import type { Contestant, Context, Group, Scenario } from "../scenario.ts";
import { cpuSecondsOf, residentBytesOf } from "../usage.ts";

const boundMs = 180_000;
const readersOf: Record<Context["size"], number> = { full: 5_000, quick: 5_000, tiny: 10 };
/**
 * A collector of garbage that has nothing to do gives back after a while what opening so many has left: V8 at the first
 * pings, after 20 to 30 s, in a satellite whose connections do nothing else.
 */
const restMsOf: Record<Context["size"], number> = { full: 45_000, quick: 45_000, tiny: 100 };

type Broker = (bed: Bed) => Promise<{ relay: Proc; port: number; inUse?: Watched["inUse"] }>;

function waiting(
  protocol: "skypipe" | "nats" | "mqtt",
  broker: Broker,
  size: Context["size"],
  pipes = 1,
): Contestant {
  return async (bed) => {
    const { relay, port, inUse } = await broker(bed);
    const readers = readersOf[size];
    await pause(restMsOf[size] / 20); // its own start is over
    const before = residentBytesOf(relay.pid);
    const usedBefore = await inUse?.();
    const line = readersLine({ protocol, port, readers, bytes: 1, payload: 1, pipes });
    const all = bed.shell(`exec ${line}`);
    await all.says(/^ready/m, boundMs);
    const opened = residentBytesOf(relay.pid);
    const cpuBefore = cpuSecondsOf(relay.pid);
    await pause(restMsOf[size]);
    const cpuS = cpuSecondsOf(relay.pid) - cpuBefore;
    const rested = residentBytesOf(relay.pid);
    const used = await inUse?.();
    return {
      "KiB per reader": (rested - before) / readers / KiB,
      "just opened": (opened - before) / readers / KiB,
      ...(used !== undefined &&
        usedBefore !== undefined && { "in use": (used - usedBefore) / readers / KiB }),
      "CPU %": (cpuS / restMsOf[size]) * 100_000,
      "base MiB": before / MiB,
    };
  };
}

async function satellite(bed: Bed): ReturnType<Broker> {
  const { proc, inUse } = watchedSkypipe(bed, ["satellite", "--memory", "--port", "0"]);
  await proc.puts("\n");
  return { relay: proc, port: Number(new URL(proc.out.trim()).port), inUse };
}

export const idle: Scenario = {
  name: "idle",
  title: "memory of readers that wait",
  peers: ["mosquitto", "nats-server"],
  groups({ size }): Group[] {
    const readers = readersOf[size];
    return [
      {
        title: `${readers.toLocaleString("en")} readers that wait`,
        boundMs,
        contestants: {
          skypipe: waiting("skypipe", satellite, size),
          "skypipe, a pipe each": waiting("skypipe", satellite, size, readers),
          mosquitto: waiting("mqtt", mosquitto, size),
          "nats-server": waiting("nats", natsServer, size),
        },
        targets: [
          { of: "skypipe", metric: "KiB per reader", atMost: 10 },
          { of: "skypipe, a pipe each", metric: "KiB per reader", atMost: 10 },
        ],
      },
    ];
  },
};
