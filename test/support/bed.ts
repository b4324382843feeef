/** A place of its own for one test: a folder, an environment, a satellite, and every process that it starts. */
import { randomUUID } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Proc, type ProcOptions } from "./proc.ts";
import { Pty } from "./pty.ts";
import { Screen } from "./screen.ts";
import { until } from "./until.ts";

export const command: string = fileURLToPath(new URL("../../dist/skypipe.cjs", import.meta.url));

/** A row of `skypipe ls --json`. */
export interface Row {
  name: string;
  streams: number;
  bytes: number;
  oldestAgeS: number;
  writers: number;
  readers: number;
  taps: number;
}

export interface SatelliteProc {
  proc: Proc;
  url: string;
  port: number;
}

/** What would make a process under test behave as it does nowhere else. */
const foreign =
  /^(CI|CONTINUOUS_INTEGRATION|GITHUB_.*|BUILD_.*|SKYPIPE_.*|VITEST.*|TEST|NODE_ENV|NO_COLOR|FORCE_COLOR|TMUX.*|(https?|all|no)_proxy)$/i;

const caches = fileURLToPath(new URL("../../node_modules/.cache", import.meta.url));

export class Bed {
  readonly dir: string = mkdtempSync(path.join(tmpdir(), "skypipe-"));
  readonly env: NodeJS.ProcessEnv;
  readonly #mark: string = randomUUID();
  readonly #procs: Proc[] = [];

  constructor() {
    for (const folder of ["bin", "home", "config", "run"]) {
      mkdirSync(path.join(this.dir, folder), { mode: 0o700 });
    }
    symlinkSync(command, path.join(this.dir, "bin", "skypipe"));
    const own = Object.entries(process.env).filter(([name]) => !foreign.test(name));
    this.env = {
      ...Object.fromEntries(own),
      PATH: [path.join(this.dir, "bin"), path.dirname(process.execPath), process.env.PATH].join(
        path.delimiter,
      ),
      HOME: path.join(this.dir, "home"),
      XDG_CACHE_HOME: caches, // where the command has its code, the same for all
      XDG_RUNTIME_DIR: path.join(this.dir, "run"),
      SKYPIPE_CONFIG_DIR: path.join(this.dir, "config"),
      SKYPIPE_TEST_BED: this.#mark,
      TMUX_TMPDIR: this.dir,
      TERM: "xterm-256color",
      LC_ALL: "C.UTF-8",
    };
  }

  /** A file of this test. */
  path(name: string): string {
    return path.join(this.dir, name);
  }

  /** Writes a file of this test. */
  write(name: string, text: string, mode = 0o644): string {
    mkdirSync(path.dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text, { mode });
    return this.path(name);
  }

  /** Makes a link of this test. */
  link(name: string, target: string): void {
    mkdirSync(path.dirname(this.path(name)), { recursive: true });
    symlinkSync(target, this.path(name));
  }

  spawn(program: string, args: readonly string[], options: ProcOptions = {}): Proc {
    const proc = new Proc(program, args, {
      cwd: this.dir,
      ...options,
      env: { ...this.env, ...options.env },
    });
    this.#procs.push(proc);
    return proc;
  }

  /** The command itself, without a shell. */
  skypipe(args: readonly string[], options?: ProcOptions): Proc {
    return this.spawn(process.execPath, [command, ...args], options);
  }

  /** A line that a person would type. */
  shell(line: string, options?: ProcOptions): Proc {
    return this.spawn("bash", ["-c", line], options);
  }

  /** A line on a terminal of its own, as raw bytes. */
  pty(line: string, env: NodeJS.ProcessEnv = {}): Pty {
    return new Pty(this.spawn("script", Pty.args(line), { stdin: "socket", env }));
  }

  /** A terminal with a shell in it that can be looked at. */
  async screen(env: NodeJS.ProcessEnv = {}): Promise<Screen> {
    return Screen.open((args) => this.spawn("tmux", args, { env }), `screen-${this.#procs.length}`);
  }

  /** A satellite; the commands that follow use it. */
  async satellite(flags: readonly string[] = [], options: ProcOptions = {}): Promise<SatelliteProc> {
    const proc = this.skypipe(["satellite", "--memory", "--port", "0", ...flags], options);
    await proc.puts("\n");
    const url = proc.out.trim();
    this.env.SKYPIPE_SATELLITE = url;
    return { proc, url, port: Number(new URL(url).port) };
  }

  async list(): Promise<Row[]> {
    const { out } = await this.skypipe(["ls", "--json"]).exits(0);
    return JSON.parse(out) as Row[];
  }

  /** Waits until a pipe has these numbers (all 0 is a pipe that is not there). */
  async pipe(name: string, numbers: Partial<Row>): Promise<Row> {
    const nothing: Row = { name, streams: 0, bytes: 0, oldestAgeS: 0, writers: 0, readers: 0, taps: 0 };
    let row = nothing;
    return until(`the pipe "${name}" has ${JSON.stringify(numbers)}`, async () => {
      row = (await this.list()).find((each) => each.name === name) ?? nothing;
      const wrong = Object.entries(numbers).filter(([key, value]) => row[key as keyof Row] !== value);
      if (wrong.length > 0) throw new Error(JSON.stringify(row));
      return row;
    });
  }

  /** The processes of this test that run a verb, also those that nobody here has a handle on. */
  running(verb: string): number[] {
    return this.marked((args) => args.some((arg) => /\/skypipe(\.cjs)?$/.test(arg)) && args.includes(verb));
  }

  /** What carries the mark of this test into what others start for it. */
  get markVariable(): string {
    return `SKYPIPE_TEST_BED=${this.#mark}`;
  }

  /** The processes of this test whose words please. */
  marked(pleases: (words: string[]) => boolean): number[] {
    return this.#marked().filter((pid) => pleases(readOf(pid, "cmdline").split("\0")));
  }

  /** Ends whatever was started here, and what that started, by pid; then the folder goes. */
  async close(): Promise<void> {
    for (const pid of this.#marked()) kill(pid);
    for (const proc of this.#procs) proc.kill("SIGKILL");
    await until("every process of the test has gone", () => {
      const left = this.#marked();
      for (const pid of left) kill(pid);
      return left.length === 0;
    });
    await Promise.all(this.#procs.map(async (proc) => proc.exited));
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }

  /** The processes that carry this test's mark in their environment: children, and what has left its parents. */
  #marked(): number[] {
    return processIds().filter((pid) => readOf(pid, "environ").includes(this.markVariable));
  }
}

/** Of a process that has gone, or is somebody else's: nothing. */
function readOf(pid: number, file: "environ" | "cmdline"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}

function processIds(): number[] {
  try {
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => pid > 1);
  } catch {
    return []; // no /proc: the processes that the test started are ended through their handles
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it went by itself
  }
}
