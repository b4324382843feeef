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
      try {
        await commits.run();
        await this.#succeeded();
      } catch (error) {
        await this.#failedToCommit(error);
        if (isLastAttempt) {
          this.#failure = asError(error);
          break;
        }
        await disk.rest();
      }
    }
    this.#running = null;
  }

  async #succeeded(): Promise<void> {
    const { compaction, reserve, commits, onTrouble } = this.#parts;
    if (this.#trouble !== null && !(compaction.isSqueezing && commits.waiting.size > 0)) {
      this.#trouble = null;
      compaction.isSqueezing = false;
      onTrouble(null, "");
    }
    if (this.#trouble === null && commits.hasWritten) await reserve.take();
  }

  async #failedToCommit(error: unknown): Promise<void> {
    const { compaction, reserve } = this.#parts;
    this.failed(error);
    if (!isFull(error)) return;
    // Every other time what waits is tried instead: it may be less than what would have to be moved.
    compaction.isSqueezing = !compaction.isSqueezing;
    if (compaction.isSqueezing) await reserve.giveUp();
  }
}
