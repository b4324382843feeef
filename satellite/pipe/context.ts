import type { Limits } from "../wire/limits.ts";
import type { Cursor } from "./cursor.ts";
import { Deadlines } from "./deadlines.ts";
import type { BrokerEffect } from "./effects.ts";
import type { Pipe } from "./pipe.ts";
import type { Reader } from "./reader.ts";
import { Room } from "./room.ts";
import type { Stream } from "./stream.ts";
import { Budget } from "./window.ts";

/** What all parts of one broker share: its limits, its clock, its effects and its accounts. */
export class Context {
  readonly limits: Limits;
  readonly deadlines: Deadlines = new Deadlines();
  readonly budget: Budget;
  readonly room: Room;
  /** Reads from the store that have not been answered, by number. */
  readonly loads: Map<number, Cursor> = new Map();
  /** Streams that are in a pipe, by id. */
  readonly streams: Map<number, Stream> = new Map();
  /** Pipes that may have become empty in the event that is being handled. */
  readonly emptied: Set<Pipe> = new Set();
  /** Readers that somebody replaced in the event that is being handled [L-12]. */
  readonly expelled: Set<Reader> = new Set();
  /** Streams whose first window waits for the budget [W-5]. */
  readonly starving: Set<Stream> = new Set();
  /** Time of the event that is being handled, in milliseconds. */
  nowMs: number;
  #effects: BrokerEffect[] = [];
  #arrivals = 0;
  #streamIds = 0;
  #loadIds = 0;

  constructor(limits: Limits, nowMs: number) {
    this.limits = limits;
    this.nowMs = nowMs;
    this.budget = new Budget(limits.budgetBytes);
    this.room = new Room(limits.maxBufferBytes);
  }

  emit(effect: BrokerEffect): void {
    this.#effects.push(effect);
  }

  takeEffects(): BrokerEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** The next place in the order of arrival: of a stream that opens, a chunk, or an abort. */
  nextArrival(): number {
    return ++this.#arrivals;
  }

  nextStreamId(): number {
    return ++this.#streamIds;
  }

  nextLoadId(): number {
    return ++this.#loadIds;
  }
}
