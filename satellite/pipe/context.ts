import type { Limits } from "../wire/limits.ts";
import type { Cursor } from "./cursor.ts";
import { Deadlines } from "./deadlines.ts";
import type { BrokerEffect } from "./effects.ts";
import { Ids } from "./ids.ts";
import { Notebook } from "./notebook.ts";
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
  readonly notebook: Notebook;
  readonly ids: Ids = new Ids();
  /** Reads from the store that have not been answered, by number. */
  readonly loads: Map<number, Cursor> = new Map();
  /** Streams that are in a pipe, by id. */
  readonly streams: Map<number, Stream> = new Map();
  /** Pipes that may have become empty in the event that is being handled. */
  readonly emptied: Set<Pipe> = new Set();
  /** Streams that a reader has had to give back in the event that is being handled: what follows from it is still to be done. */
  readonly unsettled: Set<Stream> = new Set();
  /** Readers that somebody replaced in the event that is being handled [L-12]. */
  readonly expelled: Set<Reader> = new Set();
  /** Streams whose first window waits for the budget [W-5]. */
  readonly starving: Set<Stream> = new Set();
  /** Time of the event that is being handled, in milliseconds. */
  nowMs: number;
  #effects: BrokerEffect[] = [];
  #loadIds = 0;

  /** @param keepsJournal whether facts are to be told at all */
  constructor(limits: Limits, nowMs: number, keepsJournal: boolean) {
    this.limits = limits;
    this.nowMs = nowMs;
    this.budget = new Budget(limits.budgetBytes);
    this.room = new Room(limits.maxBufferBytes);
    this.notebook = new Notebook(keepsJournal);
  }

  emit(effect: BrokerEffect): void {
    this.#effects.push(effect);
  }

  takeEffects(): BrokerEffect[] {
    const facts = this.notebook.take();
    const effects = this.#effects;
    this.#effects = [];
    // What follows from a fact is sent when the fact is noted [S-11].
    return facts.length === 0 ? effects : [{ type: "note", facts }, ...effects];
  }

  /** The next place in the order of arrival: of a stream that opens, a chunk, or an abort. */
  nextArrival(): number {
    return this.#next("arrival");
  }

  nextStreamId(): number {
    return this.#next("stream");
  }

  nextSessionId(): string {
    return `s${this.#next("session")}`;
  }

  nextLoadId(): number {
    return ++this.#loadIds;
  }

  #next(kind: "arrival" | "stream" | "session"): number {
    const next = this.ids.next(kind);
    if (this.ids.hasReserved) this.notebook.note(this.ids);
    return next;
  }
}
