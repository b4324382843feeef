/** Processes of this user, found by a word of their command: no number is kept that may be another's by now. */
import fs from "node:fs";
import { readIfThere } from "./folder.ts";
import { run } from "./run.ts";

const END_MS = 20_000;
const POLL_MS = 30;

/** Those that have `word`, a path, as one of the words that they were started with. */
export function processesWith(word: string): number[] {
  if (process.platform === "linux") {
    return processIds().filter((pid) => wordsOf(pid).includes(word));
  }
  const { out } = run("ps", ["-U", String(process.getuid?.() ?? 0), "-o", "pid=", "-o", "args="]);
  return out
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match?.[2]?.split(" ").includes(word) === true)
    .map((match) => Number(match?.[1]))
    .filter((pid) => pid !== process.pid);
}

/** Resolves when they have gone. Who does not end when told to is killed. */
export async function endAll(pids: readonly number[]): Promise<void> {
  for (const pid of pids) signal(pid, "SIGTERM");
  const deadlineMs = performance.now() + END_MS;
  while (pids.some(isThere)) {
    if (performance.now() > deadlineMs) for (const pid of pids) signal(pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function processIds(): number[] {
  const uid = process.getuid?.();
  return fs
    .readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 1 && pid !== process.pid)
    .filter((pid) => fs.statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === uid);
}

function wordsOf(pid: number): string[] {
  try {
    return readIfThere(`/proc/${pid}/cmdline`)?.split("\0") ?? [];
  } catch {
    return []; // it has just gone
  }
}

/** A process that has ended and waits for its parent to hear of it has no words any more. */
function isThere(pid: number): boolean {
  if (process.platform === "linux") return wordsOf(pid).some((word) => word !== "");
  return signal(pid, 0);
}

function signal(pid: number, what: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, what);
  } catch {
    return false; // it has gone
  }
}
