/** A process under test: what it is given, what it says, how it ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { until, within } from "./until.ts";

export interface ProcOptions {
  /** What fd 0 is: /dev/null (the default), a socket that the test writes to, or a regular file. */
  stdin?: "null" | "socket" | { file: string };
  /** Whether stdout is kept (the default), only counted and hashed, not read before `release()`, or a file. */
  stdout?: "keep" | "hash" | "hold" | { file: string };
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Whether its peak of memory is looked at until it exits. */
  measured?: boolean;
}

export interface Exit {
  /** As a shell says it: the exit code, or 128 plus the number of the signal. */
  status: number;
  signal: NodeJS.Signals | null;
  /** What it wrote to stdout, if that was kept. */
  out: string;
  outBytes: number;
  sha256: string;
  err: string;
}

const sampleMs = 25;

export class Proc {
  readonly title: string;
  readonly exited: Promise<Exit>;
  err = "";
  outBytes = 0;
  /** The largest resident set seen, in bytes; 0 where it was not measured. */
  peakBytes = 0;
  readonly #child: ChildProcess;
  readonly #kept: Buffer[] = [];
  readonly #hash = createHash("sha256");
  readonly #keeps: boolean;
  #exit: Exit | undefined;

  constructor(command: string, args: readonly string[], options: ProcOptions = {}) {
    const { stdin = "null", stdout = "keep" } = options;
    this.title = [command, ...args].join(" ");
    this.#keeps = stdout !== "hash";
    const files: number[] = [];
    const open = (file: string, flags: string): number => {
      const fd = openSync(file, flags);
      files.push(fd);
      return fd;
    };
    const fd0 = stdin === "null" ? "ignore" : stdin === "socket" ? "pipe" : open(stdin.file, "r");
    const fd1 = typeof stdout === "string" ? "pipe" : open(stdout.file, "w");
    this.#child = spawn(command, args, {
      stdio: [fd0, fd1, "pipe"],
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      // A session of its own: no controlling terminal, whatever runs the tests.
      detached: true,
    });
    for (const fd of files) closeSync(fd);
    this.#child.stdin?.on("error", () => undefined); // EPIPE: how it ended is for the test to say
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.err += text;
    });
    if (stdout !== "hold") this.release();
    if (options.measured === true) this.#measure();
    this.exited = this.#wait();
    this.exited.catch(() => undefined); // whoever waits for it hears of it
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.title} could not be started`);
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  get stdin(): Writable {
    if (this.#child.stdin === null) throw new Error(`${this.title} was not given a socket as stdin`);
    return this.#child.stdin;
  }

  get stdout(): Readable {
    if (this.#child.stdout === null) throw new Error(`${this.title} writes to a file`);
    return this.#child.stdout;
  }

  /** What has come out so far. */
  get out(): string {
    return Buffer.concat(this.#kept).toString("utf8");
  }

  /** Reads stdout from now on (see `stdout: "hold"`). */
  release(): void {
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.outBytes += chunk.length;
      this.#hash.update(chunk);
      if (this.#keeps) this.#kept.push(chunk);
    });
  }

  /** Writes to its stdin and waits where it is full. */
  async write(bytes: string | Uint8Array): Promise<void> {
    if (!this.stdin.write(bytes)) await Promise.race([once(this.stdin, "drain"), this.exited]);
  }

  /** Writes the rest of its stdin and closes it. */
  end(bytes?: string | Uint8Array): void {
    if (bytes === undefined) this.stdin.end();
    else this.stdin.end(bytes);
  }

  kill(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }

  /** Waits for its end and checks the status, with its stderr in the error. */
  async exits(status: number, withinMs = 20_000): Promise<Exit> {
    const exit = await within(`the end of ${this.title}; stderr: ${this.err}`, this.exited, withinMs).catch(
      (error: Error) => {
        throw new Error(`${error.message}\nstderr: ${this.err}\nstdout: ${this.outBytes} bytes`);
      },
    );
    if (exit.status === status) return exit;
    throw new Error(`exit ${exit.status} instead of ${status}: ${this.title}\n${exit.err.slice(-4_000)}`);
  }

  /** Waits for text on stderr. */
  async says(pattern: RegExp, withinMs?: number): Promise<void> {
    await this.#while(`${this.title} says ${pattern}`, () => pattern.test(this.err), withinMs);
  }

  /** Waits for text on stdout. */
  async puts(pattern: RegExp | string, withinMs?: number): Promise<void> {
    const seen = (): boolean =>
      typeof pattern === "string" ? this.out.includes(pattern) : pattern.test(this.out);
    await this.#while(`${this.title} puts out ${pattern}`, seen, withinMs);
  }

  /** Waits for a number of bytes on stdout. */
  async putsBytes(bytes: number, withinMs?: number): Promise<void> {
    await this.#while(`${this.title} puts out ${bytes} bytes`, () => this.outBytes >= bytes, withinMs);
  }

  async #while(what: string, seen: () => boolean, withinMs?: number): Promise<void> {
    const ended = await until(what, () => seen() || !this.running, withinMs).catch((error: Error) => {
      throw new Error(`${error.message}\nstdout: ${this.outBytes} bytes\nstderr: ${this.err.slice(-2_000)}`);
    });
    if (ended && !seen()) {
      throw new Error(`It ended before: ${what}; status ${this.#exit?.status}\n${this.err.slice(-2_000)}`);
    }
  }

  async #wait(): Promise<Exit> {
    const [code, signal] = (await once(this.#child, "close")) as [number | null, NodeJS.Signals | null];
    this.#exit = {
      status: code ?? 128 + (signal === null ? 0 : constants.signals[signal]),
      signal,
      out: this.out,
      outBytes: this.outBytes,
      sha256: this.#hash.digest("hex"),
      err: this.err,
    };
    return this.#exit;
  }

  #measure(): void {
    const sample = (): void => {
      this.peakBytes = Math.max(this.peakBytes, peakBytesOf(this.pid));
    };
    const timer = setInterval(sample, sampleMs);
    this.#child.once("exit", () => clearInterval(timer));
  }
}

/** The kernel's own high-water mark, so that no peak falls between two samples. */
export function peakBytesOf(pid: number): number {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(line?.[1] ?? 0) * 1024;
  } catch {
    return 0; // it has just gone
  }
}
