/** A machine that really runs: a process on this computer, with a disk that is fresh each time but for its volume. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { until } from "../../support/until.ts";
import type { Config } from "./state.ts";

/** What the image would bring along. */
const IMAGE_NODE = "/usr/local/bin/node";
const STOP_MS = 10_000;
const RESTART_MS = 20;

export interface MachineOptions {
  /** A folder for this machine alone. */
  readonly folder: string;
  /** Where the volumes are, by their ids. */
  readonly volumes: string;
  /** Of the process, besides what the machine is given. */
  readonly env: NodeJS.ProcessEnv;
  readonly listening: (span: { fromMs: number; toMs: number }) => void;
  readonly exited: (code: number | null) => void;
}

/** One stretch of running, from a start to a stop; restarts by policy are part of it. */
export class MachineProcess {
  readonly #config: Config;
  readonly #options: MachineOptions;
  #child: ChildProcess | null = null;
  #port: number | null = null;
  #isStopping = false;
  /** Runs between the end of a process and its restart. */
  #restart: NodeJS.Timeout | null = null;
  #starts = 0;
  /** Of all its lives. */
  log = "";

  constructor(config: Config, options: MachineOptions) {
    this.#config = config;
    this.#options = options;
    this.#start();
  }

  /** Where it listens on loopback; `null`: not yet. */
  get port(): number | null {
    return this.#port;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** As a host that loses power. */
  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#restart !== null) {
      clearTimeout(this.#restart);
      this.#restart = null;
      this.#options.exited(null);
    }
    const child = this.#child;
    if (child === null) return;
    const { signal = "SIGINT", timeout = `${STOP_MS / 1000}s` } = this.#config.stop_config ?? {};
    child.kill(signal);
    const killer = setTimeout(() => child.kill("SIGKILL"), Number.parseInt(timeout, 10) * 1000);
    await until("the machine's process has ended", () => this.#child === null, 2 * STOP_MS);
    clearTimeout(killer);
  }

  #start(): void {
    this.#restart = null;
    const fromMs = performance.now();
    const root = path.join(this.#options.folder, `root-${this.#starts++}`);
    this.#populate(root);
    const inRoot = (text: string): string => (text.startsWith("/") ? path.join(root, text) : text);
    const [program = "", ...args] = this.#config.init?.exec ?? [];
    const child = spawn(program === IMAGE_NODE ? process.execPath : inRoot(program), args.map(inRoot), {
      cwd: root,
      // The network of a machine is its own; here the port must be one that is free.
      env: { ...this.#options.env, ...this.#config.env, PORT: "0" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    const listen = (text: string): void => {
      this.log += text;
      const port = /^http:\/\/\S+:(\d+)$/m.exec(this.log.slice(this.log.lastIndexOf("\u0000") + 1))?.[1];
      if (port === undefined || this.#child !== child || this.#port !== null) return;
      this.#port = Number(port);
      this.#options.listening({ fromMs, toMs: performance.now() });
    };
    child.stdout.setEncoding("utf8").on("data", listen);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.log += text;
    });
    child.once("error", (error) => {
      this.log += `${error.message}\n`;
    });
    child.once("close", (code) => this.#ended(code, root));
  }

  #ended(code: number | null, root: string): void {
    this.#child = null;
    this.#port = null;
    this.log += "\u0000";
    rmSync(root, { recursive: true, force: true });
    if (!this.#isStopping && this.#config.restart?.policy === "always") {
      this.#restart = setTimeout(() => this.#start(), RESTART_MS);
      return;
    }
    this.#options.exited(code);
  }

  #populate(root: string): void {
    mkdirSync(root, { recursive: true });
    for (const { volume, path: at } of this.#config.mounts ?? []) {
      const target = path.join(this.#options.volumes, volume);
      mkdirSync(target, { recursive: true });
      mkdirSync(path.dirname(path.join(root, at)), { recursive: true });
      symlinkSync(target, path.join(root, at));
    }
    for (const { guest_path: at, raw_value: contents, mode = 0o644 } of this.#config.files ?? []) {
      const file = path.join(root, at);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, Buffer.from(contents, "base64"));
      chmodSync(file, mode);
    }
  }
}
