import type { Notice, SessionEffect, SessionEvent } from "../../cli/client/effects.ts";
import { Session } from "../../cli/client/session.ts";
import type { Random } from "./random.ts";
import type { Wire } from "./wire.ts";
import type { World } from "./world.ts";

/** A process at one end: the real session, with a clock and a network that are not real. */
export abstract class SimEnd {
  readonly name: string;
  readonly world: World;
  readonly random: Random;
  /** When its session is greeted; the wire that the broker takes to be its own. */
  currentWire: Wire | null = null;
  wire: Wire | null = null;
  isDead = false;
  isFrozen = false;
  wasKilled = false;
  isOffline = false;
  /** Kill it in the middle of what it does next. */
  diesInside = false;
  disconnects = 0;
  /** Its session was lost: it has gone on in another. */
  sessionsLost = 0;
  /** Since when its session has been greeted, in milliseconds; null while it knows that it has no connection. */
  greetedMs: number | null = null;
  /** How often it has attached as a reader: where it had to as a new one, what had begun goes on elsewhere. */
  reads = 0;
  #session: Session | null = null;
  #inbox: (() => void)[] = [];
  #events: SessionEvent[] = [];
  #isRunning = false;
  #wakes = 0;

  constructor(world: World, name: string, random: Random) {
    this.world = world;
    this.name = name;
    this.random = random;
  }

  abstract noticed(notice: Notice): void;

  begin(): void {
    this.#session = new Session({
      software: "end/1",
      address: "sim",
      connectTimeoutMs: null,
      random: () => this.random.next(),
    });
    this.do({ type: "start" });
  }

  /** Does it now, or when the process runs again. */
  whenRunning(act: () => void): void {
    if (this.isDead) return;
    if (this.isFrozen) this.#inbox.push(act);
    else act();
  }

  after(ms: number, act: () => void): void {
    this.world.clock.after(ms, () => this.whenRunning(act));
  }

  do(event: SessionEvent): void {
    if (this.isDead || this.#session === null) return;
    this.#events.push(event);
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        this.#handle(this.#session, next);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  freeze(): void {
    if (!this.isDead) this.isFrozen = true;
  }

  thaw(): void {
    if (!this.isFrozen) return;
    this.isFrozen = false;
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const act of inbox) this.whenRunning(act);
  }

  /** SIGKILL, or the whole computer. */
  kill(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.wasKilled = true;
    this.world.log(() => `${this.name} is killed`);
    if (this.wire !== null) this.world.abandon(this.wire, this.random);
    this.gone();
  }

  /** It exits. */
  exit(): void {
    if (this.isDead) return;
    this.do({ type: "close" });
    this.isDead = true;
    this.gone();
  }

  abstract gone(): void;

  #handle(session: Session, event: SessionEvent): void {
    const effects = session.handle(event, this.world.clock.nowMs);
    const until = this.diesInside && effects.length > 1 ? this.random.below(effects.length) : effects.length;
    for (let i = 0; i < until && !this.isDead; i++) this.#carryOut(effects[i] as SessionEffect);
    if (until < effects.length) this.kill();
  }

  #carryOut(effect: SessionEffect): void {
    const { world } = this;
    switch (effect.type) {
      case "connect":
        world.connect(this, effect.connection);
        break;
      case "send": {
        const { message } = effect;
        const { wire } = this;
        world.log(() => `${this.name} → ${JSON.stringify(message)}`);
        if (message.type === "read") this.reads++;
        if (wire?.ofEnd === effect.connection) {
          wire.up.send(64, () => world.satellite.hear(wire, message));
        }
        break;
      }
      case "forward": {
        const { chunk } = effect;
        const { wire } = this;
        world.log(
          () => `${this.name} → chunk ${chunk.stream} ${chunk.offset}–${chunk.end} flags ${chunk.flags}`,
        );
        if (wire?.ofEnd === effect.connection) {
          const frame = chunk.frame.slice();
          wire.up.send(frame.length, () =>
            world.satellite.hearChunk(wire, { ...chunk, frame, room: 0, block: null, encoded: null }),
          );
        }
        break;
      }
      case "ping": {
        const { wire } = this;
        if (wire?.ofEnd === effect.connection) wire.up.send(2, () => world.satellite.pong(wire, effect.ping));
        break;
      }
      case "watch":
        this.after(1, () => this.do({ type: "drained", connection: effect.connection }));
        break;
      case "close":
        if (this.wire?.ofEnd === effect.connection)
          world.closeByEnd(this.wire, effect.code === "lost", this.random);
        this.wire = null;
        break;
      case "wake": {
        const wake = ++this.#wakes;
        if (effect.atMs === null) break;
        world.clock.at(effect.atMs, () =>
          this.whenRunning(() => {
            if (wake === this.#wakes) this.do({ type: "tick" });
          }),
        );
        break;
      }
      case "notice":
        this.noticed(effect.notice);
        break;
      case "connected":
        this.greetedMs = world.clock.nowMs;
        if (effect.again && !effect.welcome.resumed) this.sessionsLost++;
        break;
      case "disconnected":
        this.greetedMs = null;
        this.disconnects++;
        world.log(() => `${this.name} has lost its connection: ${effect.reason}`);
        break;
      case "broken":
        world.model.violate(
          "session",
          `${this.name} is broken: ${effect.error.code} ${effect.error.message}`,
        );
        break;
      case "goaway":
        break; // for people
    }
  }

  /** What has arrived over its wire. */
  arrive(wire: Wire, event: SessionEvent): void {
    this.whenRunning(() => {
      if (this.wire === wire) this.do(event);
    });
  }
}
