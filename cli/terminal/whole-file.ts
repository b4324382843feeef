/** `recv -o FILE`: written beside it and renamed when it is whole, so that there is never half a file of that name. */
import { realpathSync, type Stats, statSync, unlinkSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import path from "node:path";
import { WireError } from "../../satellite/wire/errors.ts";
import { EXIT_FAILED, Exit, systemCode, systemReason } from "./exit.ts";
import { FileOutput, type Output } from "./output.ts";

export class WholeFile implements Output {
  readonly #file: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #output: FileOutput;
  #isOpen = true;
  readonly #onExit = (): void => this.#unlink();

  private constructor(file: string, temporary: string, handle: FileHandle) {
    this.#file = file;
    this.#temporary = temporary;
    this.#handle = handle;
    this.#output = new FileOutput(handle.fd, (error) => cannotWrite(file, error));
    // Whatever ends the process, save SIGKILL, leaves no temporary file.
    process.once("exit", this.#onExit);
  }

  static async create(name: string): Promise<WholeFile> {
    const existing = statOrNull(name);
    if (existing !== null && !existing.isFile()) {
      throw new WireError(
        "usage",
        `'${name}' is not a regular file: write to it with > ${name} instead of -o`,
      );
    }
    // A link keeps pointing at the file that it names.
    const file = existing === null ? path.resolve(name) : realpathSync(name);
    const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.part`);
    try {
      const handle = await open(temporary, "wx", 0o666);
      if (existing !== null) await handle.chmod(existing.mode & 0o7777);
      return new WholeFile(file, temporary, handle);
    } catch (error) {
      throw cannotMake(name, error);
    }
  }

  write(bytes: Uint8Array): void | Promise<void> {
    return this.#output.write(bytes);
  }

  /** What was written is on the disk. */
  async sync(): Promise<void> {
    try {
      await this.#handle.sync();
    } catch (error) {
      throw cannotWrite(this.#file, error);
    }
  }

  /** Gives the file its name. */
  async commit(): Promise<void> {
    await this.sync();
    await this.#handle.close();
    try {
      await rename(this.#temporary, this.#file);
    } catch (error) {
      throw cannotWrite(this.#file, error);
    }
    this.#isOpen = false;
    process.removeListener("exit", this.#onExit);
  }

  /** Forgets what was written. */
  async discard(): Promise<void> {
    if (!this.#isOpen) return;
    this.#unlink();
    process.removeListener("exit", this.#onExit);
    await this.#handle.close().catch(() => undefined); // closed by a commit that failed after it
  }

  #unlink(): void {
    this.#isOpen = false;
    try {
      unlinkSync(this.#temporary);
    } catch {
      // somebody removed it: what we want
    }
  }
}

function statOrNull(name: string): Stats | null {
  try {
    return statSync(name);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw cannotMake(name, error);
  }
}

/** Before anything is taken from the pipe: a name that can't be written is a usage error. */
function cannotMake(name: string, error: unknown): WireError {
  return new WireError("usage", `cannot write '${name}': ${systemReason(error)}`, { cause: error });
}

function cannotWrite(name: string, error: unknown): Exit {
  const message = `cannot write '${name}': ${systemReason(error)}; what was not written out stays in the pipe`;
  return new Exit(EXIT_FAILED, message, { cause: error });
}
