import type { SimEnd } from "./end.ts";
import type { FaultPlan } from "./plan.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** Carries out what goes wrong, and puts it right again. */
export class Faults {
  readonly #world: World;
  readonly #random: Random;
  #isOver = false;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  plan(fault: FaultPlan): void {
    this.#world.clock.after(fault.atMs, () => {
      if (!this.#isOver) this.#strike(fault);
    });
  }

  /** Nothing goes wrong any more. */
  calm(): void {
    this.#isOver = true;
    const { satellite, ends } = this.#world;
    satellite.host.trouble(null);
    satellite.diesInside = false;
    satellite.thaw();
    for (const end of ends) {
      end.isOffline = false;
      end.diesInside = false;
      end.wire?.up.calm();
      end.wire?.down.calm();
      end.thaw();
    }
  }

  #strike(fault: FaultPlan): void {
    const { satellite } = this.#world;
    const { kind, lastsMs } = fault;
    this.#world.log(() => `fault ${fault.id}: ${kind} for ${lastsMs} ms`);
    switch (kind) {
      case "satelliteFreeze":
        satellite.freeze();
        return this.#later(lastsMs, () => satellite.thaw());
      case "satelliteKill":
        return this.#kill(false, lastsMs);
      case "satelliteKillInside":
        satellite.diesInside = true;
        return;
      case "powerLoss":
        return this.#kill(true, lastsMs);
      case "satelliteStop":
        satellite.stop();
        return this.#world.restartLater(lastsMs);
      case "diskFull":
      case "diskFails":
        satellite.host.trouble(kind === "diskFull" ? "full" : "failing");
        return this.#later(lastsMs, () => satellite.host.trouble(null));
      case "remove":
        return this.#remove(fault.pipe);
      default:
        return this.#strikeEnd(fault);
    }
  }

  #kill(power: boolean, lastsMs: number): void {
    const { satellite } = this.#world;
    if (!satellite.isUp) return;
    satellite.kill(power);
    this.#world.restartLater(lastsMs);
  }

  #strikeEnd({ kind, lastsMs, who }: FaultPlan): void {
    const world = this.#world;
    const ends = world.ends.filter((end) => !end.isDead);
    const end = ends[who % Math.max(1, ends.length)];
    if (end === undefined) return;
    world.log(() => `… ${end.name}`);
    const { wire } = end;
    switch (kind) {
      case "freeze":
        end.freeze();
        return this.#later(lastsMs, () => end.thaw());
      case "kill":
        if (this.#random.chance(0.5)) end.kill();
        else end.diesInside = true;
        return;
      case "offline":
        end.isOffline = true;
        if (wire !== null) world.cut(wire, this.#random.chance(0.5));
        return this.#later(lastsMs, () => {
          end.isOffline = false;
        });
      default:
        if (wire !== null) this.#strikeWire(kind, lastsMs, end);
    }
  }

  #strikeWire(kind: FaultPlan["kind"], lastsMs: number, end: SimEnd): void {
    const world = this.#world;
    const { wire } = end;
    if (wire === null) return;
    switch (kind) {
      case "cut":
        return world.cut(wire, false);
      case "silence":
        return world.cut(wire, true);
      case "half":
        if (this.#random.chance(0.5)) {
          wire.up.die();
          return world.clock.after(this.#random.between(10_000, 50_000), () => world.satellite.lose(wire));
        }
        return wire.down.die();
      case "stall": {
        const untilMs = world.clock.nowMs + lastsMs;
        if (this.#random.chance(0.7)) wire.up.stall(untilMs);
        if (this.#random.chance(0.7)) wire.down.stall(untilMs);
        return;
      }
      default: // is of another kind
    }
  }

  #remove(pipe: string): void {
    const { satellite, model } = this.#world;
    const [wire] = satellite.wires.values();
    if (wire === undefined || wire.end.currentWire !== wire) return;
    model.removed(pipe);
    satellite.post(
      {
        type: "message",
        connection: wire.number,
        message: { type: "remove", ref: 900_000 + this.#random.below(99_999), pipe },
      },
      wire,
    );
  }

  #later(ms: number, act: () => void): void {
    this.#world.clock.after(ms, act);
  }
}
