/** The ways from one process to another: a relay that runs, and the commands of a shell for both ends. */
import { existsSync, writeFileSync } from "node:fs";
import type { Bed } from "../support/bed.ts";
import type { Proc } from "../support/proc.ts";
import { until } from "../support/until.ts";
import { endLine } from "./ends.ts";
import { peerFile } from "./peers.ts";
import { connected, freePort, listens } from "./ports.ts";
import { timed } from "./usage.ts";

export interface Route {
  readonly relay: Proc;
  /** The relay goes by itself when the flow is over, and was started by `timed` as "relay". */
  readonly isRelayTimed?: boolean;
  /** Takes its stdin to the other side. */
  readonly sender: string;
  /** Puts out what comes. Starts first. */
  readonly receiver: string;
  /** When the receiver waits. */
  readonly ready: () => Promise<void>;
}

export type RouteTo = (bed: Bed) => Promise<Route>;

const bufferBytes = 262_144;

/** skypipe through a satellite that keeps in memory, or has these flags. */
export function skypipe(flags: readonly string[] = ["--memory"]): RouteTo {
  return async (bed) => {
    const relay = bed.spawn("skypipe", ["satellite", "--port", "0", ...flags]);
    await relay.puts("\n");
    bed.env.SKYPIPE_SATELLITE = relay.out.trim();
    return { relay, ...pipeOf(bed, "bench") };
  };
}

/** Through the satellite of a bed, by a pipe of this name. */
export function pipeOf(bed: Bed, name: string): Pick<Route, "sender" | "receiver" | "ready"> {
  return {
    sender: `skypipe ${name}`,
    receiver: `skypipe ${name} </dev/null`,
    ready: async () => void (await bed.pipe(name, { readers: 1 })),
  };
}

/** Where the satellite of a bed listens. */
export function satelliteUrl(bed: Bed): string {
  return bed.env.SKYPIPE_SATELLITE ?? "";
}

export function satellitePort(bed: Bed): number {
  return Number(new URL(satelliteUrl(bed)).port);
}

/** Two TCP hops in C with large buffers. The relay connects to the receiver when the sender has come. */
export const socat: RouteTo = async (bed) => {
  const [near, far] = [await freePort(), await freePort()];
  const line = `socat -u -b ${bufferBytes} TCP-LISTEN:${near},bind=127.0.0.1 TCP:127.0.0.1:${far}`;
  const relay = bed.shell(`exec ${timed(bed, "relay", line)}`);
  await listens(near, relay);
  return {
    relay,
    isRelayTimed: true,
    sender: `socat -u -b ${bufferBytes} - TCP:127.0.0.1:${near}`,
    receiver: `socat -u -b ${bufferBytes} TCP-LISTEN:${far},bind=127.0.0.1 -`,
    ready: async () => listens(far, relay),
  };
};

export const pipingServer: RouteTo = async (bed) => {
  const port = await freePort();
  const flags = ["--host=127.0.0.1", `--http-port=${port}`];
  const relay = bed.spawn(process.execPath, [peerFile(".bin/piping-server"), ...flags]);
  await listens(port, relay);
  const url = `http://127.0.0.1:${port}/bench`;
  return {
    relay,
    sender: `curl -sS --noproxy '*' -T - -o /dev/null ${url}`,
    receiver: `curl -sSN --noproxy '*' ${url}`,
    ready: async () => connected(port, 1),
  };
};

/** A nats-server whose clients may be as slow as they are: a message that is cut off is no message. */
export async function natsServer(bed: Bed): Promise<{ relay: Proc; port: number }> {
  const port = await freePort();
  const config = bed.path("nats.conf");
  writeFileSync(config, `listen: "127.0.0.1:${port}"\nmax_pending: 1073741824\nwrite_deadline: "60s"\n`);
  const relay = bed.spawn("nats-server", ["-c", config]);
  await listens(port, relay);
  return { relay, port };
}

/** With nothing but the port changed. */
export async function mosquitto(
  bed: Bed,
  flags: readonly string[] = [],
): Promise<{ relay: Proc; port: number }> {
  const port = await freePort();
  // It takes as many descriptors as it is given, where others ask for more.
  const line = ["exec mosquitto -p", port, ...flags].join(" ");
  const relay = bed.shell(`ulimit -n "$(ulimit -H -n)"; ${line}`);
  await listens(port, relay);
  return { relay, port };
}

/** Each line is a message: what a user of NATS would do. */
export const nats: RouteTo = async (bed) => {
  const { relay, port } = await natsServer(bed);
  return { relay, ...natsEnds(port, bed.path("subscribed")) };
};

/** The receiver makes a file when it has subscribed. */
export function natsEnds(port: number, subscribed: string): Pick<Route, "sender" | "receiver" | "ready"> {
  const library = peerFile("@nats-io/transport-node");
  return {
    sender: endLine("nats", "send", library, port),
    receiver: endLine("nats", "recv", library, port, subscribed),
    ready: async () => void (await until("the subscription", () => existsSync(subscribed))),
  };
}
