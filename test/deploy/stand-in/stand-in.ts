/** Stands in for Fly: its Machines API with state, machines that run on this computer, and an edge that routes to them. */
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createApi, type Span } from "./api.ts";
import type { Machines } from "./call.ts";
import { loadContract } from "./contract.ts";
import { Edge } from "./edge.ts";
import { type Fault, Faults } from "./faults.ts";
import { MachineProcess } from "./machine-process.ts";
import { Rates } from "./rates.ts";
import { type AppState, type MachineState, randomId, type State, type Token } from "./state.ts";

export interface StandInOptions {
  /** Default: as many requests as one likes. */
  readonly hasRates?: boolean;
  /** Default: never. */
  readonly autostopMs?: number;
  /** How long a second of the API's own waiting is. Default: a second. */
  readonly waitScale?: number;
  /** Of the machines' processes. */
  readonly env?: NodeJS.ProcessEnv;
}

const contract = loadContract();

export class StandIn implements Machines {
  readonly folder: string = mkdtempSync(path.join(tmpdir(), "skypipe-fly-"));
  readonly waitScale: number;
  readonly requests: string[] = [];
  readonly violations: string[] = [];
  /** When the API was at work, and when machines were on their way from their start to listening. */
  readonly spans: Span[] = [];
  readonly edge: Edge;
  readonly state: State = {
    organizations: new Map(),
    tokens: new Map(),
    apps: new Map(),
    foreignApps: new Set(),
    fullRegions: new Set(),
  };
  /** What a command needs to talk to this instead of the vendor. */
  env: NodeJS.ProcessEnv = {};
  /** What machines that are started stay in for ever; `null`: they start. */
  stuckIn: "created" | "starting" | "failed" | null = null;
  readonly #faults = new Faults();
  readonly #api: HttpServer;
  readonly #processEnv: NodeJS.ProcessEnv;

  constructor(options: StandInOptions = {}) {
    this.waitScale = options.waitScale ?? 1;
    this.#processEnv = options.env ?? { PATH: process.env.PATH ?? "" };
    this.edge = new Edge({ state: this.state, machines: this, autostopMs: options.autostopMs ?? null });
    this.#api = createApi({
      state: this.state,
      machines: this,
      faults: this.#faults,
      contract,
      rates: options.hasRates === true ? new Rates() : null,
      requests: this.requests,
      spans: this.spans,
      violations: this.violations,
    });
  }

  static async open(options: StandInOptions = {}): Promise<StandIn> {
    const standIn = new StandIn(options);
    await Promise.all([listen(standIn.#api), listen(standIn.edge.server)]);
    standIn.env = {
      FLY_API_HOSTNAME: `http://127.0.0.1:${standIn.apiPort}`,
      SKYPIPE_FLY_EDGE: `http://{app}.localhost:${standIn.edgePort}`,
    };
    standIn.addOrg("acme");
    return standIn;
  }

  addOrg(slug: string, isPersonal = false): void {
    this.state.organizations.set(slug, { slug, isPersonal });
  }

  get apiPort(): number {
    return portOf(this.#api);
  }

  get edgePort(): number {
    return portOf(this.edge.server);
  }

  /** A new token; default: for the whole of `acme`. */
  token(token: Partial<Token> = {}, text = `fm2_${randomId(40)},fm2_${randomId(40)}`): string {
    this.state.tokens.set(text, { orgs: ["acme"], ...token });
    return text;
  }

  /** Nothing goes wrong any more. */
  mend(): void {
    this.#faults.clear();
  }

  fail(...faults: readonly Fault[]): void {
    this.#faults.add(...faults);
  }

  get unmetFaults(): string[] {
    return this.#faults.unmet;
  }

  get apps(): AppState[] {
    return [...this.state.apps.values()];
  }

  get machines(): MachineState[] {
    return this.apps.flatMap((app) => [...app.machines.values()]);
  }

  /** The ids of machines whose processes are there. */
  get running(): string[] {
    return this.machines
      .filter(({ process }) => process !== null && process.pid !== null)
      .map(({ id }) => id);
  }

  /** All that is there, in words. */
  get leftovers(): string[] {
    return this.apps.flatMap((app) => [
      `app ${app.name}`,
      ...[...app.volumes.values()].map(({ id }) => `volume ${id}`),
      ...[...app.machines.values()].map(({ id }) => `machine ${id}`),
    ]);
  }

  start(machine: MachineState): void {
    if (machine.process !== null) return;
    if (this.stuckIn !== null) {
      note(machine, "launch", this.stuckIn);
      return;
    }
    note(machine, "start", "starting");
    const runFolder = path.join(
      this.folder,
      "machines",
      `${machine.id}-${machine.instance_id}-${randomId(3)}`,
    );
    const volumes = path.join(this.folder, "volumes");
    mkdirSync(volumes, { recursive: true });
    machine.process = new MachineProcess(machine.config, {
      folder: runFolder,
      volumes,
      env: this.#processEnv,
      listening: (span) => this.spans.push(span),
      exited: () => {
        machine.process = null;
        note(machine, "exit", "stopped");
      },
    });
    note(machine, "start", "started");
  }

  async stop(machine: MachineState): Promise<void> {
    note(machine, "stop", machine.state === "replacing" ? "replacing" : "stopping");
    await machine.process?.stop();
  }

  /** As a host that loses power: what is not on a volume is gone. The policy starts it again. */
  crash(): void {
    for (const machine of this.machines) machine.process?.kill();
  }

  async close(): Promise<void> {
    this.edge.close();
    this.#api.close();
    this.#api.closeAllConnections();
    await Promise.all(this.machines.map(async (machine) => machine.process?.stop()));
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function note(machine: MachineState, type: string, status: string): void {
  machine.state = status;
  machine.events.push({ id: randomId(), type, status, source: "flyd", timestamp: Date.now() });
}

async function listen(server: Server): Promise<void> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
