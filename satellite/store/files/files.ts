import type { Fact } from "../../wire/fact.ts";
import type { Chunk } from "../../wire/frame.ts";
import type { Recovered } from "../../wire/recovered.ts";
import type { OnDurable, OnTrouble, Store, StreamRecord } from "../store.ts";
import { Commits } from "./commits.ts";
import { Committer } from "./committer.ts";
import { Compaction } from "./compaction.ts";
import { Directory } from "./directory.ts";
import type { Disk } from "./disk.ts";
import { Held } from "./held.ts";
import { line } from "./journal-line.ts";
import { readChunks } from "./read.ts";
import { openRealDisk } from "./real-disk.ts";
import { recover, type State } from "./recover.ts";
import { Reserve } from "./reserve.ts";
import { sizes as defaultSizes, type Sizes } from "./sizes.ts";

/** What runs once the store has recovered. */
interface Works {
  readonly state: State;
  readonly commits: Commits;
  readonly committer: Committer;
}

/** Keeps chunks in files, so that they outlive the process and the computer (FORMAT.md). */
export class FilesStore implements Store {
  readonly name = "files";
  readonly isLasting = true;
  onDurable: OnDurable = () => {};
  onTrouble: OnTrouble = () => {};
  readonly #disk: Disk;
  readonly #sizes: Sizes;
  #works: Works | null = null;
  #closed: Promise<void> | null = null;

  /** The directory belongs to the store until it is closed. */
  constructor(disk: Disk, sizes: Sizes = defaultSizes) {
    this.#disk = new Directory(disk);
    this.#sizes = sizes;
  }

  async recover(): Promise<Recovered> {
    const { state, recovered } = await recover(this.#disk, this.#sizes);
    const compaction = new Compaction(state.segments, state.streams, this.#sizes);
    const parts = { disk: this.#disk, sizes: this.#sizes, state, compaction };
    const commits = new Commits({
      ...parts,
      tell: ({ held, offset, end }) => this.onDurable(held.id, offset, end),
    });
    const reserve = new Reserve(this.#disk, this.#sizes.reserveBytes, state.hasReserve);
    const onTrouble: OnTrouble = (trouble, detail) => this.onTrouble(trouble, detail);
    const committer = new Committer({ ...parts, commits, reserve, onTrouble });
    this.#works = { state, commits, committer };
    committer.wake();
    return recovered;
  }

  note(facts: readonly Fact[]): void {
    const { state } = this.#at();
    state.journal.note(facts);
    this.#flush();
  }

  create(record: StreamRecord): void {
    const { state, committer } = this.#at();
    if (state.streams.has(record.id)) return;
    state.streams.set(record.id, new Held(record.id));
    state.journal.add(line.stream(record.id, 0));
    committer.wake();
  }

  append(chunk: Chunk): void {
    const { state, commits, committer } = this.#at();
    const held = state.streams.get(chunk.stream);
    if (held === undefined) throw new Error(`stream ${chunk.stream} is not in the store`);
    held.check(chunk);
    held.push(chunk);
    commits.waiting.add(held);
    committer.wake();
  }

  async read(stream: number, offset: number, bytesMax: number): Promise<Chunk[]> {
    const { segments, streams } = this.#at().state;
    const held = streams.get(stream);
    return held === undefined ? [] : readChunks(held, segments, offset, bytesMax, this.#sizes);
  }

  release(stream: number, offset: number): void {
    const { state, commits, committer } = this.#at();
    const held = state.streams.get(stream);
    if (held === undefined) return;
    // That the journal tells it can wait: only what makes room is worth a commit.
    if (held.release(offset)) committer.wake();
    commits.released.add(held);
  }

  remove(stream: number): void {
    const { state, commits } = this.#at();
    const held = state.streams.get(stream);
    if (held === undefined) return;
    held.remove();
    state.streams.delete(stream);
    commits.waiting.delete(held);
    state.journal.add(line.removed(stream));
    this.#flush();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const works = this.#works;
    if (works === null) return this.#disk.close();
    try {
      await works.committer.end();
    } finally {
      await works.state.segments.close();
      await works.state.journal.close().catch(() => {});
      await this.#disk.close();
    }
  }

  #at(): Works {
    if (this.#works === null) throw new Error("the store has not recovered yet");
    return this.#works;
  }

  /** What the journal was given is handed to the operating system at once. */
  #flush(): void {
    const { state, committer } = this.#at();
    try {
      state.journal.flush();
    } catch (error) {
      committer.failed(error); // it waits, and is tried again
    }
    committer.wake();
  }
}

/** Opens the store in a directory, which is made if it is missing. Throws WireError if another one has it open. */
export async function openFilesStore(directory: string, sizes: Partial<Sizes> = {}): Promise<FilesStore> {
  return new FilesStore(await openRealDisk(directory), { ...defaultSizes, ...sizes });
}
