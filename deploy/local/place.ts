/** Where the satellite of this computer listens: a Unix socket in a folder that only this user may enter. */
import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, type Stats } from "node:fs";
import os from "node:os";
import path from "node:path";
import { WireError } from "../../satellite/wire/errors.ts";

/** sun_path holds 104 bytes on macOS and 108 on Linux, with its NUL; `publish.ts` makes names 14 bytes longer. */
const SOCKET_PATH_BYTES_MAX = 88;

/** The socket's path, or the name of the pipe on Windows. Makes nothing. */
export function localSocket(env: NodeJS.ProcessEnv = process.env): string {
  if (process.platform === "win32") {
    return `\\\\.\\pipe\\skypipe-${shortHash(`${os.userInfo().username}\n${env.SKYPIPE_CONFIG_DIR ?? ""}`)}`;
  }
  return socketInRuntime("socket", env);
}

/** A path for a socket in the folder of this user's running programs. Makes nothing. */
export function socketInRuntime(name: string, env: NodeJS.ProcessEnv): string {
  const config = env.SKYPIPE_CONFIG_DIR;
  if (config === undefined || config === "") return path.join(runtimeFolder(env, "skypipe", name), name);
  // Whoever keeps settings apart keeps satellites apart.
  const beside = path.join(path.resolve(config), "local", name);
  if (fits(beside)) return beside;
  return path.join(runtimeFolder(env, `skypipe-${shortHash(path.resolve(config))}`, name), name);
}

function runtimeFolder(env: NodeJS.ProcessEnv, name: string, file: string): string {
  const uid = process.getuid?.() ?? 0;
  // cron and ssh may not set XDG_RUNTIME_DIR; they must find the same satellite as the desktop.
  for (const parent of [env.XDG_RUNTIME_DIR, `/run/user/${uid}`]) {
    if (parent === undefined || !path.isAbsolute(parent) || statOrNull(parent)?.uid !== uid) continue;
    if (fits(path.join(parent, name, file))) return path.join(parent, name);
  }
  const temporary = path.join(os.tmpdir(), `${name}-${uid}`);
  return fits(path.join(temporary, file)) ? temporary : `/tmp/${name}-${uid}`;
}

function fits(socket: string): boolean {
  return Buffer.byteLength(socket) <= SOCKET_PATH_BYTES_MAX;
}

/** Makes the socket's folder, with mode 0700, and refuses one that is somebody else's. */
export function prepareFolder(socket: string): void {
  if (process.platform === "win32") return;
  const folder = path.dirname(socket);
  try {
    // A parent that is made here is private too.
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new WireError(
      "unreachable",
      `cannot make the folder ${folder} for the satellite of this computer`,
      {
        cause,
      },
    );
  }
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.()) {
    throw new WireError(
      "unreachable",
      `${folder} belongs to somebody else: remove it, or set XDG_RUNTIME_DIR to a folder of your own`,
    );
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

function statOrNull(file: string): Stats | null {
  return lstatSync(file, { throwIfNoEntry: false }) ?? null;
}

export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
