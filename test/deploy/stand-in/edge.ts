/** The vendor's proxy: from the name of an app to its machine, which is started for it, or stopped when nobody is there. */
import net from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Machines } from "./call.ts";
import type { AppState, MachineState, State } from "./state.ts";

const HEAD_BYTES_MAX = 64 * 1024;
const START_MS = 10_000;
const POLL_MS = 10;

export interface EdgeParts {
  readonly state: State;
  readonly machines: Machines;
  /** How long nobody may be connected before it stops a machine that allows it; `null`: it never does. */
  readonly autostopMs: number | null;
}

export class Edge {
  readonly server: net.Server;
  readonly #parts: EdgeParts;
  readonly #connections = new Map<net.Socket, string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** Connections that are refused before one is let in: some of the vendor's edges are out of reach at times. */
  refusals = 0;

  constructor(parts: EdgeParts) {
    this.#parts = parts;
    this.server = net.createServer((client) => this.#accept(client));
  }

  /** Cuts every connection, as a proxy that is replaced. */
  cutAll(): void {
    for (const client of this.#connections.keys()) client.destroy();
  }

  close(): void {
    this.cutAll();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.server.close();
  }

  #accept(client: net.Socket): void {
    client.on("error", () => client.destroy());
    if (this.refusals > 0) {
      this.refusals -= 1;
      client.destroy();
      return;
    }
    let head = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const host = /^host:\s*([^\s:]+)/im.exec(head.toString("latin1"))?.[1];
      if (head.indexOf("\r\n\r\n") < 0 && head.length < HEAD_BYTES_MAX) return;
      client.off("data", read);
      client.pause();
      const route = this.#route(client, head, host?.split(".")[0] ?? "");
      route.catch(() => client.destroy());
    };
    client.on("data", read);
  }

  async #route(client: net.Socket, head: Buffer, name: string): Promise<void> {
    const app = this.#parts.state.apps.get(name);
    // Without an address the name is not in the DNS: nobody gets here.
    if (app === undefined || app.ips.length === 0) {
      client.destroy();
      return;
    }
    this.#connections.set(client, name);
    client.once("close", () => this.#left(client, name));
    const port = await this.#portOf(app);
    if (port === null) {
      client.end("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
      client.resume();
      return;
    }
    const machine = net.connect(port, "127.0.0.1", () => machine.write(head));
    machine.on("error", () => client.destroy());
    machine.once("close", () => client.destroy());
    client.once("close", () => machine.destroy());
    client.pipe(machine);
    machine.pipe(client);
    client.resume();
  }

  /** Starts a machine that rests. `null`: there is none that answers. */
  async #portOf(app: AppState): Promise<number | null> {
    const deadlineMs = performance.now() + START_MS;
    while (performance.now() < deadlineMs) {
      const machine = [...app.machines.values()].find((each) => each.hostStatus === "ok");
      if (machine === undefined) return null;
      if (machine.state === "started" && machine.process?.port) return machine.process.port;
      const service = machine.config.services?.[0];
      if (machine.state === "stopped" && service?.autostart === true) this.#parts.machines.start(machine);
      else if (machine.state !== "started" && machine.state !== "stopped") return null;
      await pause(POLL_MS);
    }
    return null;
  }

  #left(client: net.Socket, name: string): void {
    this.#connections.delete(client);
    const { autostopMs } = this.#parts;
    clearTimeout(this.#timers.get(name));
    if (autostopMs === null) return;
    const timer = setTimeout(() => void this.#rest(name).catch(() => undefined), autostopMs);
    this.#timers.set(name, timer);
  }

  async #rest(name: string): Promise<void> {
    if ([...this.#connections.values()].includes(name)) return;
    const machines: MachineState[] = [...(this.#parts.state.apps.get(name)?.machines.values() ?? [])];
    for (const machine of machines) {
      const isAllowed = machine.config.services?.[0]?.autostop === "stop";
      if (machine.state === "started" && isAllowed) await this.#parts.machines.stop(machine);
    }
  }
}
