import type { JsonValue } from "../wire/fact.ts";
import type { Notable } from "./notebook.ts";

export type IdKind = "arrival" | "stream" | "session";

/** How many are reserved at once: the journal learns of one number in so many. */
const RESERVED = { arrival: 1_000_000, stream: 10_000, session: 10_000 } as const;
/** Streams that may open in a millisecond on average; 48 bits of them last until the year 2109. */
const STREAMS_PER_MS = 64;

/** Numbers that are never given twice, not even after a restart: those that are reserved are skipped then. */
export class Ids implements Notable {
  readonly factKey = "ids";
  readonly #last: Record<IdKind, number> = { arrival: 0, stream: 0, session: 0 };
  readonly #reserved: Record<IdKind, number> = { arrival: 0, stream: 0, session: 0 };
  /** Set when more were reserved than the journal knows. */
  hasReserved = false;

  next(kind: IdKind): number {
    const next = ++this.#last[kind];
    if (next > this.#reserved[kind]) {
      this.#reserved[kind] = next + RESERVED[kind];
      this.hasReserved = true;
    }
    return next;
  }

  fact(): JsonValue {
    this.hasReserved = false;
    return { ...this.#reserved };
  }

  /**
   * Goes on behind what was reserved before the restart, and behind `arrival`, the last that the store has seen. After a
   * power failure what was reserved may be forgotten, but ends remember their streams: time tells those apart [S-11].
   */
  restore(reserved: Readonly<Partial<Record<IdKind, number>>>, arrival: number, nowMs: number): void {
    for (const kind of ["arrival", "stream", "session"] as const) this.#last[kind] = reserved[kind] ?? 0;
    this.#last.arrival = Math.max(this.#last.arrival, arrival);
    this.#last.stream = Math.max(this.#last.stream, Math.floor(nowMs) * STREAMS_PER_MS);
    Object.assign(this.#reserved, this.#last);
  }
}
