/**
 * One data directory, one satellite.
 *
 * Node has no flock(2). A file that says who has the directory outlives its owner, and breaking it is a race. So:
 *
 * On Linux whoever wants the directory listens on a Unix socket in it, under a name of its own, and then looks for the
 * sockets of others. One that nobody listens on belonged to a process that is dead: as no name is used twice, it can
 * be removed without harm. If somebody listens on another one, and if its own is not there any more, it withdraws,
 * waits, and tries again a few times. Of two processes that want the directory the one that looks last sees the other,
 * as each listens before it looks: so never do both have it. A process that dies, however it dies, listens no more.
 * A socket in the directory is seen from every container that has the directory; an abstract one is not.
 *
 * Elsewhere a file is opened that can only be open once: libuv gives O_EXLOCK to macOS, and its like to Windows.
 */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { WireError } from "../../wire/errors.ts";

const PREFIX = "lock-";
const TRIES = 8;
const PAUSE_MS_MAX = 250;
/** Who does not answer by then is there, and busy. */
const ANSWER_MS = 2_000;
/** libuv's UV_FS_O_EXLOCK. */
const O_EXLOCK: number = process.platform === "win32" ? 0x10000000 : 0x20;

export interface Lock {
  release(): Promise<void>;
}

/** Takes a directory for this process. Throws WireError if another one has it. */
export async function lockDirectory(directory: string): Promise<Lock> {
  for (let tries = 0; tries < TRIES; tries++) {
    if (tries > 0) await pause((1 + Math.random()) * PAUSE_MS_MAX * 0.5);
    const lock = await tryLock(directory);
    if (lock !== null) return lock;
  }
  throw new WireError(
    "usage",
    `another satellite is using the data directory '${directory}': stop it, or choose another directory with --data`,
  );
}

/** `null`: another process has it, or wants it at this moment. */
export async function tryLock(directory: string): Promise<Lock | null> {
  return process.platform === "linux" ? lockBySocket(directory) : lockByFile(directory);
}

async function lockBySocket(directory: string): Promise<Lock | null> {
  // The path of a socket has room for 107 bytes: this one is short, however long that of the directory is.
  const handle = await fs.promises.open(directory, "r");
  const own = `${PREFIX}${process.pid}-${randomBytes(6).toString("hex")}`;
  const place = `/proc/self/fd/${handle.fd}`;
  const server = net.createServer((connection) => connection.destroy());
  const release = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    await handle.close();
  };
  try {
    await listen(server, `${place}/${own}`);
    server.unref();
    if (await isAlone(directory, place, own)) return { release };
  } catch (error) {
    await release();
    throw new WireError("usage", `the data directory '${directory}' cannot be locked: ${String(error)}`, {
      cause: error,
    });
  }
  await release();
  return null;
}

/** Whether nobody else listens in the directory. Removes the sockets of those who are dead. */
async function isAlone(directory: string, place: string, own: string): Promise<boolean> {
  const others = (await fs.promises.readdir(directory)).filter(
    (name) => name.startsWith(PREFIX) && name !== own,
  );
  for (const other of others) {
    if (await isListening(`${place}/${other}`)) return false;
    await fs.promises.unlink(path.join(directory, other)).catch(() => {});
  }
  // Somebody may have taken it for dead before it listened.
  return fs.existsSync(path.join(directory, own));
}

function listen(server: net.Server, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(socket, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function isListening(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = net.connect(socket);
    const settle = (answer: boolean): void => {
      connection.destroy();
      resolve(answer);
    };
    connection.setTimeout(ANSWER_MS, () => settle(true));
    connection.once("connect", () => settle(true));
    connection.once("error", ({ code }: NodeJS.ErrnoException) => {
      settle(code !== "ENOENT" && code !== "ECONNREFUSED" && code !== "ENOTSOCK");
    });
  });
}

async function lockByFile(directory: string): Promise<Lock | null> {
  const { O_CREAT, O_RDWR, O_NONBLOCK } = fs.constants;
  try {
    const file = path.join(directory, "lock");
    const handle = await fs.promises.open(file, O_CREAT | O_RDWR | O_NONBLOCK | O_EXLOCK, 0o600);
    return { release: () => handle.close() };
  } catch (error) {
    if (["EAGAIN", "EWOULDBLOCK", "EBUSY"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}
