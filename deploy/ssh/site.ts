/** One host, by the name under which ssh knows it, and the satellite on it. */
import { WireError } from "../../satellite/wire/errors.ts";
import { ownBundle } from "../bundle.ts";
import type { Credentials, Place, PlaceStatus } from "../provider.ts";
import { canAsk, type SshHost } from "./client.ts";
import { destinationOf } from "./destination.ts";
import type { HostReport, Listen } from "./messages.ts";
import { ask } from "./program.ts";
import { openWay, waySocket } from "./way.ts";

export class Site {
  readonly destination: string;
  readonly #env: NodeJS.ProcessEnv;

  /** Throws WireError `usage` for what can't be a host. */
  constructor({ host = "" }: Credentials, env: NodeJS.ProcessEnv) {
    this.destination = destinationOf(host);
    this.#env = env;
  }

  async look(): Promise<HostReport> {
    const { report } = await ask(this.#host(), { op: "look" });
    return report;
  }

  /** Makes sure that this version runs there. */
  async install(listen: Listen | null, usesCrontab: boolean): Promise<HostReport> {
    const { version, sha256, files } = ownBundle();
    const coded = files.map(({ name, contents }) => {
      return { name, base64: Buffer.from(contents).toString("base64") };
    });
    const request = { op: "install", version, sha256, files: coded, listen, usesCrontab } as const;
    const { report } = await ask(this.#host(), request);
    return report;
  }

  /** What is kept then. */
  async keep(keys: string, before: string | null): Promise<string> {
    const { report } = await ask(this.#host(), { op: "keep", keys, before });
    return report.keys ?? keys;
  }

  /** Whether there was anything. */
  async destroy(): Promise<boolean> {
    const { existed } = await ask(this.#host(), { op: "destroy" });
    return existed;
  }

  placeOf({ listen, token, keys, socket }: HostReport): Place {
    const kept = keys === null ? {} : { keys };
    if (listen === null)
      return { url: `unix:${waySocket(this.destination, this.#env)}`, via: socket, ...kept };
    return { url: listen.url, ...(token !== null && { token }), ...kept };
  }

  statusOf(report: HostReport): PlaceStatus | null {
    const { installed, isRunning, folder } = report;
    if (installed === null) return null;
    const keeper = installed.keeper === "systemd" ? "systemd" : "a supervisor";
    return {
      place: this.placeOf(report),
      where: `${this.destination}, in ${folder}, kept running by ${keeper}`,
      state: isRunning ? "running" : "stopped",
      version: installed.version,
      bundle: installed.sha256,
    };
  }

  /**
   * Opens the way to a socket there, unless it is open.
   *
   * @param mayAsk ssh may ask for a password, where there is a terminal
   */
  async open(to: string, mayAsk = true): Promise<void> {
    await (mayAsk ? openWay(this.#host(), to) : openWay(this.#host(false), to, 0));
  }

  /** @param code `not-found` where that is what was asked for */
  notThere(code: "not-found" | "unreachable"): WireError {
    return new WireError(
      code,
      `there is no satellite on ${this.destination}: bring it there with skypipe setup ssh ${this.destination}`,
    );
  }

  /** What is known better than that nobody has answered. */
  async explain(error: Error): Promise<Error> {
    let report: HostReport;
    try {
      report = await this.look();
    } catch (why) {
      return why as Error;
    }
    if (report.installed === null) return this.notThere("unreachable");
    if (report.isRunning) {
      return new WireError(
        "unreachable",
        `the satellite on ${this.destination} runs, and ssh does not forward to it: its sshd must allow that ` +
          "(AllowStreamLocalForwarding), or set it up with --url",
        { cause: error },
      );
    }
    return new WireError(
      "unreachable",
      `the satellite on ${this.destination} is not running: start it with skypipe setup ssh ${this.destination}`,
      { cause: error },
    );
  }

  #host(mayAsk = canAsk()): SshHost {
    return { destination: this.destination, mayAsk, env: this.#env };
  }
}
