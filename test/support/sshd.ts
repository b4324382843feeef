/** A real sshd on loopback, with its own keys and a home of its own for whoever logs in. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import type { Bed } from "./bed.ts";
import type { Proc } from "./proc.ts";
import { until } from "./until.ts";

export interface SshdOptions {
  /** The PATH of those who log in; default: Node and what the system has. */
  path?: string;
  /** Lines of sshd_config, which go before the others. */
  config?: readonly string[];
}

/** Debian's sshd is not on everybody's path. */
const SSHD = "/usr/sbin/sshd";

export class Sshd {
  readonly port: number;
  /** The home of whoever logs in, as far as programs ask HOME. */
  readonly home: string;
  /** What ssh is called with here: an alias in a config that only the bed's ssh reads. */
  readonly alias = "sky.test";
  readonly #bed: Bed;
  readonly #folder: string;
  #proc: Proc | null = null;

  private constructor(bed: Bed, port: number) {
    this.#bed = bed;
    this.port = port;
    this.#folder = bed.path("sshd");
    this.home = bed.path("there");
  }

  /** Starts it, and puts an `ssh` that finds it first on the path of the bed. */
  static async start(bed: Bed, options: SshdOptions = {}): Promise<Sshd> {
    const sshd = new Sshd(bed, await Sshd.freePort());
    sshd.#prepare(options);
    await sshd.up();
    return sshd;
  }

  /** One that nobody has at this moment. */
  static async freePort(): Promise<number> {
    return new Promise((resolve) => {
      const server = net.createServer();
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as net.AddressInfo;
        server.close(() => resolve(port));
      });
    });
  }

  async up(): Promise<void> {
    // sshd wants to be called by its whole path.
    const proc = this.#bed.spawn(SSHD, ["-D", "-e", "-f", path.join(this.#folder, "sshd_config")]);
    this.#proc = proc;
    await until("sshd listens", () => /Server listening/.test(proc.err));
  }

  /** It goes, with every connection that it carries. */
  async down(): Promise<void> {
    const sessions = this.#sessions();
    this.#proc?.kill("SIGKILL");
    end(sessions); // they hold its stderr
    await this.#proc?.exited;
  }

  /** Cuts every connection that is there; new ones are let in. */
  cut(): void {
    end(this.#sessions());
  }

  /** The processes that carry connections, without what they run. They overwrite their environment with their title. */
  #sessions(): number[] {
    const found = this.#proc === null ? [] : [this.#proc.pid];
    for (const pid of found) {
      found.push(...childrenOf(pid).filter((child) => readOf(child, "cmdline").startsWith("sshd: ")));
    }
    return found.slice(1);
  }

  /** The satellites that were installed there and run. */
  satellites(): number[] {
    return this.#bed.marked((words) =>
      words.some((word) => word.endsWith("/skypipe/satellite/current/boot.cjs")),
    );
  }

  /** What keeps them running. */
  supervisors(): number[] {
    return this.#bed.marked((words) =>
      words.some((word) => word.endsWith("/skypipe/satellite/supervise.sh")),
    );
  }

  /** What is in the home besides the folders that every program shares. */
  leftovers(): string[] {
    const shared = [".local", ".local/share", ".config", ".config/systemd", ".config/systemd/user"];
    return readdirSync(this.home, { recursive: true, encoding: "utf8" }).filter(
      (name) => !shared.includes(name),
    );
  }

  /** Writes what `ssh` reads here. */
  configure(lines: readonly string[]): void {
    writeFileSync(path.join(this.#folder, "ssh_config"), `${lines.join("\n")}\n`);
  }

  /** What makes the bed's ssh find it. */
  get clientConfig(): string[] {
    return [
      `Host ${this.alias} jump.test inner.test`,
      "  HostName 127.0.0.1",
      `  Port ${this.port}`,
      `  User ${os.userInfo().username}`,
      `  IdentityFile ${path.join(this.#folder, "user_key")}`,
      "  IdentitiesOnly yes",
      `  UserKnownHostsFile ${path.join(this.#folder, "known_hosts")}`,
      "  GlobalKnownHostsFile /dev/null",
    ];
  }

  get knownHosts(): string {
    return path.join(this.#folder, "known_hosts");
  }

  #prepare({ path: searchPath, config = [] }: SshdOptions): void {
    for (const folder of [this.#folder, this.home]) mkdirSync(folder, { mode: 0o700, recursive: true });
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
    for (const key of ["host_key", "user_key"]) {
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path.join(this.#folder, key)]);
    }
    const file = (name: string): string => path.join(this.#folder, name);
    const publicKey = execFileSync("ssh-keygen", ["-y", "-f", file("user_key")], { encoding: "utf8" });
    writeFileSync(file("authorized_keys"), publicKey, { mode: 0o600 });
    const hostKey = execFileSync("ssh-keygen", ["-y", "-f", file("host_key")], { encoding: "utf8" });
    writeFileSync(file("known_hosts"), `[127.0.0.1]:${this.port} ${hostKey}`);
    const bin = searchPath ?? [path.dirname(process.execPath), "/usr/local/bin:/usr/bin:/bin"].join(":");
    writeFileSync(
      file("sshd_config"),
      [
        ...config,
        `ListenAddress 127.0.0.1:${this.port}`,
        `HostKey ${file("host_key")}`,
        `AuthorizedKeysFile ${file("authorized_keys")}`,
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin yes",
        "PrintMotd no",
        `SetEnv HOME=${this.home} PATH=${bin} ${this.#bed.markVariable}`,
        "",
      ].join("\n"),
    );
    this.configure(this.clientConfig);
    const ssh = this.#bed.path("bin/ssh");
    writeFileSync(ssh, `#!/bin/sh\nexec /usr/bin/ssh -F ${file("ssh_config")} "$@"\n`);
    chmodSync(ssh, 0o755);
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((each) => each > 1 && Number(/\) \S (\d+)/.exec(readOf(each, "stat"))?.[1]) === pid);
}

function readOf(pid: number, file: "cmdline" | "stat"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return ""; // it has gone
  }
}

function end(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it went with another one
    }
  }
}
