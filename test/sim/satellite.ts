import { Broker } from "../../satellite/pipe/broker.ts";
import type { BrokerEffect, BrokerEvent } from "../../satellite/pipe/effects.ts";
import { DamageError, type Store } from "../../satellite/store/store.ts";
import type { Chunk } from "../../satellite/wire/frame.ts";
import type { EndMessage, SatelliteMessage } from "../../satellite/wire/messages.ts";
import { ALL } from "../../satellite/wire/rights.ts";
import type { Random } from "./random.ts";
import type { StoreHost } from "./stores.ts";
import type { Wire } from "./wire.ts";
import { Witness } from "./witness.ts";
import type { World } from "./world.ts";

const READ_RETRY_MS = 1_000;

/** The satellite's process: the real broker on a store, driven as satellite/engine.ts drives it. */
export class SimSatellite {
  readonly world: World;
  readonly host: StoreHost;
  readonly random: Random;
  readonly witness: Witness;
  /** How often it was started. */
  run = 0;
  isUp = false;
  isFrozen = false;
  isStarting = false;
  diesInside = false;
  events = 0;
  /** Promises may be under way: the world lets them run before it goes on. */
  isAsync = false;
  #broker: Broker | null = null;
  #store: Store | null = null;
  #inbox: (() => void)[] = [];
  #queue: BrokerEvent[] = [];
  #isRunning = false;
  #isTroubled = false;
  #wakes = 0;
  readonly wires: Map<number, Wire> = new Map();

  constructor(world: World, host: StoreHost, random: Random) {
    this.world = world;
    this.host = host;
    this.random = random;
    this.witness = new Witness(world);
  }

  get broker(): Broker | null {
    return this.#broker;
  }

  /** What it tells somebody who asks. Empty while it does not run. */
  ask(question: Extract<EndMessage, { type: "list" | "inspect" }>): SatelliteMessage[] {
    const answers: SatelliteMessage[] = [];
    const hello = { type: "hello", protocol: 1, software: "asker" } as const;
    const events: BrokerEvent[] = [
      { type: "hello", connection: 0, message: hello, rights: ALL, secret: "" },
      { type: "message", connection: 0, message: question },
      { type: "lost", connection: 0 },
    ];
    for (const event of events) {
      for (const effect of this.#broker?.handle(event, this.world.clock.nowMs) ?? []) {
        if (effect.type === "send" && effect.connection === 0) answers.push(effect.message);
        else this.#carryOut(effect);
      }
    }
    return answers;
  }

  start(): void {
    if (this.isUp || this.isStarting) return;
    const run = ++this.run;
    this.isStarting = true;
    this.#isTroubled = false;
    const store = this.host.open();
    this.#store = store;
    this.isAsync = true;
    store.onDurable = (stream, offset, end) => this.#fromStore(run, { type: "durable", stream, offset, end });
    store.onTrouble = (trouble) => {
      if (run === this.run) this.#isTroubled = trouble !== null;
      this.#fromStore(run, { type: "trouble", isShut: trouble !== null });
    };
    store.recover().then(
      (recovered) => {
        if (run !== this.run || !this.isStarting) return;
        this.isStarting = false;
        if (recovered.damage.length > 0)
          this.world.model.violate("store", `damage: ${recovered.damage.join("; ")}`);
        this.witness.restarted(recovered.streams, store.isLasting);
        this.#broker = new Broker({
          limits: this.world.plan.limits,
          software: "satellite/1",
          storeName: store.name,
          startedMs: this.world.clock.nowMs,
          equal: (a, b) => a === b,
          ...(store.isLasting && { recovered }),
        });
        this.isUp = true;
        this.world.log(() => `the satellite is up, run ${run}, ${recovered.streams.length} streams kept`);
        this.post({ type: "tick" });
      },
      (error: unknown) => {
        if (run !== this.run || !this.isStarting) return;
        this.isStarting = false;
        this.world.log(() => `the satellite does not start: ${String(error)}`);
        const isDisk = this.host.hasTrouble || String(error).includes("simulated");
        if (!isDisk) this.world.model.violate("store", `recovery fails: ${stackOf(error)}`);
        this.world.clock.after(1_000, () => this.start());
      },
    );
  }

  /** SIGKILL, or the power goes. */
  kill(power: boolean): void {
    if (!this.isUp && !this.isStarting) return;
    this.world.log(() => (power ? "the power of the satellite goes" : "the satellite is killed"));
    this.#forget(power);
    this.#cease();
    this.host.kill(power);
    for (const wire of this.wires.values()) {
      const quiet = power || this.random.chance(0.3);
      if (quiet || this.random.chance(0.5)) wire.die();
      else wire.up.die(); // what the operating system has, arrives
      const lateMs = quiet ? this.random.pick([50, 5_000, 60_000]) : this.random.below(50);
      this.world.clock.after(lateMs, () => this.#lostForEnd(wire));
    }
    this.wires.clear();
  }

  /** SIGTERM. */
  stop(): void {
    if (!this.isUp || this.isFrozen) return;
    this.world.log(() => "the satellite stops");
    this.post({ type: "stop", reason: "sim" });
    if (!this.isUp) return; // died inside
    const store = this.#store as Store;
    const { run } = this;
    this.#forget(false);
    this.#cease();
    this.run = run; // its store is still being closed
    for (const wire of this.wires.values()) {
      wire.up.die();
      wire.down.send(0, () => this.#lostForEnd(wire));
    }
    this.wires.clear();
    this.isAsync = true;
    const closed = (): void => {
      if (this.run !== run || this.isUp || this.isStarting) return;
      this.host.closed();
    };
    store.close().then(closed, closed);
  }

  /** Facts that are noted while the disk is in trouble wait in memory: they go like the last ones before a power failure [S-11]. */
  #forget(power: boolean): void {
    const isLost = power || (this.#isTroubled && this.world.plan.store === "files");
    if (isLost || this.world.plan.store === "memory") this.world.forget(isLost);
  }

  #cease(): void {
    this.isUp = false;
    this.isStarting = false;
    this.isFrozen = false;
    this.diesInside = false;
    this.#inbox = [];
    this.#queue = [];
    this.#broker = null;
    this.#wakes++;
    this.run++;
  }

  freeze(): void {
    if (this.isUp) this.isFrozen = true;
  }

  thaw(): void {
    if (!this.isFrozen) return;
    this.isFrozen = false;
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const act of inbox) this.#whenRunning(act);
  }

  #whenRunning(act: () => void): void {
    if (!this.isUp) return;
    if (this.isFrozen) this.#inbox.push(act);
    else act();
  }

  #fromStore(run: number, event: BrokerEvent): void {
    if (run === this.run && this.isUp) this.#whenRunning(() => this.post(event));
  }

  /** A handshake. */
  accept(wire: Wire, greet: () => void): void {
    const { run } = this;
    this.#whenRunning(() => {
      if (run !== this.run) return;
      this.wires.set(wire.number, wire);
      greet();
    });
  }

  hear(wire: Wire, message: EndMessage): void {
    this.#arrive(wire, () => {
      const connection = wire.number;
      if (message.type === "hello") {
        const secret = `${wire.end.name}:${connection}:${this.random.below(2 ** 31)}`;
        this.post({ type: "hello", connection, message, rights: ALL, secret }, wire);
      } else this.post({ type: "message", connection, message }, wire);
    });
  }

  hearChunk(wire: Wire, chunk: Chunk): void {
    this.#arrive(wire, () => this.post({ type: "chunk", connection: wire.number, chunk }, wire));
  }

  pong(wire: Wire, pong: number): void {
    this.#arrive(wire, () =>
      wire.down.send(2, () => wire.end.arrive(wire, { type: "heard", connection: wire.ofEnd, pong })),
    );
  }

  /** The satellite has found out that the connection is gone. */
  lose(wire: Wire): void {
    this.#arrive(wire, () => {
      if (wire.isForgotten) return;
      wire.isForgotten = true;
      this.wires.delete(wire.number);
      this.world.log(() => `  ${wire.end.name} is lost`);
      this.post({ type: "lost", connection: wire.number }, wire);
    });
  }

  #arrive(wire: Wire, act: () => void): void {
    this.#whenRunning(() => {
      if (wire.run === this.run) act();
    });
  }

  #lostForEnd(wire: Wire): void {
    wire.end.arrive(wire, { type: "lost", connection: wire.ofEnd, reason: "the satellite is gone" });
  }

  post(event: BrokerEvent, wire?: Wire): void {
    this.#queue.push(event);
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        this.#handle(next, wire);
        if (!this.isUp) return;
      }
    } finally {
      this.#isRunning = false;
    }
  }

  #handle(event: BrokerEvent, wire: Wire | undefined): void {
    this.events++;
    const { world, witness, run } = this;
    if (event.type === "durable") witness.durable(event.stream, event.offset);
    if ("connection" in event) witness.before(event, this.wires.get(event.connection) ?? wire);
    let effects: readonly BrokerEffect[];
    try {
      effects = (this.#broker as Broker).handle(event, world.clock.nowMs);
    } catch (error) {
      world.model.violate("broker", `throws at ${event.type}: ${stackOf(error)}`);
      return;
    }
    const dies = this.diesInside && this.#isMomentous(effects);
    const until = dies ? this.random.below(effects.length + 1) : effects.length;
    for (let i = 0; i < until && run === this.run; i++) {
      try {
        this.#carryOut(effects[i] as BrokerEffect);
      } catch (error) {
        world.model.violate("store", `an effect fails: ${stackOf(error)}`);
      }
    }
    if (!dies && run === this.run) witness.after();
    if (!dies || run !== this.run) return;
    world.log(() => `after ${until} of ${effects.length} effects of ${event.type}:`);
    this.kill(false);
    world.restartLater(this.random.pick([0, 100, 3_000]));
  }

  /** To die among them shows most where something is both noted and told. */
  #isMomentous(effects: readonly BrokerEffect[]): boolean {
    const notes = effects.some(({ type }) => type === "note");
    const sends = effects.some(({ type }) => type === "send");
    return (notes && sends) || ((notes || sends) && this.random.chance(0.1));
  }

  #carryOut(effect: BrokerEffect): void {
    const store = this.#store as Store;
    const { witness } = this;
    switch (effect.type) {
      case "send": {
        const wire = this.wires.get(effect.connection);
        if (wire === undefined) return;
        const { message } = effect;
        witness.sends(wire, message);
        this.world.log(() => `  ${wire.end.name} ← ${JSON.stringify(message)}`);
        wire.down.send(64, () => wire.end.arrive(wire, { type: "message", connection: wire.ofEnd, message }));
        return;
      }
      case "forward": {
        const wire = this.wires.get(effect.connection);
        if (wire === undefined) return;
        const chunk = { ...effect.chunk, sentMs: this.world.clock.nowMs };
        this.world.log(
          () =>
            `  ${wire.end.name} ← chunk ${chunk.stream} ${chunk.offset}–${chunk.end} flags ${chunk.flags}`,
        );
        wire.down.send(chunk.frame.length, () => {
          wire.end.whenRunning(() => this.#relieve(wire));
          wire.end.arrive(wire, { type: "chunk", connection: wire.ofEnd, chunk });
        });
        this.#burden(wire);
        return;
      }
      case "close": {
        const wire = this.wires.get(effect.connection);
        if (wire === undefined) return;
        this.world.log(() => `  ${wire.end.name} is closed: ${effect.code}`);
        wire.isClosing = true;
        const reason = effect.code;
        wire.down.send(8, () => {
          wire.end.arrive(wire, { type: "lost", connection: wire.ofEnd, reason });
          this.world.clock.after(5, () => this.lose(wire));
        });
        return;
      }
      case "wake":
        this.#wake(effect.atMs);
        return;
      case "issue":
        return; // nobody shares anything here
      case "load":
        this.isAsync = true;
        this.#load(store, effect);
        return;
      case "create": {
        const { stream, pipe, openedMs, info, ttlMs } = effect;
        store.create({ ...info, id: stream, pipe, openedMs, ...(ttlMs !== undefined && { ttlMs }) });
        break;
      }
      case "append":
        witness.appends(effect.chunk);
        store.append(effect.chunk);
        break;
      case "release":
        witness.releases(effect.stream, effect.offset);
        store.release(effect.stream, effect.offset);
        break;
      case "note":
        witness.notes(effect.facts);
        store.note(effect.facts);
        break;
      case "drop":
        witness.drops(effect.stream);
        store.remove(effect.stream);
        break;
    }
    this.isAsync ||= this.host.isAsync;
  }

  #load(store: Store, { load, stream, offset, bytesMax }: Extract<BrokerEffect, { type: "load" }>): void {
    const { run } = this;
    const answer = (chunks: Chunk[], lateMs: number): void => {
      this.world.clock.after(lateMs, () => this.#fromStore(run, { type: "loaded", load, chunks }));
    };
    store.read(stream, offset, bytesMax).then(
      (chunks) => answer(chunks, this.random.below(4)),
      (error: unknown) => {
        if (run !== this.run) return;
        if (error instanceof DamageError) {
          this.world.model.violate("store", `stream ${stream} is damaged at ${offset}: ${error.message}`);
          this.#fromStore(run, { type: "damaged", stream });
        } else answer([], READ_RETRY_MS);
      },
    );
  }

  #wake(atMs: number | null): void {
    const wake = ++this.#wakes;
    if (atMs === null) return;
    this.world.clock.at(atMs, () =>
      this.#whenRunning(() => {
        if (wake === this.#wakes) this.post({ type: "tick" });
      }),
    );
  }

  #burden(wire: Wire): void {
    if (wire.isCongested || wire.down.waitingBytes <= this.world.plan.limits.sendQueueBytesMax) return;
    wire.isCongested = true;
    this.post({ type: "congested", connection: wire.number });
  }

  #relieve(wire: Wire): void {
    if (!wire.isCongested || wire.down.waitingBytes > this.world.plan.limits.sendQueueBytesMax / 2) return;
    wire.isCongested = false;
    this.#arrive(wire, () => this.post({ type: "drained", connection: wire.number }));
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
