import type { Fact, JsonValue } from "../../wire/fact.ts";
import { type Disk, isFull } from "./disk.ts";
import { type JournalFile, makeJournalFile } from "./journal-file.ts";
import { line } from "./journal-line.ts";
import type { Sizes } from "./sizes.ts";

export const JOURNAL = "journal";
/** A journal that is not whole yet. */
export const JOURNAL_ASIDE = "journal.new";

/** It is rewritten when it is so many times as large as what is live in it. */
const DEAD_FACTOR = 4;
/** About what the line of a stream takes. */
const STREAM_LINE_BYTES = 40;
/** About what a line takes besides key and value. */
const FACT_LINE_BYTES = 22;

/** The streams that there are, for a new journal. */
export interface StreamLines {
  count(): number;
  lines(): Iterable<string>;
}

/** The journal: what the satellite noted, and which streams there are. */
export class Journal {
  readonly facts: Map<string, string>;
  readonly #disk: Disk;
  readonly #sizes: Sizes;
  readonly #streams: StreamLines;
  #main: JournalFile;
  /** The one that will take its place. */
  #next: JournalFile | null = null;
  /** Lines since its first part was made, until this is on disk. */
  #since: string[] | null = null;
  /** What is written to it may be lost: there must be another one. */
  #isBroken = false;
  #factBytes = 0;
  /** Not rewritten before it has grown to this. */
  #patienceBytes = 0;

  constructor(disk: Disk, sizes: Sizes, main: JournalFile, facts: Map<string, string>, streams: StreamLines) {
    this.#disk = disk;
    this.#sizes = sizes;
    this.#main = main;
    this.facts = facts;
    this.#streams = streams;
    for (const [key, json] of facts) this.#factBytes += factBytes(key, json);
  }

  get isDirty(): boolean {
    return this.#isBroken || this.#main.isDirty;
  }

  note(facts: readonly Fact[]): void {
    for (const { key, value } of facts) this.#keep(key, value);
    this.add(line.facts(facts));
  }

  add(json: string): void {
    this.#main.add(json);
    if (this.#next === null) this.#since?.push(json);
    else this.#next.add(json);
  }

  /** Hands what waits to the operating system. Throws if that fails; nothing is lost then. */
  flush(): void {
    try {
      this.#main.flush();
    } catch (error) {
      if (!isFull(error)) this.#isBroken = true;
      throw error;
    }
    this.#next?.flush();
  }

  /** Before a commit: hands over everything, and makes room for what is noted while the disk is full. */
  prepare(): void {
    this.#main.tellSynced();
    this.flush();
    this.#main.reserve(this.#sizes.journalStepBytes);
  }

  async sync(): Promise<void> {
    const main = this.#main;
    if (!main.isDirty) return;
    try {
      await main.sync();
    } catch (error) {
      this.#isBroken = true; // whether a sync that is tried again says the truth, nobody knows
      throw error;
    }
  }

  /** Writes a new journal if this one is too large or broken. Only one that is broken makes a failure of it. */
  async renew(): Promise<void> {
    const { end } = this.#main;
    const { journalBytes } = this.#sizes;
    const isLarge = end > Math.max(journalBytes, this.#liveBytes * DEAD_FACTOR, this.#patienceBytes);
    if (!isLarge && !this.#isBroken) return;
    try {
      await this.#rewrite();
      this.#patienceBytes = 0;
    } catch (error) {
      this.#patienceBytes = end + this.#sizes.journalBytes;
      if (this.#isBroken) throw error;
    }
  }

  /** Without space for one line more: rewrites it, if that makes it much smaller. Returns whether it did. */
  async shrink(): Promise<boolean> {
    if (this.#main.end <= this.#liveBytes * 2) return false;
    try {
      await this.#rewrite();
      return true;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    await this.#main.close();
  }

  /**
   * The new journal begins with everything that holds now, in a file of its own. Once this is on disk, lines go to
   * both files, so that it does not matter when the new one takes the name of the old one.
   */
  async #rewrite(): Promise<void> {
    const lines = [...this.#factLines(), ...this.#streams.lines()];
    this.#since = []; // what waits for the old file is in `lines` already
    try {
      const next = await makeJournalFile(this.#disk, JOURNAL_ASIDE, lines);
      this.#next = next;
      for (const json of this.#since) next.add(json);
      next.flush();
      await this.#disk.rename(JOURNAL_ASIDE, JOURNAL);
    } catch (error) {
      await this.#next?.close().catch(() => {});
      await this.#disk.unlink(JOURNAL_ASIDE).catch(() => {});
      this.#next = null;
      this.#since = null;
      throw error;
    }
    const old = this.#main;
    this.#main = this.#next;
    this.#next = null;
    this.#since = null;
    this.#isBroken = false;
    await old.close().catch(() => {});
  }

  get #liveBytes(): number {
    return this.#factBytes + this.#streams.count() * STREAM_LINE_BYTES;
  }

  *#factLines(): Generator<string> {
    for (const [key, json] of this.facts) yield line.fact(key, json);
  }

  #keep(key: string, value: JsonValue | null): void {
    const before = this.facts.get(key);
    if (before !== undefined) this.#factBytes -= factBytes(key, before);
    if (value === null) {
      this.facts.delete(key);
      return;
    }
    const json = JSON.stringify(value);
    this.facts.set(key, json);
    this.#factBytes += factBytes(key, json);
  }
}

function factBytes(key: string, json: string): number {
  return key.length + json.length + FACT_LINE_BYTES;
}
