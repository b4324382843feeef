/** Writes a descriptor without ever blocking the event loop for long, so that pings are answered meanwhile. */
import { fstatSync, write, writeSync } from "node:fs";
import net from "node:net";
import tty from "node:tty";
import { promisify } from "node:util";
import { openWithoutBlocking } from "./descriptor.ts";
import { EXIT_FAILED, EXIT_OUTPUT_CLOSED, Exit, systemCode, systemReason } from "./exit.ts";

export interface Output {
  /** Resolves when all of it is written, and not before that. One call at a time. Throws Exit. */
  write(bytes: Uint8Array): void | Promise<void>;
}

/** A write that blocked for so long makes the next ones asynchronous. */
const SLOW_MS = 20;
/** How often a terminal that takes nothing (Ctrl-S) is tried again. */
const RETRY_MS = 20;

const writeAsync = promisify(write);

export function openOutput(fd: number): Output {
  const stat = fstatSync(fd);
  if (stat.isFIFO() || stat.isSocket()) return new StreamOutput(openWithoutBlocking(fd, "write"));
  if (tty.isatty(fd)) return new TerminalOutput(openWithoutBlocking(fd, "write"));
  return new FileOutput(fd);
}

/** The failure of a write as what ends the command: a closed output silently, anything else with a sentence. */
export function outputExit(error: unknown): Exit {
  if (error instanceof Exit) return error;
  const code = systemCode(error);
  if (code === "EPIPE" || code === "ECONNRESET") return new Exit(EXIT_OUTPUT_CLOSED, "", { cause: error });
  const message = `cannot write the output: ${systemReason(error)}; what was not written out stays in the pipe`;
  return new Exit(EXIT_FAILED, message, { cause: error });
}

/** Writes what goes at once; the number of bytes that did. */
function writeSome(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    if (systemCode(error) === "EAGAIN") return 0;
    throw outputExit(error);
  }
}

/** A pipe or socket: synchronously while it takes everything, which is cheapest, else when the loop says that it can. */
class StreamOutput implements Output {
  readonly #fd: number;
  readonly #socket: net.Socket;
  #error: Error | null = null;

  constructor(fd: number) {
    this.#fd = fd;
    this.#socket = new net.Socket({ fd, readable: false, writable: true });
    this.#socket.on("error", (error) => {
      this.#error = error;
    });
  }

  write(bytes: Uint8Array): void | Promise<void> {
    if (this.#error !== null) throw outputExit(this.#error);
    const written = writeSome(this.#fd, bytes);
    if (written < bytes.length) return this.#writeLater(bytes.subarray(written));
  }

  async #writeLater(rest: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(rest, (error) => {
        if (error) reject(outputExit(error));
        else resolve();
      });
    });
  }
}

/** A terminal, which the event loop cannot wait for: what it does not take is tried again. */
class TerminalOutput implements Output {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    const written = writeSome(this.#fd, bytes);
    if (written < bytes.length) return this.#writeLater(bytes.subarray(written));
  }

  async #writeLater(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      rest = rest.subarray(writeSome(this.#fd, rest));
    }
  }
}

/** A regular file or a device: synchronously, which is cheapest, until that takes long. */
export class FileOutput implements Output {
  readonly #fd: number;
  readonly #failure: (error: unknown) => Exit;
  #isSlow = false;

  constructor(fd: number, failure: (error: unknown) => Exit = outputExit) {
    this.#fd = fd;
    this.#failure = failure;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    if (this.#isSlow) return this.#writeLater(bytes);
    const startMs = performance.now();
    try {
      let at = 0;
      while (at < bytes.length) at += writeSync(this.#fd, bytes, at);
    } catch (error) {
      throw this.#failure(error);
    }
    this.#isSlow = performance.now() - startMs > SLOW_MS;
  }

  async #writeLater(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await writeAsync(this.#fd, bytes, at, bytes.length - at, null);
        at += bytesWritten;
      }
    } catch (error) {
      throw this.#failure(error);
    }
  }
}
