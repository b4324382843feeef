import type { ConnectionId } from "../../cli/client/effects.ts";
import { Clock } from "./clock.ts";
import type { SimEnd } from "./end.ts";
import { Faults } from "./faults.ts";
import { Model } from "./model.ts";
import type { Plan, ReaderPlan } from "./plan.ts";
import { Random } from "./random.ts";
import { ReaderEnd } from "./reader.ts";
import { SimSatellite } from "./satellite.ts";
import { hostOf } from "./stores.ts";
import { Lane, Wire } from "./wire.ts";
import { WriterEnd } from "./writer.ts";

/** How long everything may take once nothing goes wrong any more, in each round. */
const SETTLE_MS = 100_000;
/** When those who still wait are sent home. */
const PATIENCE_MS = 45_000;
/** How often whatever is left is read, until nothing is. */
const ROUNDS = 4;
/** Steps in one second of virtual time. */
const STEPS_PER_SECOND_MAX = 20_000;

/** One schedule at work: all processes, the network between them, and the clock. */
export class World {
  readonly plan: Plan;
  readonly clock: Clock = new Clock();
  readonly model: Model = new Model(this);
  readonly writers: Map<string, WriterEnd> = new Map();
  readonly readers: ReaderEnd[] = [];
  readonly satellite: SimSatellite;
  readonly #random: Random;
  readonly #network: Random;
  readonly #startMs: number;
  isCalm = false;
  /** The satellite has forgotten what it had promised, as one without a journal does. */
  hasForgotten = false;
  hasLostPower = false;
  #connections = 0;
  #sweepers = 0;
  readonly lines: string[] | null;

  constructor(plan: Plan, isTraced = false) {
    this.plan = plan;
    this.lines = isTraced ? [] : null;
    this.#random = new Random(plan.seed, 1);
    this.#network = new Random(plan.seed, 2);
    this.#startMs = this.clock.nowMs;
    const host = hostOf(plan.store, this.clock, new Random(plan.seed, 3), () => {
      this.satellite.isAsync = true;
    });
    this.satellite = new SimSatellite(this, host, new Random(plan.seed, 4));
  }

  get ends(): SimEnd[] {
    return [...this.writers.values(), ...this.readers];
  }

  get sinceMs(): number {
    return this.clock.nowMs - this.#startMs;
  }

  log(line: () => string): void {
    this.lines?.push(`${(this.sinceMs / 1000).toFixed(3).padStart(9)} ${line()}`);
  }

  async run(): Promise<void> {
    this.satellite.start();
    const faults = new Faults(this, this.#random);
    for (const item of this.plan.items) {
      if (item.type === "fault") faults.plan(item);
      else if (item.type === "reader") this.#planReader(item);
      else {
        const writer = new WriterEnd(this, item, new Random(this.plan.seed, 100 + item.id));
        this.writers.set(writer.name, writer);
        this.clock.after(item.startMs, () => writer.begin());
      }
    }
    const calmAtMs = this.#startMs + this.plan.calmMs;
    if (!(await this.#until(calmAtMs, () => false))) return;
    faults.calm();
    this.#calm();
    const isOver = (): boolean => {
      return [...this.writers.values()].every((writer) => writer.isOver);
    };
    if (!(await this.#until(this.clock.nowMs + PATIENCE_MS, () => false))) return;
    this.model.attended();
    if (this.model.violations.length > 0) return;
    for (const reader of this.readers) if (!reader.isSweeper) reader.leave();
    for (let round = 0; round < ROUNDS && !isOver(); round++) {
      if (!(await this.#until(this.clock.nowMs + SETTLE_MS, isOver))) return;
      if (isOver()) break;
      // A `sync` writer waits for somebody who takes all of it: what the one before has, it had as a copy.
      for (const reader of this.readers) reader.exit();
      for (const pipe of this.plan.pipes) this.#sweep(pipe);
    }
    if (!isOver()) {
      const left = [...this.writers.values()].filter((writer) => !writer.isOver);
      this.model.violate("liveness", `${left.map(({ name }) => name).join(", ")}: no end in sight`);
      return;
    }
    const { graceMs, takeoverMs } = this.plan.limits;
    if (!(await this.#until(this.clock.nowMs + 2 * graceMs + takeoverMs + 10_000, () => false))) return;
    this.model.attendedTo();
    // What `one` readers leave, others have had as copies: it needs one that comes later.
    for (let round = 0; round < ROUNDS; round++) {
      for (const reader of this.readers) reader.exit();
      if (!(await this.#until(this.clock.nowMs + graceMs + 1_000, () => false))) return;
      if (this.satellite.broker?.idle === true) break;
      if (round === ROUNDS - 1) this.model.violate("leak", `everybody has gone, but: ${this.#left()}`);
      for (const pipe of this.plan.pipes) this.#sweep(pipe);
      if (!(await this.#until(this.clock.nowMs + takeoverMs + 5_000, () => false))) return;
    }
    this.model.settled();
  }

  #left(): string {
    const [pipes, status] = [{ type: "list", ref: 1 } as const, { type: "inspect", ref: 1 } as const];
    return JSON.stringify([...this.satellite.ask(pipes), ...this.satellite.ask(status)]);
  }

  /** Goes on until then. `false`: something was violated. */
  async #until(untilMs: number, isDone: () => boolean): Promise<boolean> {
    let secondMs = this.clock.nowMs;
    let steps = this.clock.steps;
    for (;;) {
      if (this.satellite.isAsync) {
        this.satellite.isAsync = false;
        await new Promise((resolve) => process.nextTick(resolve)); // comes when no promise is left to run
      }
      if (this.model.violations.length > 0) return false;
      if (isDone()) return true;
      if (!this.clock.step(untilMs)) break;
      if (this.clock.nowMs - secondMs >= 1_000) {
        secondMs = this.clock.nowMs;
        steps = this.clock.steps;
      } else if (this.clock.steps - steps > STEPS_PER_SECOND_MAX) {
        this.model.violate("storm", `${STEPS_PER_SECOND_MAX} steps within a second`);
        return false;
      }
    }
    this.clock.nowMs = Math.max(this.clock.nowMs, untilMs);
    return true;
  }

  #planReader(plan: ReaderPlan): void {
    let run = 0;
    const next = (): void => {
      if (this.isCalm && run > 0) return;
      run++;
      const salt = 10_000 + plan.id * 100 + run;
      const name = plan.repeats > 1 ? `r${plan.id}.${run}` : `r${plan.id}`;
      const reader = new ReaderEnd(this, plan, name, new Random(this.plan.seed, salt), () => {
        if (run < plan.repeats) this.clock.after(5, next);
      });
      this.readers.push(reader);
      reader.begin();
    };
    this.clock.after(plan.startMs, next);
  }

  /** Faults are over: whoever hangs around ends, and somebody reads whatever is left. */
  #calm(): void {
    this.isCalm = true;
    this.log(() => "calm");
    if (!this.satellite.isUp) this.satellite.start();
    for (const writer of this.writers.values()) {
      if (writer.plan.ending === "hang") this.clock.after(100, () => writer.conclude());
    }
    for (const pipe of this.plan.pipes) this.clock.after(3_000, () => this.#sweep(pipe));
  }

  #sweep(pipe: string): void {
    const plan: ReaderPlan = {
      id: 0,
      type: "reader",
      pipe,
      mode: "follow",
      fresh: false,
      startMs: 0,
      sinkMs: 0,
      leavesAfter: null,
      diesAfter: null,
      limitBytes: null,
      repeats: 1,
    };
    const name = `sweeper${++this.#sweepers}`;
    const sweeper = new ReaderEnd(
      this,
      plan,
      name,
      new Random(this.plan.seed, 90_000 + this.#sweepers),
      (end) => {
        // One that comes to a stream far along may be behind at once.
        if (end.outcome?.type === "failed") this.clock.after(10_000, () => this.#sweep(pipe));
      },
    );
    this.readers.push(sweeper);
    sweeper.begin();
  }

  /** The satellite loses what it need not keep. */
  forget(power: boolean): void {
    if (this.plan.store === "memory") this.hasForgotten = true;
    else if (power) {
      this.hasLostPower = true;
      this.satellite.witness.powerLost();
    }
  }

  restartLater(ms: number): void {
    this.clock.after(ms, () => this.satellite.start());
  }

  connect(end: SimEnd, ofEnd: ConnectionId): void {
    const lane = (): Lane => new Lane(this.clock, this.#network, this.plan.delayMaxMs);
    const wire = new Wire(end, ofEnd, ++this.#connections, this.satellite.run, [lane(), lane()]);
    end.wire = wire;
    this.clock.after(this.#network.below(this.plan.delayMaxMs + 1) + 1, () => {
      if (end.isOffline && this.#network.chance(0.5)) return; // nobody answers
      if (end.isOffline || !this.satellite.isUp || wire.run !== this.satellite.run) {
        end.arrive(wire, { type: "lost", connection: ofEnd, reason: "refused" });
        return;
      }
      this.satellite.accept(wire, () => end.arrive(wire, { type: "connected", connection: ofEnd }));
    });
  }

  /** The end closes the connection; `lost`: at once. */
  closeByEnd(wire: Wire, isLost: boolean, random: Random): void {
    wire.down.die();
    if (isLost && random.chance(0.5)) {
      wire.up.die();
      this.clock.after(random.pick([5, 20_000]), () => this.satellite.lose(wire));
    } else wire.up.send(0, () => this.satellite.lose(wire));
  }

  /** Its process is gone. */
  abandon(wire: Wire, random: Random): void {
    wire.down.die();
    const how = random.below(3);
    if (how === 0) wire.up.send(0, () => this.satellite.lose(wire));
    else {
      wire.up.die();
      this.clock.after(how === 1 ? random.below(20) : random.between(10_000, 60_000), () =>
        this.satellite.lose(wire),
      );
    }
  }

  /** The connection breaks; `silently`: both sides find out by themselves. */
  cut(wire: Wire, silently: boolean): void {
    wire.die();
    const random = this.#network;
    const satelliteMs = silently ? random.between(10_000, 50_000) : random.below(100);
    this.clock.after(satelliteMs, () => this.satellite.lose(wire));
    if (silently) return;
    this.clock.after(random.below(100), () =>
      wire.end.arrive(wire, { type: "lost", connection: wire.ofEnd, reason: "cut" }),
    );
  }
}
