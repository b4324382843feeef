import { Batch, type Move, type Told } from "./batch.ts";
import type { Compaction, Excess } from "./compaction.ts";
import { asError, type Disk, isFull } from "./disk.ts";
import type { Held } from "./held.ts";
import { line } from "./journal-line.ts";
import type { State } from "./recover.ts";
import type { Segment } from "./segment.ts";
import type { Sealing } from "./segments.ts";
import type { Sizes } from "./sizes.ts";
import { Staging } from "./staging.ts";

/** An open segment with nothing live in it is deleted when it has one part of its full size in … */
const IDLE_PARTS = 16;

export interface CommitParts {
  readonly disk: Disk;
  readonly sizes: Sizes;
  readonly state: State;
  readonly compaction: Compaction;
  readonly tell: (told: Told) => void;
}

/** What can be deleted, cut off or indexed once the journal that says so is on disk. */
interface Duties {
  readonly dead: readonly Segment[];
  readonly sealings: readonly Sealing[];
  readonly excess: Excess | null;
}

/** Commits, one at a time: what the store was given since the one before is on disk when it is done. */
export class Commits {
  /** Streams whose chunks wait, the longest waiting first. */
  readonly waiting: Set<Held> = new Set();
  /** Streams of which something was released that the journal does not tell yet. */
  readonly released: Set<Held> = new Set();
  /** What space is left is for the journal, and for what is moved: chunks wait. */
  isHeldBack = false;
  /** There are chunks on disk. */
  hasWritten = false;
  readonly #parts: CommitParts;
  readonly #staging: Staging = new Staging();
  /** What was released before it was written: told with the next commit. */
  #skipped: Told[] = [];

  constructor(parts: CommitParts) {
    this.#parts = parts;
  }

  /** Whether there is something to commit. */
  get isWanted(): boolean {
    const { state, compaction } = this.#parts;
    if (this.waiting.size > 0 || this.#skipped.length > 0 || state.journal.isDirty) return true;
    return this.#isIdle() || state.segments.dead().length > 0 || compaction.isWanted;
  }

  /** Commits once. When it throws everything waits as before. */
  async run(): Promise<void> {
    const duties = await this.#begin();
    const { disk, state, compaction } = this.#parts;
    await state.journal.renew();
    const moves = await compaction.next();
    let batch: Batch | null = null;
    let failure: Error | null = null;
    try {
      batch = await this.#fill(moves);
      state.journal.flush(); // what was noted before these chunks were appended goes to disk with them
      if (batch !== null) await this.#write(batch);
    } catch (error) {
      failure = asError(error);
    }
    const isWritten = batch !== null && failure === null;
    const [journalSync, namesSync, segmentSync] = await Promise.allSettled([
      state.journal.sync(),
      disk.sync(),
      isWritten ? this.#sync() : null,
    ]);
    const failed = [segmentSync, journalSync, namesSync].find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") failure ??= asError(failed.reason);
    if (failure === null) this.#conclude(batch);
    else this.#giveBack(batch);
    // Also when nothing can be written: what is dead makes room for it.
    const isNoted = journalSync.status === "fulfilled" && namesSync.status === "fulfilled";
    if (isNoted) await this.#carryOut(duties);
    if (failure !== null) throw failure;
  }

  /** The last one: leaves an index for every segment, so that none has to be read as a whole after a restart. */
  async finish(): Promise<void> {
    this.#parts.state.segments.closeOpen();
    await this.run();
  }

  /** Nothing is deleted, and nothing left out of an index, before it is on disk why: so that is noted first. */
  async #begin(): Promise<Duties> {
    const { sizes, state, compaction } = this.#parts;
    const { journal, segments, streams } = state;
    const { open } = segments;
    if (open !== null && (open.bytes >= sizes.segmentBytes || this.#isIdle())) segments.closeOpen();
    for (const { id, released, isRemoved } of this.released) {
      if (!isRemoved) journal.add(line.released(id, released));
    }
    this.released.clear();
    const excess = compaction.excess();
    const duties = { dead: segments.dead(), sealings: segments.seal(streams), excess };
    try {
      journal.prepare();
    } catch (error) {
      if (!isFull(error) || !(await journal.shrink())) throw error;
    }
    return duties;
  }

  /** Takes what waits, and what is to be moved; null if that is nothing. */
  async #fill(moves: readonly Move[]): Promise<Batch | null> {
    const { state, sizes } = this.#parts;
    this.#skip();
    const hasChunks = this.waiting.size > 0 && !this.isHeldBack;
    if (!hasChunks && moves.length === 0) return null;
    const { segment } = await state.segments.toAppend();
    const batch = new Batch(segment, this.#staging, sizes, state.segments.headerOf(segment));
    // A stream that nobody waits beside has as long a turn as there is room.
    const turnBytes = this.waiting.size === 1 ? sizes.batchBytes : sizes.turnBytes;
    for (const held of this.waiting) {
      if (this.isHeldBack || batch.isFull) break;
      this.waiting.delete(held);
      if (!batch.take(held, turnBytes)) this.waiting.add(held); // its next turn is after all others
    }
    for (const move of moves) batch.move(move);
    return batch;
  }

  /** What was released while it waited need not be written. */
  #skip(): void {
    for (const held of this.waiting) {
      const offset = held.skip();
      if (offset !== null) this.#skipped.push({ held, offset, end: false });
      if (held.tail.size === 0) this.waiting.delete(held);
    }
  }

  async #write(batch: Batch): Promise<void> {
    const { segments } = this.#parts.state;
    const { segment, file } = await segments.toAppend();
    try {
      await file.write(segment.bytes, batch.pieces);
    } catch (error) {
      await segments.trim();
      if (!isFull(error)) segments.closeOpen();
      throw error;
    }
  }

  async #sync(): Promise<void> {
    const { segments } = this.#parts.state;
    const { file } = await segments.toAppend();
    try {
      await file.sync();
    } catch (error) {
      // What a sync that is tried again says of this file, nobody can believe: it is written anew to another one.
      await segments.trim();
      segments.closeOpen();
      throw error;
    }
  }

  #conclude(batch: Batch | null): void {
    this.hasWritten ||= batch !== null;
    const told = [...this.#skipped, ...(batch?.apply() ?? [])];
    this.#skipped = [];
    for (const one of told) if (!one.held.isRemoved) this.#parts.tell(one);
  }

  #giveBack(batch: Batch | null): void {
    this.#parts.compaction.stop();
    if (batch === null) return;
    batch.abandon();
    for (const held of batch.streams) if (!held.isRemoved) this.waiting.add(held);
  }

  async #carryOut({ dead, sealings, excess }: Duties): Promise<void> {
    const { segments } = this.#parts.state;
    for (const segment of dead) await segments.delete(segment);
    if (excess !== null) await segments.shorten(excess.segment, excess.bytes);
    for (const sealing of sealings) await segments.writeIndex(sealing);
  }

  #isIdle(): boolean {
    const { sizes, state } = this.#parts;
    const { open } = state.segments;
    if (open === null || open.liveBytes > 0 || this.waiting.size > 0) return false;
    return open.bytes * IDLE_PARTS >= sizes.segmentBytes;
  }
}
