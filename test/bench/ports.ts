/** Ports of relays that can't be asked for any free one, and who is connected to them. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import type { Proc } from "../support/proc.ts";
import { until } from "../support/until.ts";

const established = "01";
const listening = "0A";

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Waits until a process listens, without connecting: some relays take the first connection for the one that counts. */
export async function listens(port: number, proc: Proc): Promise<void> {
  await until(`${proc.title} listens`, () => !proc.running || sockets(port, listening) > 0);
  if (!proc.running) throw new Error(`${proc.title} did not start: ${proc.err.trim().slice(-1_000)}`);
}

/** Waits until so many connections to a port are there. */
export async function connected(port: number, count: number): Promise<void> {
  await until(`${count} connections to port ${port}`, () => sockets(port, established) >= count);
}

/** The sockets on this side of a port, in the kernel's table. */
function sockets(port: number, state: string): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return ["tcp", "tcp6"]
    .flatMap((table) => readFileSync(`/proc/net/${table}`, "utf8").split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , is]) => local?.endsWith(suffix) === true && is === state).length;
}
