/** One writer, many readers: what the broker delivers to all of them together. */
import type { Bed } from "../../support/bed.ts";
import { KiB, MiB } from "../../support/bytes.ts";
import type { Proc } from "../../support/proc.ts";
import { endLine } from "../ends.ts";
import { zeros } from "../flow.ts";
import { readersLine, secondsIn } from "../readers.ts";
import { mosquitto, natsServer, satellitePort, skypipe } from "../routes.ts";
import type { Contestant, Context, Group, Scenario } from "../scenario.ts";
import { meter } from "../usage.ts";
import { writeLines } from "./lines.ts";

const boundMs = 180_000;
const chunkBytes = 64 * KiB;
const messageBytes = 100;
/** To all readers together, where there are many. */
const chunksMibOf: Record<Context["size"], number> = { full: 4_096, quick: 1_024, tiny: 100 };
const toOneMibMax = 1_024;
const messagesMibOf: Record<Context["size"], number> = { full: 1_024, quick: 256, tiny: 1 };

interface Load {
  readers: number;
  /** For each reader. */
  bytes: number;
  payload: number;
  /** What is counted: of how many bytes each, under which name. */
  unit: { name: string; bytes: number };
}

/** With a broker that has no flow control: the publisher hears from the readers how far they are. */
function paced(
  protocol: "nats" | "mqtt",
  broker: (bed: Bed) => Promise<{ relay: Proc; port: number }>,
  load: Load,
): Contestant {
  return async (bed) => {
    const { relay, port } = await broker(bed);
    const costs = meter(relay.pid);
    const publisher = endLine("publisher", protocol, port, load.bytes, load.payload);
    const { err } = await bed
      .shell(`${readersLine({ protocol, port, ...load })} | ${publisher}`)
      .exits(0, boundMs);
    return { ...rate(err, load), ...costs("relay", load.bytes * load.readers) };
  };
}

function ours(load: Load, producer: (bed: Bed) => string): Contestant {
  return async (bed) => {
    const { relay, sender } = await skypipe(["--memory", "--max-lag", "64M"])(bed);
    const port = satellitePort(bed);
    const costs = meter(relay.pid);
    const readers = bed.shell(`${readersLine({ protocol: "skypipe", port, ...load })} >/dev/null`);
    await readers.says(/^ready/m);
    await bed.shell(`${producer(bed)} | ${sender}`).exits(0, boundMs);
    const { err } = await readers.exits(0, boundMs);
    return { ...rate(err, load), ...costs("relay", load.bytes * load.readers) };
  };
}

function rate(err: string, { readers, bytes, unit }: Load): Record<string, number> {
  return { [unit.name]: (readers * bytes) / unit.bytes / secondsIn(err) };
}

function chunks(readers: number, size: Context["size"]): Group {
  const bytes = Math.floor(Math.min(chunksMibOf[size] / readers, toOneMibMax)) * MiB;
  const load: Load = { readers, bytes, payload: chunkBytes, unit: { name: "MiB/s", bytes: MiB } };
  return {
    title: `${bytes / MiB} MiB in chunks of 64 KiB to each of ${readers} readers, together`,
    boundMs,
    contestants: {
      skypipe: ours(load, () => zeros(bytes)),
      mosquitto: paced("mqtt", mosquitto, load),
      "nats-server": paced("nats", natsServer, load),
    },
    targets: [{ of: "skypipe", metric: "MiB/s", peer: "mosquitto", atLeast: 1 }],
  };
}

export const fanout: Scenario = {
  name: "fanout",
  title: "one writer to 1, 10 and 100 readers in chunks of 64 KiB",
  peers: ["mosquitto", "nats-server"],
  groups: ({ size }) => [1, 10, 100].map((readers) => chunks(readers, size)),
};

export const messages: Scenario = {
  name: "messages",
  title: "messages of 100 bytes to 100 readers",
  peers: ["mosquitto", "nats-server"],
  groups({ size }): Group[] {
    const readers = 100;
    const count = Math.floor((messagesMibOf[size] * MiB) / readers / messageBytes);
    const bytes = count * messageBytes;
    const unit = { name: "deliveries/s", bytes: messageBytes };
    const load: Load = { readers, bytes, payload: messageBytes, unit };
    return [
      {
        title: `${count.toLocaleString("en")} messages of ${messageBytes} bytes to each of ${readers} readers`,
        boundMs,
        contestants: {
          skypipe: ours(load, (bed) => writeLines(bed, count).producer),
          "nats-server": paced("nats", natsServer, load),
          mosquitto: paced("mqtt", mosquitto, load),
        },
        targets: [{ of: "skypipe", metric: unit.name, peer: "nats-server", atLeast: 0.8 }],
      },
    ];
  },
};
