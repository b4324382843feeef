import type { Disk, DiskFile } from "./disk.ts";

/** A file that is there when a sync has failed since the last recovery. */
export const DOUBT = "doubt";

/** A disk whose `sync` does nothing when no name has changed, and which remembers that the sync of a file has failed. */
export class Directory implements Disk {
  readonly #disk: Disk;
  /** What an earlier process has changed counts, too. */
  #changes = 1;
  #synced = 0;
  #isDoubtful = false;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  list(): Promise<string[]> {
    return this.#disk.list();
  }

  async make(name: string): Promise<DiskFile> {
    this.#changes++;
    return this.#watch(await this.#disk.make(name));
  }

  async open(name: string): Promise<DiskFile> {
    return this.#watch(await this.#disk.open(name));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#disk.rename(from, to);
    this.#changes++;
  }

  /** Does not count: what comes back after a crash is deleted again. */
  unlink(name: string): Promise<void> {
    return this.#disk.unlink(name);
  }

  async sync(): Promise<void> {
    const changes = this.#changes;
    if (changes === this.#synced) return;
    await this.#disk.sync();
    this.#synced = changes;
  }

  rest(): Promise<void> {
    return this.#disk.rest();
  }

  salt(): number {
    return this.#disk.salt();
  }

  close(): Promise<void> {
    return this.#disk.close();
  }

  #watch(file: DiskFile): DiskFile {
    return new WatchedFile(file, () => this.#leaveDoubt());
  }

  /**
   * What a sync that has failed should have brought to disk looks as if it were there until the computer loses power,
   * and no later sync brings it. A process that is killed now leaves its successor word of that. (Of what is read after a
   * power failure there is no doubt: so this needs no sync.)
   */
  async #leaveDoubt(): Promise<void> {
    if (this.#isDoubtful) return;
    try {
      await (await this.#disk.make(DOUBT)).close();
      this.#isDoubtful = true;
    } catch {
      // it is tried with the next sync that fails
    }
  }
}

/** Says when it could not be synced. */
class WatchedFile implements DiskFile {
  readonly #file: DiskFile;
  readonly #onFailure: () => Promise<void>;

  constructor(file: DiskFile, onFailure: () => Promise<void>) {
    this.#file = file;
    this.#onFailure = onFailure;
  }

  size(): Promise<number> {
    return this.#file.size();
  }

  read(position: number, bytes: number): Promise<Buffer> {
    return this.#file.read(position, bytes);
  }

  write(position: number, pieces: readonly Uint8Array[]): Promise<void> {
    return this.#file.write(position, pieces);
  }

  writeNow(position: number, bytes: Uint8Array): void {
    this.#file.writeNow(position, bytes);
  }

  truncate(bytes: number): Promise<void> {
    return this.#file.truncate(bytes);
  }

  async sync(): Promise<void> {
    try {
      await this.#file.sync();
    } catch (error) {
      await this.#onFailure();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
