/** The programs that skypipe is measured against, installed when they are missing. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Peer } from "./scenario.ts";

/** Not in package.json: who only uses or tests skypipe needs none of them. */
const folder = fileURLToPath(new URL("../../node_modules/.cache/skypipe-bench", import.meta.url));

const npmPackages: Partial<Record<Peer, { name: string; version: string }>> = {
  "piping-server": { name: "piping-server", version: "1.12.9" },
  "nats.js": { name: "@nats-io/transport-node", version: "3.4.0" },
};

const debianPackages: Partial<Record<Peer, { package: string; commands: readonly string[] }>> = {
  time: { package: "time", commands: ["/usr/bin/time"] },
  socat: { package: "socat", commands: ["socat"] },
  curl: { package: "curl", commands: ["curl"] },
  ssh: { package: "openssh-client openssh-server", commands: ["ssh", "ssh-keygen", "/usr/sbin/sshd"] },
  "nats-server": { package: "nats-server", commands: ["nats-server"] },
  mosquitto: { package: "mosquitto mosquitto-clients", commands: ["mosquitto", "mosquitto_pub"] },
};

/** Debian's daemons are in folders that a user's PATH lacks. */
process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

/** The file of an npm peer. */
export function peerFile(name: string): string {
  return path.join(folder, "node_modules", name);
}

/** Installs what is missing of these. Throws with a sentence that says what to do where it can't. */
export function ensurePeers(peers: readonly Peer[], say: (text: string) => void): void {
  const wanted = [...new Set(peers)];
  installDebian(
    wanted.flatMap((peer) => {
      const entry = debianPackages[peer];
      return entry === undefined || entry.commands.every(isThere) ? [] : entry.package.split(" ");
    }),
    say,
  );
  installNpm(
    wanted.flatMap((peer) => {
      const entry = npmPackages[peer];
      return entry === undefined || existsSync(peerFile(entry.name))
        ? []
        : [`${entry.name}@${entry.version}`];
    }),
    say,
  );
}

function installDebian(packages: readonly string[], say: (text: string) => void): void {
  if (packages.length === 0) return;
  const isRoot = process.getuid?.() === 0;
  const line = `apt-get install ${packages.join(" ")}`;
  if (!isThere("apt-get"))
    throw new Error(`The bench needs ${packages.join(", ")}: install them, or use --alone`);
  if (!isRoot && spawnSync("sudo", ["-n", "true"]).status !== 0) {
    throw new Error(
      `The bench needs Debian packages and may not install them: run '${line}' as root, or use --alone`,
    );
  }
  say(`installing from Debian: ${packages.join(" ")} (a package may start its service: the bench uses none)`);
  const asRoot = isRoot ? [] : ["sudo", "-n"];
  const quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"];
  run([...asRoot, ...quiet, "update"]);
  run([...asRoot, ...quiet, "install", "--no-install-recommends", ...packages]);
}

function installNpm(packages: readonly string[], say: (text: string) => void): void {
  if (packages.length === 0) return;
  say(`installing from npm: ${packages.join(" ")}`);
  mkdirSync(folder, { recursive: true });
  const manifest = path.join(folder, "package.json");
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n');
  run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, ...packages]);
}

function run([command = "", ...args]: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return;
  const why = error?.message ?? stderr.trim().split("\n").at(-1);
  throw new Error(`'${[command, ...args].join(" ")}' failed: ${why}`);
}

function isThere(command: string): boolean {
  return spawnSync("sh", ["-c", `command -v '${command}'`]).status === 0;
}
