import { constants, fstatSync, openSync, readlinkSync } from "node:fs";

/**
 * A descriptor for the same pipe or terminal as `fd` that does not block, or `fd` itself where there is none to be had.
 *
 * O_NONBLOCK belongs to the open file, which is shared with every process that inherited it: set on fd 1 it would make
 * a `cat` beside us fail with EAGAIN. Opening it anew through /proc makes an open file of our own.
 */
export function openWithoutBlocking(fd: number, access: "read" | "write"): number {
  if (process.platform !== "linux") return fd;
  const mode = access === "read" ? constants.O_RDONLY : constants.O_WRONLY;
  try {
    const name = `/proc/self/fd/${fd}`;
    // A regular file would begin at its start again, and a named pipe would wait for writers that have come and gone.
    const isSafe = fstatSync(fd).isCharacterDevice() || readlinkSync(name).startsWith("pipe:");
    return isSafe ? openSync(name, mode | constants.O_NONBLOCK | constants.O_NOCTTY) : fd;
  } catch {
    return fd; // a pipe that another user made
  }
}
