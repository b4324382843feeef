/** A satellite that keeps its folder and its port, whatever ends it in between. */
import { once } from "node:events";
import { connect } from "node:net";
import type { Bed } from "./bed.ts";
import type { Exit, Proc } from "./proc.ts";
import { until, within } from "./until.ts";

/** Recovery must not take so long that somebody who waits gives up. */
const readyMs = 30_000;

export class Durable {
  /** How often it was ended by SIGKILL. */
  kills = 0;
  proc: Proc;
  port = 0;
  readonly data: string;
  readonly #bed: Bed;
  readonly #flags: readonly string[];

  private constructor(bed: Bed, data: string, flags: readonly string[]) {
    this.#bed = bed;
    this.data = data;
    this.#flags = flags;
    this.proc = this.#spawn();
  }

  /** The commands of the bed that follow use it. */
  static async on(
    bed: Bed,
    flags: readonly string[] = [],
    data: string = bed.path("data"),
  ): Promise<Durable> {
    const satellite = new Durable(bed, data, flags);
    await satellite.#ready();
    bed.env.SKYPIPE_SATELLITE = satellite.url;
    return satellite;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** It has gone, and its port is free, when this resolves. */
  async kill(): Promise<void> {
    this.kills++;
    this.proc.kill("SIGKILL");
    await within("the killed satellite has gone", this.proc.exited);
  }

  async stop(): Promise<Exit> {
    this.proc.kill("SIGTERM");
    return this.proc.exits(0);
  }

  /** Starts it again. Milliseconds from there to the first connection that is accepted, by its port. */
  async start(): Promise<number> {
    const startedMs = performance.now();
    this.proc = this.#spawn();
    const acceptedMs = until("it accepts a connection", () => accepts(this.port), readyMs).then(() =>
      performance.now(),
    );
    await this.#ready();
    return (await acceptedMs) - startedMs;
  }

  async killAndStart(): Promise<number> {
    await this.kill();
    return this.start();
  }

  #spawn(): Proc {
    const flags = ["--data", this.data, "--port", String(this.port), ...this.#flags];
    return this.#bed.skypipe(["satellite", ...flags]);
  }

  async #ready(): Promise<void> {
    await this.proc.puts("\n", readyMs);
    this.port = Number(new URL(this.proc.out.trim()).port);
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ host: "127.0.0.1", port });
  try {
    await once(socket, "connect");
    return true;
  } finally {
    socket.destroy();
  }
}
