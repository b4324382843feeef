import type { Disk, DiskFile } from "./disk.ts";

/** A disk whose `sync` does nothing when no name has changed. */
export class Directory implements Disk {
  readonly #disk: Disk;
  /** What an earlier process has changed counts, too. */
  #changes = 1;
  #synced = 0;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  list(): Promise<string[]> {
    return this.#disk.list();
  }

  make(name: string): Promise<DiskFile> {
    this.#changes++;
    return this.#disk.make(name);
  }

  open(name: string): Promise<DiskFile> {
    return this.#disk.open(name);
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
}
