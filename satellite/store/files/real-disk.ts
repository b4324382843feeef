import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import type { Disk, DiskFile } from "./disk.ts";
import { type Lock, lockDirectory } from "./lock.ts";

/** How long the store waits before it tries again what has failed. */
const REST_MS = 500;
/** Only its owner may read what others sent. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

const calls = {
  open: promisify(fs.open),
  close: promisify(fs.close),
  fstat: promisify(fs.fstat),
  fsync: promisify(fs.fsync),
  fdatasync: promisify(fs.fdatasync),
  ftruncate: promisify(fs.ftruncate),
};

/** Takes a directory, which is made if it is missing. Throws WireError if another process has it. */
export async function openRealDisk(directory: string): Promise<Disk> {
  await fs.promises.mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  return new RealDisk(directory, await lockDirectory(directory));
}

class RealDisk implements Disk {
  readonly #directory: string;
  readonly #lock: Lock;

  constructor(directory: string, lock: Lock) {
    this.#directory = directory;
    this.#lock = lock;
  }

  list(): Promise<string[]> {
    return fs.promises.readdir(this.#directory);
  }

  make(name: string): Promise<DiskFile> {
    return this.#open(name, "w+");
  }

  open(name: string): Promise<DiskFile> {
    return this.#open(name, "r+");
  }

  rename(from: string, to: string): Promise<void> {
    return fs.promises.rename(this.#path(from), this.#path(to));
  }

  unlink(name: string): Promise<void> {
    return fs.promises.unlink(this.#path(name));
  }

  async sync(): Promise<void> {
    if (process.platform === "win32") return; // a directory cannot be opened there
    const fd = await calls.open(this.#directory, "r");
    try {
      await calls.fsync(fd);
    } finally {
      await calls.close(fd);
    }
  }

  async rest(): Promise<void> {
    await pause(REST_MS);
  }

  salt(): number {
    return randomBytes(4).readUInt32BE();
  }

  close(): Promise<void> {
    return this.#lock.release();
  }

  async #open(name: string, flags: string): Promise<DiskFile> {
    return new RealFile(await calls.open(this.#path(name), flags, FILE_MODE));
  }

  #path(name: string): string {
    return path.join(this.#directory, name);
  }
}

class RealFile implements DiskFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  async size(): Promise<number> {
    return (await calls.fstat(this.#fd)).size;
  }

  async read(position: number, bytes: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(bytes);
    let filled = 0;
    while (filled < bytes) {
      const read = await readOnce(this.#fd, buffer, filled, position + filled);
      if (read === 0) break;
      filled += read;
    }
    return filled === bytes ? buffer : buffer.subarray(0, filled);
  }

  async write(position: number, pieces: readonly Uint8Array[]): Promise<void> {
    let left = [...pieces];
    let at = position;
    while (left.length > 0) {
      const written = await writeOnce(this.#fd, left, at);
      at += written;
      left = withoutFirst(left, written);
    }
  }

  writeNow(position: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; )
      at += fs.writeSync(this.#fd, bytes, at, bytes.length - at, position + at);
  }

  truncate(bytes: number): Promise<void> {
    return calls.ftruncate(this.#fd, bytes);
  }

  sync(): Promise<void> {
    return calls.fdatasync(this.#fd);
  }

  close(): Promise<void> {
    return calls.close(this.#fd);
  }
}

function readOnce(fd: number, buffer: Buffer, at: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, at, buffer.length - at, position, (error, bytes) => {
      if (error === null) resolve(bytes);
      else reject(error);
    });
  });
}

function writeOnce(fd: number, pieces: Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.writev(fd, pieces, position, (error, bytes) => {
      if (error === null) resolve(bytes);
      else reject(error);
    });
  });
}

/** What is left of the pieces behind the first `bytes`. A write may be cut short, by a disk that is nearly full. */
function withoutFirst(pieces: Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  for (const [index, piece] of pieces.entries()) {
    if (left < piece.length) return [piece.subarray(left), ...pieces.slice(index + 1)];
    left -= piece.length;
  }
  return [];
}
