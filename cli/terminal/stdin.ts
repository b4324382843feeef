/** What fd 0 is, and which role follows from it (DESIGN.md §5). */
import { closeSync, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import path from "node:path";
import tty from "node:tty";
import { WireError } from "../../satellite/wire/errors.ts";
import { systemReason } from "./exit.ts";

export type Role = "write" | "read";

/** How bytes are read from a descriptor. */
type SourceKind = "file" | "stream" | "terminal" | "device";

export interface Source {
  readonly fd: number;
  readonly kind: SourceKind;
  /** Bytes still to be read, where they are known. */
  readonly size?: number;
  /** File name, where there is one. */
  readonly name?: string;
}

/**
 * A pipe, socket, regular file or block device writes; a terminal, /dev/null, any other character device or a closed
 * stdin reads, so that a service or `ssh -n` never sends an EOF by accident. Node opens a closed stdin as /dev/null.
 */
export function roleOfStdin(fd = 0): Role {
  const stat = statOf(fd);
  if (stat === null) return "read";
  if (stat.isDirectory()) {
    throw new WireError("usage", "stdin is a directory: name a file, for example skypipe send NAME FILE");
  }
  return stat.isFIFO() || stat.isSocket() || stat.isFile() || stat.isBlockDevice() ? "write" : "read";
}

export function sourceOf(fd: number, name?: string): Source {
  const stat = statOf(fd);
  if (stat === null || !(stat.isFile() || stat.isBlockDevice())) {
    if (stat?.isFIFO() === true || stat?.isSocket() === true) return { fd, kind: "stream" };
    return { fd, kind: tty.isatty(fd) ? "terminal" : "device" };
  }
  // Files of /proc and block devices say 0; nothing is known then.
  const size = Math.max(0, stat.size - positionOf(fd));
  return {
    fd,
    kind: "file",
    ...(stat.size > 0 ? { size } : {}),
    ...(name === undefined ? {} : { name }),
  };
}

/** A file to be sent. */
export function openFile(name: string): Source {
  try {
    const fd = openSync(name, "r");
    if (!fstatSync(fd).isDirectory()) return sourceOf(fd, path.basename(name));
  } catch (cause) {
    throw new WireError("usage", `cannot read '${name}': ${systemReason(cause)}`, { cause });
  }
  throw new WireError("usage", `cannot read '${name}': it is a directory`);
}

/** Whether there is a controlling terminal: somebody who can answer, whatever stdin is. */
export function hasTerminal(): boolean {
  if (process.platform === "win32") return tty.isatty(0) && tty.isatty(2);
  try {
    closeSync(openSync("/dev/tty", "r+"));
    return true;
  } catch {
    return false;
  }
}

function statOf(fd: number): Stats | null {
  try {
    return fstatSync(fd);
  } catch {
    return null;
  }
}

/** Where the next read begins: something before us may have read a part. Only Linux tells. */
function positionOf(fd: number): number {
  try {
    return Number(/^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
