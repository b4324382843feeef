/** What the store needs of a disk: one directory, and files in it. A simulation has another one than the computer. */

export interface DiskFile {
  size(): Promise<number>;
  /** Bytes from `position` on; fewer only where the file ends. */
  read(position: number, bytes: number): Promise<Buffer>;
  /** Writes all of it, or rejects: then some of it may be there. */
  write(position: number, pieces: readonly Uint8Array[]): Promise<void>;
  /** The same before it returns. The operating system has it then: it survives the death of the process. */
  writeNow(position: number, bytes: Uint8Array): void;
  truncate(bytes: number): Promise<void>;
  /** What was written before the call survives the death of the computer once this resolves. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  /** Names of all files in the directory. */
  list(): Promise<string[]>;
  /** An empty file, whether there was one or not. */
  make(name: string): Promise<DiskFile>;
  /** A file that is there. */
  open(name: string): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(name: string): Promise<void>;
  /** What was made, renamed and unlinked before the call stays so once this resolves. */
  sync(): Promise<void>;
  /** Resolves when what has failed may be tried again. */
  rest(): Promise<void>;
  /** 32 random bits. */
  salt(): number;
  /** Gives the directory back. */
  close(): Promise<void>;
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Whether it failed because there is no space left. */
export function isFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === "ENOSPC" || code === "EDQUOT";
}
