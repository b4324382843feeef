import type { OnTrouble, Trouble } from "../store.ts";
import type { Commits } from "./commits.ts";
import type { Compaction } from "./compaction.ts";
import { asError, type Disk, isFull } from "./disk.ts";
import type { Reserve } from "./reserve.ts";

export interface CommitterParts {
  readonly disk: Disk;
  readonly commits: Commits;
  readonly compaction: Compaction;
  readonly reserve: Reserve;
  readonly onTrouble: OnTrouble;
}

/** Commits as long as there is something to commit, and tries again what has failed. */
export class Committer {
  readonly #parts: CommitterParts;
  #running: Promise<void> | null = null;
  #trouble: Trouble | null = null;
  #isEnding = false;
  #failure: Error | null = null;

  constructor(parts: CommitterParts) {
    this.#parts = parts;
  }

  /** There may be something to commit. */
  wake(): void {
    if (this.#isEnding) return;
    this.#running ??= this.#run();
  }

  /** Something has failed outside a commit. */
  failed(error: unknown): void {
    const trouble = isFull(error) ? "full" : "failing";
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#parts.onTrouble(trouble, asError(error).message);
  }

  /** Commits what there is, and no more after that. Throws if it could not. */
  async end(): Promise<void> {
    this.wake();
    this.#isEnding = true;
    await this.#running;
    if (this.#failure !== null) throw this.#failure;
    await this.#parts.commits.finish().catch(() => {}); // nothing depends on it: all is on disk
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // what is given to the store in the same turn is one commit
    const { commits, disk } = this.#parts;
    while (commits.isWanted || this.#trouble !== null) {
      const isLastAttempt = this.#isEnding;
      let mayGoOn = false;
      try {
        await commits.run();
        mayGoOn = await this.#succeeded();
      } catch (error) {
        this.#failure = asError(error);
        await this.#failedToCommit(this.#failure);
      }
      if (this.#trouble === null) this.#failure = null;
      if (mayGoOn) continue;
      if (isLastAttempt) break;
      await disk.rest();
    }
    this.#running = null;
  }

  /** Returns whether there is hope for the next commit. */
  async #succeeded(): Promise<boolean> {
    const { commits, compaction, reserve, onTrouble } = this.#parts;
    if (commits.isHeldBack) {
      if (compaction.isWanted) return true;
      // Chunks may be written again when the reserve could be taken again.
      compaction.isSqueezing = false;
      await reserve.giveUp();
      commits.isHeldBack = !(await reserve.take());
      return !commits.isHeldBack;
    }
    if (this.#trouble !== null) {
      this.#trouble = null;
      onTrouble(null, "");
    }
    if (commits.hasWritten) await reserve.take();
    return true;
  }

  async #failedToCommit(error: Error): Promise<void> {
    const { commits, compaction, reserve } = this.#parts;
    this.failed(error);
    if (!isFull(error)) return;
    // What is moved, and what the journal is told, makes room: the reserve is for them. If even that does not fit …
    compaction.isSqueezing = !commits.isHeldBack;
    commits.isHeldBack = true;
    await reserve.giveUp();
  }
}
