/**
 * Sessions and the real broker on a virtual clock, with a network between them that delays and is cut when the test
 * says so. Everything random comes from one seed.
 */
import type { ConnectionId, Notice, SessionEvent } from "../../cli/client/effects.ts";
import { Session } from "../../cli/client/session.ts";
import { Broker } from "../../satellite/pipe/broker.ts";
import type { BrokerEvent } from "../../satellite/pipe/effects.ts";
import { MemoryStore } from "../../satellite/store/memory.ts";
import type { Chunk } from "../../satellite/wire/frame.ts";
import { type Limits, limits } from "../../satellite/wire/limits.ts";
import type { SatelliteMessage } from "../../satellite/wire/messages.ts";
import { ALL } from "../../satellite/wire/rights.ts";

/** mulberry32: small, and good enough to be unlucky with. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Planned {
  atMs: number;
  act: () => void;
}

/** One connection: what is under way arrives in order, until it is cut. */
class Wire {
  isUp = true;
  #upMs = 0;
  #downMs = 0;
  readonly end: VirtualEnd;
  readonly number: ConnectionId;
  /** As the end numbers it. */
  readonly ofEnd: ConnectionId;

  constructor(end: VirtualEnd, number: ConnectionId, ofEnd: ConnectionId) {
    this.end = end;
    this.number = number;
    this.ofEnd = ofEnd;
  }

  toSatellite(act: () => void): void {
    this.#upMs = Math.max(this.#upMs, this.end.world.nowMs + this.end.world.delayMs());
    this.end.world.plan(this.#upMs, () => {
      if (this.isUp) act();
    });
  }

  toEnd(event: SessionEvent): void {
    this.#downMs = Math.max(this.#downMs, this.end.world.nowMs + this.end.world.delayMs());
    this.end.world.plan(this.#downMs, () => {
      if (this.isUp) this.end.do(event);
    });
  }

  /** Both sides find out at once, or where it is `silent`, by themselves. */
  cut(silent: boolean): void {
    if (!this.isUp) return;
    this.isUp = false;
    const { world } = this.end;
    const connection = this.ofEnd;
    if (!silent) this.end.do({ type: "lost", connection, reason: "cut" });
    world.plan(world.nowMs + (silent ? 12_000 : world.delayMs()), () => {
      world.broker({ type: "lost", connection: this.number });
    });
  }
}

export class VirtualEnd {
  readonly world: World;
  readonly session: Session;
  readonly #onNotice: (notice: Notice, end: VirtualEnd) => void;
  wire: Wire | null = null;
  isOnline = true;
  #wakes = 0;
  #events: SessionEvent[] = [];
  #isRunning = false;

  constructor(world: World, onNotice: (notice: Notice, end: VirtualEnd) => void) {
    this.world = world;
    this.#onNotice = onNotice;
    this.session = new Session({
      software: "end/1",
      address: "virtual",
      connectTimeoutMs: null,
      random: world.random,
    });
    this.do({ type: "start" });
  }

  do(event: SessionEvent): void {
    this.#events.push(event);
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      for (const effect of this.session.handle(next, this.world.nowMs)) this.#carryOut(effect);
    }
    this.#isRunning = false;
  }

  #carryOut(effect: ReturnType<Session["handle"]>[number]): void {
    const { world, wire } = this;
    switch (effect.type) {
      case "connect":
        this.#connect(effect.connection);
        break;
      case "send": {
        const { message } = effect;
        const connection = wire?.number ?? 0;
        wire?.toSatellite(() =>
          world.broker(
            message.type === "hello"
              ? { type: "hello", connection, message, rights: ALL, secret: String(world.random()) }
              : { type: "message", connection, message },
          ),
        );
        break;
      }
      case "forward":
        wire?.toSatellite(() =>
          world.broker({ type: "chunk", connection: wire.number, chunk: { ...effect.chunk } }),
        );
        break;
      case "ping":
        wire?.toSatellite(() => wire.toEnd({ type: "heard", connection: wire.ofEnd, pong: effect.ping }));
        break;
      case "watch":
        world.plan(world.nowMs + 1, () => this.do({ type: "drained", connection: effect.connection }));
        break;
      case "close":
        if (wire !== null) {
          const { number } = wire;
          wire.toSatellite(() => world.broker({ type: "lost", connection: number }));
          if (effect.code === "lost") wire.cut(true);
        }
        break;
      case "wake": {
        const wake = ++this.#wakes;
        if (effect.atMs === null) break;
        world.plan(effect.atMs, () => {
          if (wake === this.#wakes) this.do({ type: "tick" });
        });
        break;
      }
      case "notice":
        this.#onNotice(effect.notice, this);
        break;
      default: // for people
    }
  }

  #connect(connection: ConnectionId): void {
    const { world } = this;
    const wire = world.wire(this, connection);
    this.wire = wire;
    world.plan(world.nowMs + world.delayMs(), () => {
      if (this.isOnline) this.do({ type: "connected", connection });
      else this.do({ type: "lost", connection, reason: "offline" });
    });
  }
}

export class World {
  readonly random: () => number;
  nowMs = 0;
  readonly limits: Limits;
  readonly #wires = new Map<ConnectionId, Wire>();
  #plan: Planned[] = [];
  #broker: Broker;
  #store = new MemoryStore();
  #brokerWakes = 0;
  #events: BrokerEvent[] = [];
  #isRunning = false;
  #lastWire = 0;

  constructor(seed: number, changed: Partial<Limits> = {}) {
    this.random = randomFrom(seed);
    this.limits = { ...limits, ...changed };
    this.#broker = this.#start();
  }

  /** A satellite without a journal is stopped, and another begins in its place [S-9]. */
  restart(): void {
    for (const wire of this.#wires.values()) wire.cut(false);
    this.#store = new MemoryStore();
    this.#broker = this.#start();
    this.#brokerWakes++;
  }

  delayMs(): number {
    return 1 + this.random() * 30;
  }

  plan(atMs: number, act: () => void): void {
    const later = this.#plan.findIndex((planned) => planned.atMs > atMs);
    this.#plan.splice(later === -1 ? this.#plan.length : later, 0, { atMs, act });
  }

  wire(end: VirtualEnd, ofEnd: ConnectionId): Wire {
    const wire = new Wire(end, ++this.#lastWire, ofEnd);
    this.#wires.set(wire.number, wire);
    return wire;
  }

  /** Goes on until `isDone`, or for as long as `untilMs`. */
  async run(isDone: () => boolean, untilMs = 3_600_000): Promise<void> {
    while (!isDone()) {
      const next = this.#plan.shift();
      if (next === undefined || next.atMs > untilMs) throw new Error(`not done at ${this.nowMs} ms`);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.act();
      await Promise.resolve(); // the store answers
    }
  }

  broker(event: BrokerEvent): void {
    this.#events.push(event);
    if (this.#isRunning) return;
    this.#isRunning = true;
    const broker = this.#broker;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      for (const effect of broker.handle(next, this.nowMs)) this.#carryOut(effect);
    }
    this.#isRunning = false;
  }

  #start(): Broker {
    this.#store.onDurable = (stream, offset, end) => this.broker({ type: "durable", stream, offset, end });
    return new Broker({
      limits: this.limits,
      software: "satellite/1",
      storeName: "memory",
      startedMs: this.nowMs,
      equal: (a, b) => a === b,
    });
  }

  #carryOut(effect: ReturnType<Broker["handle"]>[number]): void {
    const store = this.#store;
    switch (effect.type) {
      case "send":
        this.#toEnd(effect.connection, effect.message);
        break;
      case "forward":
        this.#forward(effect.connection, effect.chunk);
        break;
      case "close": {
        const wire = this.#wires.get(effect.connection);
        wire?.toEnd({ type: "lost", connection: wire.ofEnd, reason: effect.code });
        break;
      }
      case "create":
        store.create({ ...effect.info, id: effect.stream, pipe: effect.pipe, openedMs: effect.openedMs });
        break;
      case "append":
        store.append(effect.chunk);
        break;
      case "load":
        void this.#load(effect.load, store.read(effect.stream, effect.offset, effect.bytesMax));
        break;
      case "release":
        store.release(effect.stream, effect.offset);
        break;
      case "drop":
        store.remove(effect.stream);
        break;
      case "note":
        break; // nothing here outlives the satellite
      case "issue":
        break; // nobody shares anything here
      case "wake": {
        const wake = ++this.#brokerWakes;
        if (effect.atMs === null) break;
        this.plan(effect.atMs, () => {
          if (wake === this.#brokerWakes) this.broker({ type: "tick" });
        });
        break;
      }
    }
  }

  async #load(load: number, read: Promise<Chunk[]>): Promise<void> {
    this.broker({ type: "loaded", load, chunks: await read });
  }

  #toEnd(connection: ConnectionId, message: SatelliteMessage): void {
    const wire = this.#wires.get(connection);
    wire?.toEnd({ type: "message", connection: wire.ofEnd, message });
  }

  #forward(connection: ConnectionId, chunk: Chunk): void {
    const wire = this.#wires.get(connection);
    wire?.toEnd({ type: "chunk", connection: wire.ofEnd, chunk });
  }
}
