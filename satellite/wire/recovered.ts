import type { JsonValue } from "./fact.ts";

/** A stream that was created and not removed, as a restart found it. Without chunks `from` is `to`. */
export interface KeptStream {
  readonly id: number;
  /** Where its first chunk begins. */
  readonly from: number;
  readonly to: number;
  /** The final chunk is there. */
  readonly end: boolean;
  /** Flags of the last chunk; 0 without one. */
  readonly lastFlags: number;
  /** Where the last chunk begins; `to` without one. */
  readonly lastOffset: number;
  readonly firstArrival: number;
  readonly lastArrival: number;
  /** Bytes that were durable are missing behind `to`: nothing can be appended any more. */
  readonly damaged: boolean;
}

/** What a store gives back after a restart. */
export interface Recovered {
  readonly facts: ReadonlyMap<string, JsonValue>;
  readonly streams: readonly KeptStream[];
  /** Torn bytes that were cut off: nobody was told that they were durable. */
  readonly lostTailBytes: number;
  /** What was durable and cannot be read any more, a sentence each, for the log. */
  readonly damage: readonly string[];
}
