import type { Disk } from "./disk.ts";

export const RESERVE = "reserve";
const PIECE_BYTES = 1024 * 1024;

/** Space that is given up when the disk is full: what is live can be moved into it then, and what is dead deleted. */
export class Reserve {
  readonly #disk: Disk;
  readonly #bytes: number;
  #isThere: boolean;
  /** It did not fit. It is not tried again before there was trouble: it would cost every commit the same. */
  #isMissed = false;

  constructor(disk: Disk, bytes: number, isThere: boolean) {
    this.#disk = disk;
    this.#bytes = bytes;
    this.#isThere = isThere;
  }

  /** Takes the space, and returns whether it was there. */
  async take(): Promise<boolean> {
    if (this.#isThere || this.#isMissed) return this.#isThere;
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
      this.#isMissed = true;
      await this.#disk.unlink(RESERVE).catch(() => {});
    }
    return this.#isThere;
  }

  async giveUp(): Promise<void> {
    this.#isMissed = false;
    if (!this.#isThere) return;
    this.#isThere = false;
    await this.#disk.unlink(RESERVE).catch(() => {});
  }
}
