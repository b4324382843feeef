import type { Disk } from "./disk.ts";

export const RESERVE = "reserve";
const PIECE_BYTES = 1024 * 1024;

/** Space that is given up when the disk is full: what is live can be moved into it then, and what is dead deleted. */
export class Reserve {
  readonly #disk: Disk;
  readonly #bytes: number;
  #isThere: boolean;
  /** It is not tried again before there was trouble: it would cost every commit the same. */
  #isTried = false;

  constructor(disk: Disk, bytes: number, isThere: boolean) {
    this.#disk = disk;
    this.#bytes = bytes;
    this.#isThere = isThere;
  }

  /** Takes the space, if there is space. */
  async take(): Promise<void> {
    if (this.#isThere || this.#isTried) return;
    this.#isTried = true;
    try {
      const file = await this.#disk.make(RESERVE);
      try {
        for (let at = 0; at < this.#bytes; at += PIECE_BYTES) {
          await file.write(at, [Buffer.alloc(Math.min(PIECE_BYTES, this.#bytes - at))]);
        }
      } finally {
        await file.close();
      }
      this.#isThere = true;
    } catch {
      await this.#disk.unlink(RESERVE).catch(() => {});
    }
  }

  async giveUp(): Promise<void> {
    this.#isTried = false;
    if (!this.#isThere) return;
    this.#isThere = false;
    await this.#disk.unlink(RESERVE).catch(() => {});
  }
}
