/**
 * What V8 has made of the command's text, kept for the next start: half of what a start takes beyond Node's own is
 * reading and compiling. Node has `module.enableCompileCache` since 22.1 only, and for whole modules.
 */
import fs from "node:fs";
import path from "node:path";
import envPaths from "env-paths";

/** Of all versions of the command and of Node; the oldest go. */
const FILES_MAX = 8;
const FILE_BYTES_MAX = 8 * 1024 * 1024;
const PREFIX = "code-";
/** Others may write it. */
const FOREIGN_WRITE = 0o022;

export class CodeCache {
  readonly #folder: string = envPaths("skypipe", { suffix: "" }).cache;
  readonly #file: string;

  /** @param id of the text */
  constructor(id: string) {
    this.#file = path.join(this.#folder, `${PREFIX}${id}-${process.version}-${process.arch}`);
  }

  /** `undefined` if there is none. Whether it fits this Node and its flags, V8 finds out. */
  read(): Buffer | undefined {
    if (isSwitchedOff()) return undefined;
    let fd: number | undefined;
    try {
      fd = fs.openSync(this.#file, "r");
      return isOurs(fs.fstatSync(fd)) ? whole(fs.readFileSync(fd)) : undefined;
    } catch {
      return undefined;
    } finally {
      if (fd !== undefined) fs.closeSync(fd);
    }
  }

  /** Keeps it if that can be. Only whole files ever have the name that is read. */
  write(data: Buffer): void {
    if (isSwitchedOff()) return;
    const written = `${this.#file}.${process.pid}`;
    try {
      fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      fs.writeFileSync(written, Buffer.concat([data, data]), {
        flag: "wx",
        mode: 0o600,
        flush: true,
      });
      fs.renameSync(written, this.#file);
      this.#prune();
    } catch {
      remove(written);
    }
  }

  #prune(): void {
    const files = fs
      .readdirSync(this.#folder)
      .filter((name) => name.startsWith(PREFIX))
      .map((name) => path.join(this.#folder, name))
      .map((file) => ({ file, mtimeMs: fs.statSync(file).mtimeMs }))
      .toSorted((a, b) => b.mtimeMs - a.mtimeMs);
    for (const { file } of files.slice(FILES_MAX)) remove(file);
  }
}

/**
 * V8 believes what it is given, and crashes over what is damaged. So the file has it twice: to compare costs nothing, and
 * a checksum would take Node's zlib, which a pipe has no other use for.
 */
function whole(file: Buffer): Buffer | undefined {
  const half = file.length / 2;
  const data = file.subarray(0, half);
  return half > 0 && data.equals(file.subarray(half)) ? data : undefined;
}

function remove(file: string): void {
  try {
    fs.rmSync(file, { force: true });
  } catch {
    // it is not there, or not ours to remove
  }
}

/** By the name that Node has for it. */
function isSwitchedOff(): boolean {
  return process.env.NODE_DISABLE_COMPILE_CACHE === "1";
}

/** It is code: under sudo with the user's own HOME, for one, what the user can write must not run as root. */
function isOurs({ uid, mode, size }: fs.Stats): boolean {
  if (size > FILE_BYTES_MAX) return false;
  return process.geteuid === undefined || (uid === process.geteuid() && (mode & FOREIGN_WRITE) === 0);
}
