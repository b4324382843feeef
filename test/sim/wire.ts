import type { ConnectionId } from "../../cli/client/effects.ts";
import type { Clock } from "./clock.ts";
import type { SimEnd } from "./end.ts";
import type { Random } from "./random.ts";

interface Parcel {
  readonly atMs: number;
  readonly bytes: number;
  readonly deliver: () => void;
}

/** One direction of a connection: what is under way arrives in order, late, or not at all. */
export class Lane {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #queue: Parcel[] = [];
  #isPlanned = false;
  #lastMs = 0;
  #stalledUntilMs = 0;
  /** Nothing arrives any more. */
  isDead = false;
  waitingBytes = 0;
  delayMaxMs: number;

  constructor(clock: Clock, random: Random, delayMaxMs: number) {
    this.#clock = clock;
    this.#random = random;
    this.delayMaxMs = delayMaxMs;
  }

  send(bytes: number, deliver: () => void): void {
    if (this.isDead) return;
    const atMs = Math.max(this.#lastMs, this.#clock.nowMs + this.#random.below(this.delayMaxMs + 1));
    this.#lastMs = atMs;
    this.waitingBytes += bytes;
    this.#queue.push({ atMs, bytes, deliver });
    this.#plan();
  }

  stall(untilMs: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, untilMs);
  }

  calm(): void {
    this.#stalledUntilMs = 0;
  }

  die(): void {
    this.isDead = true;
    this.#queue.length = 0;
  }

  #plan(): void {
    const first = this.#queue[0];
    if (this.#isPlanned || first === undefined) return;
    this.#isPlanned = true;
    this.#clock.at(Math.max(first.atMs, this.#stalledUntilMs), () => {
      this.#isPlanned = false;
      if (this.isDead) return;
      if (this.#clock.nowMs >= this.#stalledUntilMs) {
        const parcel = this.#queue.shift();
        this.waitingBytes -= parcel?.bytes ?? 0;
        parcel?.deliver();
      }
      this.#plan();
    });
  }
}

/** One connection. Numbers on the two sides differ. */
export class Wire {
  readonly end: SimEnd;
  readonly ofEnd: ConnectionId;
  readonly number: ConnectionId;
  readonly up: Lane;
  readonly down: Lane;
  /** Which run of the satellite it belongs to. */
  readonly run: number;
  /** The satellite has been told that it is gone. */
  isForgotten = false;
  isCongested = false;
  /** The broker has closed it. */
  isClosing = false;

  constructor(end: SimEnd, ofEnd: ConnectionId, number: ConnectionId, run: number, lanes: [Lane, Lane]) {
    this.end = end;
    this.ofEnd = ofEnd;
    this.number = number;
    this.run = run;
    [this.up, this.down] = lanes;
  }

  die(): void {
    this.up.die();
    this.down.die();
  }
}
