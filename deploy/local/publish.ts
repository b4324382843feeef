/**
 * One satellite at one path, without a lock.
 *
 * bind(2) can't replace the socket of a satellite that was killed, and unlinking it first is a race: of two starters,
 * the slower one unlinks the live socket of the faster. Lock files have the same race when a dead owner's lock is
 * broken, and Node has no flock(2). So each satellite
 *
 * 1. listens at a path of its own, which nobody else touches: `socket-PID-RANDOM`;
 * 2. takes the next number: `socket.8` is a symbolic link to its own path. Making a link is atomic, so a number has
 *    one owner, and the owner listens before it has the number. Whoever has the highest number is the satellite while
 *    its socket answers; a number is taken only when the highest one does not answer, so its owner is dead for good;
 * 3. renames a link to its own path to `socket`, where clients connect, and removes all lower numbers.
 *
 * The highest number is never removed: whoever is late and takes a lower one, which was free again, sees the higher
 * one when it looks a second time, and gives way.
 */
import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, readlinkSync, renameSync, symlinkSync, unlinkSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { WireError } from "../../satellite/wire/errors.ts";

const ANSWER_MS = 2000;

/** Whether somebody listens at this path. */
export async function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = net.connect({ path: socket });
    const settle = (result: boolean): void => {
      connection.destroy();
      resolve(result);
    };
    connection.setTimeout(ANSWER_MS, () => settle(true)); // it is there, and busy
    connection.once("connect", () => settle(true));
    connection.once("error", (error: NodeJS.ErrnoException) => {
      settle(!["ENOENT", "ECONNREFUSED", "ENOTSOCK", "ENOTDIR"].includes(error.code ?? ""));
    });
  });
}

/** Step 1: a path beside `socket` for one satellite to listen at. On Windows a pipe has one owner anyway. */
export function ownPath(socket: string): string {
  if (process.platform === "win32") return socket;
  return `${socket}-${process.pid}-${randomBytes(2).toString("hex")}`;
}

/** Steps 2 and 3. False: another satellite answers at `socket`. */
export async function publish(own: string, socket: string): Promise<boolean> {
  if (process.platform === "win32") return true;
  const existing = lstatSync(socket, { throwIfNoEntry: false });
  if (existing !== undefined && !existing.isSymbolicLink() && !existing.isSocket()) {
    throw new WireError("usage", `'${socket}' is a file and not a socket: choose another path for --socket`);
  }
  if (await answers(socket)) return false;
  for (;;) {
    const highest = highestNumber(socket);
    if (highest > 0 && (await answers(`${socket}.${highest}`))) return false;
    const number = highest + 1;
    if (!link(own, `${socket}.${number}`)) continue;
    if (highestNumber(socket) === number) {
      link(own, `${own}~`);
      renameSync(`${own}~`, socket);
      removeDead(socket, number);
      return true;
    }
    remove(`${socket}.${number}`);
  }
}

/** The process that listens at `socket`, by the name that it gave its own path; `null` if that can't be told. */
export function publisher(socket: string): number | null {
  try {
    const pid = /-(\d+)-[0-9a-f]+$/.exec(readlinkSync(socket))?.[1];
    return pid === undefined ? null : Number(pid);
  } catch {
    return null;
  }
}

function highestNumber(socket: string): number {
  return Math.max(0, ...numbers(socket));
}

function numbers(socket: string): number[] {
  const prefix = `${path.basename(socket)}.`;
  return readdirSync(path.dirname(socket))
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number(name.slice(prefix.length)))
    .filter((number) => Number.isSafeInteger(number) && number > 0);
}

/** False: the name is taken. */
function link(own: string, name: string): boolean {
  try {
    symlinkSync(path.basename(own), name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes the lower numbers, and the sockets of satellites that were killed. */
function removeDead(socket: string, number: number): void {
  for (const lower of numbers(socket)) {
    if (lower >= number) continue;
    const name = `${socket}.${lower}`;
    try {
      // A socket that was published under a lower number does not answer any more.
      remove(path.join(path.dirname(socket), readlinkSync(name)));
    } catch {
      // removed by its own satellite
    }
    remove(name);
  }
}

function remove(name: string): void {
  try {
    unlinkSync(name);
  } catch {
    // it has gone: what we want
  }
}
