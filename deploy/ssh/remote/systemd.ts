/** The satellite as a unit of the user's own systemd. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { writeWhole } from "./folder.ts";
import { type Ran, run } from "./run.ts";

const UNIT = "skypipe.service";

/** Buffers take up to 96 MiB; the rest is Node's. */
const MEMORY_MAX = "512M";

export function hasSystemd(): boolean {
  return process.platform === "linux" && systemctl("show", "--property=Version").ok;
}

export function lingers(): boolean {
  return (
    run("loginctl", ["show-user", os.userInfo().username, "--property=Linger"]).out.trim() === "Linger=yes"
  );
}

/** It is the user's own right on many systems, and an administrator's on others. */
export function tryToLinger(): void {
  run("loginctl", ["--no-ask-password", "enable-linger"]);
}

/** Writes the unit and makes sure that it runs what is there now. */
export function startUnit(command: readonly string[]): void {
  const file = unitFile();
  fs.mkdirSync(path.dirname(file), { recursive: true });
  writeWhole(file, unitText(command), 0o644);
  must(systemctl("daemon-reload"));
  must(systemctl("enable", UNIT));
  must(systemctl("restart", UNIT));
}

/** Whether there was one. */
export function removeUnit(): boolean {
  const file = unitFile();
  if (!fs.existsSync(file)) return false;
  must(systemctl("disable", "--now", UNIT));
  fs.rmSync(file, { force: true });
  must(systemctl("daemon-reload"));
  systemctl("reset-failed", UNIT); // it may not have failed
  return true;
}

/** What it said last. */
export function unitLog(): string {
  const { out } = run("journalctl", ["--user", "--unit", UNIT, "--lines=20", "--no-pager", "--output=cat"]);
  return out;
}

/** Exit 2 is what a satellite says that cannot be as it is: trying again does not help. */
export function unitText(command: readonly string[]): string {
  return `[Unit]
Description=skypipe satellite: carries the bytes of its owner's pipes
Documentation=man:systemd.service(5)
StartLimitIntervalSec=0

[Service]
ExecStart=${command.map(inUnit).join(" ")}
Restart=always
RestartSec=1
RestartPreventExitStatus=2
TimeoutStopSec=20
MemoryMax=${MEMORY_MAX}
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
`;
}

/** systemd.syntax(7): quoted, with the characters doubled that it would expand. */
function inUnit(word: string): string {
  const plain = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w./@%$+=:-]+$/.test(plain) ? plain : `"${plain.replaceAll(/["\\]/g, "\\$&")}"`;
}

function unitFile(): string {
  const given = process.env["XDG_CONFIG_HOME"] ?? "";
  const config = path.isAbsolute(given) ? given : path.join(os.homedir(), ".config");
  return path.join(config, "systemd", "user", UNIT);
}

function systemctl(...args: string[]): Ran {
  return run("systemctl", ["--user", ...args]);
}

function must({ ok, complaint }: Ran): void {
  if (!ok) throw new Error(`systemd refuses: ${complaint}`);
}
