import type { Disk, DiskFile } from "./disk.ts";
import { encodeLines, line } from "./journal-line.ts";

const ZEROS_MAX_BYTES = 1024 * 1024;
const PIECE_LINES = 4_096;

/** Makes a journal of these lines, and has it on disk before it is returned. */
export async function makeJournalFile(
  disk: Disk,
  name: string,
  lines: readonly string[],
): Promise<JournalFile> {
  const salt = disk.salt();
  const file = await disk.make(name);
  try {
    const head = encodeLines([line.head(salt)], 0);
    await file.write(0, [head]);
    let end = head.length;
    for (let at = 0; at < lines.length; at += PIECE_LINES) {
      const piece = encodeLines(lines.slice(at, at + PIECE_LINES), salt);
      await file.write(end, [piece]);
      end += piece.length;
    }
    await file.sync();
    const made = new JournalFile(file, salt, end, end);
    made.synced = end;
    return made;
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}

/** One file of lines, with zeros behind them: space that was taken before it is needed. */
export class JournalFile {
  readonly #file: DiskFile;
  readonly #salt: number;
  /** End of its lines. */
  end: number;
  /** Lines before this are on disk. */
  synced: number;
  /** What it takes from the disk. */
  #allocated: number;
  #told: number;
  /** Lines that could not be written yet. */
  #waiting: string[] = [];

  constructor(file: DiskFile, salt: number, end: number, allocated: number) {
    this.#file = file;
    this.#salt = salt;
    this.end = end;
    this.synced = 0;
    this.#told = 0;
    this.#allocated = Math.max(end, allocated);
  }

  get isDirty(): boolean {
    return this.#waiting.length > 0 || this.end > this.synced;
  }

  add(json: string): void {
    this.#waiting.push(json);
  }

  /** Writes what waits. Throws if the disk does: then it goes on waiting. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const lines = encodeLines(this.#waiting, this.#salt);
    this.#file.writeNow(this.end, lines);
    this.end += lines.length;
    this.#allocated = Math.max(this.#allocated, this.end);
    this.#waiting = [];
  }

  /** Tells in the file how much of it is on disk: what is damaged before that was not torn by a crash. */
  tellSynced(): void {
    if (!this.isDirty || this.#told === this.synced) return;
    this.add(line.synced(this.synced));
    this.#told = this.synced;
  }

  /** Takes space for `stepBytes` more, if there is space: else it is tried again. */
  reserve(stepBytes: number): void {
    if (this.#allocated - this.end >= stepBytes / 2) return;
    try {
      for (let bytes = stepBytes; bytes > 0; bytes -= ZEROS_MAX_BYTES) {
        const zeros = Buffer.alloc(Math.min(bytes, ZEROS_MAX_BYTES));
        this.#file.writeNow(this.#allocated, zeros);
        this.#allocated += zeros.length;
      }
    } catch {
      // what was written of it does no harm
    }
  }

  async sync(): Promise<void> {
    const { end } = this;
    await this.#file.sync();
    this.synced = end;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
