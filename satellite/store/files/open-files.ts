import type { Disk, DiskFile } from "./disk.ts";
import { segmentName } from "./segment.ts";

interface Entry {
  readonly file: Promise<DiskFile>;
  users: number;
  /** Nobody else gets it; it is closed when its last user is done. */
  isLeaving: boolean;
}

/** Segments that are open for reading: a bounded number, the last used ones. */
export class OpenFiles {
  readonly #disk: Disk;
  readonly #max: number;
  /** By number, the longest unused one first. */
  readonly #entries: Map<number, Entry> = new Map();

  constructor(disk: Disk, max: number) {
    this.#disk = disk;
    this.#max = max;
  }

  /** Takes over a file that is open, and keeps it open until it is let go. */
  adopt(number: number, file: DiskFile): void {
    this.#entries.set(number, { file: Promise.resolve(file), users: 1, isLeaving: false });
  }

  letGo(number: number): void {
    const entry = this.#entries.get(number);
    if (entry !== undefined) this.#leave(entry);
  }

  /** Lets `act` read a segment. It stays readable until then, even if it is deleted meanwhile. */
  async use<T>(number: number, act: (file: DiskFile) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(number) ?? this.#open(number);
    this.#entries.delete(number);
    this.#entries.set(number, entry);
    entry.users++;
    try {
      return await act(await entry.file);
    } finally {
      this.#leave(entry);
    }
  }

  /** Closes it as soon as nobody reads it. */
  forget(number: number): void {
    const entry = this.#entries.get(number);
    if (entry === undefined) return;
    this.#entries.delete(number);
    entry.isLeaving = true;
    if (entry.users === 0) void close(entry);
  }

  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const entry of entries) {
      entry.isLeaving = true;
      if (entry.users === 0) await close(entry);
    }
  }

  #open(number: number): Entry {
    const file = this.#disk.open(segmentName(number));
    file.catch(() => this.forget(number)); // who uses it is told; the next one tries again
    return { file, users: 0, isLeaving: false };
  }

  #leave(entry: Entry): void {
    entry.users--;
    if (entry.isLeaving && entry.users === 0) void close(entry);
    this.#evict();
  }

  #evict(): void {
    for (const [number, entry] of this.#entries) {
      if (this.#entries.size <= this.#max) return;
      if (entry.users === 0) this.forget(number);
    }
  }
}

async function close(entry: Entry): Promise<void> {
  try {
    await (await entry.file).close();
  } catch {
    // it was only read
  }
}
