/** Machines: made, shown, waited for, updated under a lease, started, removed. */
import { setTimeout as pause } from "node:timers/promises";
import { type Call, type Handler, ok, textOf } from "./call.ts";
import { Refusal } from "./refusal.ts";
import { type AppState, type Config, instanceId, type MachineState, randomId, regions } from "./state.ts";
import { appFor, mayWrite } from "./who.ts";

const PREPARE_MS = 20;
const WAIT_POLL_MS = 10;
const VOLUME_BLOCKS = 250_000;

export const listMachines: Handler = ({ token, state }, name = "") =>
  ok([...appFor(state, token, name).machines.values()].map(shown));

export const getMachine: Handler = (call, name = "", id = "") => ok(shown(machineFor(call, name, id)));

export const createMachine: Handler = (call, name = "") => {
  const { token, state, body, machines } = call;
  mayWrite(token);
  const app = appFor(state, token, name);
  const config = body["config"] as Config;
  const region = textOf(body["region"]);
  const called = textOf(body["name"]) || randomId();
  const other = [...app.machines.values()].find((machine) => machine.name === called);
  if (other !== undefined) {
    throw new Refusal(
      409,
      `already_exists: unique machine name violation, machine ID ${other.id} already exists with name "${called}"`,
    );
  }
  if (!regions.some(({ code }) => code === region)) throw new Refusal(422, `region ${region} not found`);
  if (state.fullRegions.has(region)) {
    throw new Refusal(422, { error: "could not find a candidate host", status: "insufficient_capacity" });
  }
  const machine: MachineState = {
    id: randomId(),
    name: called,
    region,
    created_at: new Date().toISOString(),
    state: "created",
    instance_id: instanceId(),
    config,
    hostStatus: "ok",
    lease: null,
    events: [],
    process: null,
  };
  attach(app, machine);
  app.machines.set(machine.id, machine);
  // The image is prepared before it starts.
  setTimeout(() => app.machines.has(machine.id) && machines.start(machine), PREPARE_MS);
  return ok(shown(machine));
};

function attach(app: AppState, machine: MachineState): void {
  for (const { volume: id } of machine.config.mounts ?? []) {
    const volume = app.volumes.get(id);
    if (volume === undefined) throw new Refusal(404, `volume ${id} not found`);
    if (volume.attached_machine_id !== null && volume.attached_machine_id !== machine.id) {
      throw new Refusal(412, `volume ${id} is attached to another machine`);
    }
    if (volume.region !== machine.region) throw new Refusal(422, `volume ${id} is in another region`);
    volume.attached_machine_id = machine.id;
    volume.blocks = VOLUME_BLOCKS;
  }
}

export const updateMachine: Handler = async (call, name = "", id = "") => {
  mayWrite(call.token);
  const machine = machineFor(call, name, id);
  refuseLeased(call, machine);
  const version = call.body["current_version"];
  if (version !== undefined && version !== machine.instance_id) {
    throw new Refusal(409, "aborted: machine update failed due to concurrent update");
  }
  machine.config = call.body["config"] as Config;
  machine.instance_id = instanceId();
  attach(appFor(call.state, call.token, name), machine);
  // It answers before it has happened, as the vendor does.
  const answer = shown({ ...machine, state: "replacing" });
  machine.state = "replacing";
  void call.machines.stop(machine).then(() => call.machines.start(machine));
  return ok(answer);
};

export const deleteMachine: Handler = async (call, name = "", id = "") => {
  mayWrite(call.token);
  const machine = machineFor(call, name, id);
  refuseLeased(call, machine);
  await call.machines.stop(machine);
  const app = appFor(call.state, call.token, name);
  app.machines.delete(id);
  for (const volume of app.volumes.values()) {
    if (volume.attached_machine_id === id) volume.attached_machine_id = null;
  }
  return ok({ ok: true });
};

export const startMachine: Handler = (call, name = "", id = "") => {
  mayWrite(call.token);
  const machine = machineFor(call, name, id);
  refuseLeased(call, machine);
  if (machine.state === "created") {
    throw new Refusal(412, "failed_precondition: unable to start machine from current state: 'created'");
  }
  if (machine.state === "replacing") {
    throw new Refusal(412, "failed_precondition: machine getting replaced, refusing to start");
  }
  if (machine.state !== "started") call.machines.start(machine);
  return ok({ previous_state: machine.state });
};

export const waitMachine: Handler = async (call, name = "", id = "") => {
  const wanted = call.query.get("state") ?? "started";
  const timeoutS = Number(call.query.get("timeout") ?? "60");
  if (!(timeoutS >= 1 && timeoutS <= 60)) {
    throw new Refusal(400, "invalid_argument: value must be inside range [1s, 1m0s]");
  }
  const machine = machineFor(call, name, id);
  const deadlineMs = performance.now() + timeoutS * 1000 * call.machines.waitScale;
  for (;;) {
    const instance = call.query.get("instance_id");
    if (
      machine.hostStatus === "ok" &&
      machine.state === wanted &&
      (instance === null || instance === machine.instance_id)
    ) {
      return ok({ ok: true, state: wanted });
    }
    if (performance.now() >= deadlineMs) {
      throw new Refusal(
        408,
        `deadline_exceeded: machine failed to reach desired state, ${wanted}, currently ${machine.state}`,
      );
    }
    await pause(WAIT_POLL_MS);
  }
};

export const acquireLease: Handler = (call, name = "", id = "") => {
  mayWrite(call.token);
  const machine = machineFor(call, name, id);
  if (isLeased(machine)) throw new Refusal(409, "failed_precondition: machine is leased");
  const ttlS = Number(call.body["ttl"] ?? 30);
  machine.lease = { nonce: randomId(6), expiresMs: Date.now() + ttlS * 1000 };
  const { nonce, expiresMs } = machine.lease;
  return ok({ status: "success", data: { nonce, expires_at: Math.round(expiresMs / 1000) } }, 201);
};

export const releaseLease: Handler = (call, name = "", id = "") => {
  const machine = machineFor(call, name, id);
  refuseLeased(call, machine);
  machine.lease = null;
  return ok({ status: "success", data: { ok: true } });
};

export const setMetadata: Handler = (call, name = "", id = "", key = "") => {
  mayWrite(call.token);
  const machine = machineFor(call, name, id);
  refuseLeased(call, machine);
  machine.config = {
    ...machine.config,
    metadata: { ...machine.config.metadata, [decodeURIComponent(key)]: textOf(call.body["value"]) },
  };
  return ok(null, 204);
};

function machineFor({ state, token }: Call, name: string, id: string): MachineState {
  const machine = appFor(state, token, name).machines.get(id);
  if (machine === undefined) throw new Refusal(404, "machine not found");
  return machine;
}

function isLeased({ lease }: MachineState): boolean {
  return lease !== null && lease.expiresMs > Date.now();
}

function refuseLeased({ headers }: Call, machine: MachineState): void {
  if (isLeased(machine) && headers["fly-machine-lease-nonce"] !== machine.lease?.nonce) {
    throw new Refusal(409, "failed_precondition: machine is leased by somebody else");
  }
}

function shown(machine: MachineState): unknown {
  const { config, hostStatus, process: _process, lease: _lease, events, ...rest } = machine;
  return {
    ...rest,
    host_status: hostStatus,
    private_ip: "fdaa:0:1::2",
    events: events.toReversed(),
    ...(hostStatus === "ok" ? { config } : { incomplete_config: { metadata: config.metadata } }),
  };
}
