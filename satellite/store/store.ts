import type { Fact } from "../wire/fact.ts";
import type { Chunk } from "../wire/frame.ts";
import type { StreamInfo } from "../wire/messages.ts";
import type { Recovered } from "../wire/recovered.ts";

/** What is kept of a stream besides its chunks. */
export interface StreamRecord extends StreamInfo {
  /** Never used again for another stream, not even after a restart. */
  readonly id: number;
  readonly pipe: string;
  /** Milliseconds since the epoch. */
  readonly openedMs: number;
  readonly ttlMs?: number;
}

/** How durability is told: everything of `stream` before `offset` is kept; with `end`, its last chunk too. */
export type OnDurable = (stream: number, offset: number, end: boolean) => void;

/** `full`: no space is left. `failing`: the disk reports errors. */
export type Trouble = "full" | "failing";

/** How trouble with the disk is told, when it changes; `null`: it works again. */
export type OnTrouble = (trouble: Trouble | null, detail: string) => void;

/** What a read rejects with when bytes that were durable are damaged: trying again does not help. */
export class DamageError extends Error {
  readonly stream: number;
  readonly offset: number;

  constructor(stream: number, offset: number, where: string) {
    super(`stream ${stream} is damaged at offset ${offset}: ${where}`);
    this.name = "DamageError";
    this.stream = stream;
    this.offset = offset;
  }
}

/**
 * Where chunks wait for their readers. Each implementation passes the suite in test/conformance.
 * Calls for one stream are made in order. What is durable is told by `onDurable`, later or during the call.
 */
export interface Store {
  /** `memory`, `files` … */
  readonly name: string;
  /** Whether it outlives its process: only then are facts noted. */
  readonly isLasting: boolean;
  /** Set before the first call. Offsets of one stream never go back, and nothing is told of a stream after `remove`. */
  onDurable: OnDurable;
  /**
   * Set before the first call. In trouble nothing is dropped, nothing is told to be durable that is not, and no call
   * throws for it: what was appended and noted waits in memory, and is tried again.
   */
  onTrouble: OnTrouble;
  /** What was kept before a restart. Called once, before everything else. Its streams are already created. */
  recover(): Promise<Recovered>;
  /**
   * Notes facts, all of them or none. When it returns the operating system has them: they survive the death of the
   * process. They survive that of the computer when a chunk that was appended later is told to be durable.
   */
  note(facts: readonly Fact[]): void;
  /** Begins to keep a stream. */
  create(record: StreamRecord): void;
  /**
   * Keeps one chunk, and holds its block as long as that is needed. It begins where the last one ended, or anywhere later when nothing is held; otherwise, and for a
   * stream that was not created, this throws.
   */
  append(chunk: Chunk): void;
  /**
   * Whole chunks from the one that begins at `offset`, up to `bytesMax` bytes of payload, at least one if there is
   * one; none if no chunk begins there. What was appended before the call is seen, durable or not. A chunk comes back
   * as it was given: its frame byte for byte, and its place in the order of arrival. Rejects with DamageError when
   * there is no hope, with another error when it may be tried again.
   */
  read(stream: number, offset: number, bytesMax: number): Promise<Chunk[]>;
  /**
   * What ends at or before `offset` will not be read again, but for the final chunk: that stays until `remove`.
   * A crash may bring some of it back.
   */
  release(stream: number, offset: number): void;
  /** Forgets a stream, as lastingly as `note` notes. One that is not there is no error. */
  remove(stream: number): void;
  /**
   * Resolves when all that was appended and noted is durable and has been told. In trouble that lasts it rejects after
   * one more attempt: what was never told to be durable is lost. Closing again is no error.
   */
  close(): Promise<void>;
}
