/** Where the satellite lives in the home of its user. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Installed } from "../messages.ts";

/** ssh forwards to this path, and shells read it: nothing in it shall need to be quoted. 104 bytes are macOS's limit. */
const PLAIN_PATH = /^[\w./@+-]{1,100}$/;

export interface Folder {
  /** Mode 0700; who changes what is in `root` has it locked. */
  readonly base: string;
  /** All that is installed is below it. */
  readonly root: string;
  readonly socket: string;
}

export function folderOf(env: NodeJS.ProcessEnv): Folder {
  const given = env["XDG_DATA_HOME"] ?? "";
  const data = path.isAbsolute(given) ? given : path.join(os.homedir(), ".local", "share");
  const base = path.join(data, "skypipe");
  const root = path.join(base, "satellite");
  const beside = path.join(root, "socket");
  const elsewhere = path.join(`/tmp/skypipe-${os.userInfo().uid}`, "satellite.socket");
  return { base, root, socket: PLAIN_PATH.test(beside) ? beside : elsewhere };
}

/** Makes a folder that only its owner enters. Throws where it is somebody else's. */
export function makePrivate(folder: string): void {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = fs.lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== os.userInfo().uid)
    throw new Error(`${folder} belongs to somebody else`);
  if ((stat.mode & 0o077) !== 0) fs.chmodSync(folder, 0o700);
}

/** Half a file never has the name. */
export function writeWhole(file: string, contents: string | Uint8Array, mode = 0o600): void {
  const part = `${file}.${process.pid}~`;
  fs.writeFileSync(part, contents, { mode });
  fs.renameSync(part, file);
}

export function readIfThere(file: string): string | null {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Throws where it is on another host that has the same home, as in a cluster: two must not share one folder. */
export function readInstalled({ root }: Folder): Installed | null {
  const text = readIfThere(path.join(root, "satellite.json"));
  if (text === null) return null;
  const installed = JSON.parse(text) as Installed;
  if (installed.machine === thisMachine()) return installed;
  throw new Error(
    `the satellite in ${root} runs on ${installed.hostname}, and this login is on ${os.hostname()}, which has the same ` +
      `home: log in to that one; if it is gone for good, remove ${root}`,
  );
}

/** Outlives a change of the host's name, where the system has such a number. */
export function thisMachine(): string {
  return readIfThere("/etc/machine-id")?.trim() || os.hostname();
}

export function writeInstalled({ root }: Folder, installed: Installed): void {
  writeWhole(path.join(root, "satellite.json"), `${JSON.stringify(installed)}\n`);
}

export function readToken({ root }: Folder): string | null {
  return readIfThere(path.join(root, "token"))?.trim() ?? null;
}

export function readKeys({ root }: Folder): string | null {
  return readIfThere(path.join(root, "keys"))?.trim() || null;
}

export function writeKeys({ root }: Folder, keys: string): void {
  writeWhole(path.join(root, "keys"), `${keys}\n`);
}
