/** What a process has in its memory, as a core would have it. */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";

const BLOCK_BYTES = 16 * 1024 * 1024;

/** How often these bytes stand in the memory that the process can write to. It should be stopped meanwhile. */
export function countInMemory(pid: number, bytes: Uint8Array): number {
  const fd = openSync(`/proc/${pid}/mem`, "r");
  try {
    let count = 0;
    for (const { from, to } of writableRegions(pid)) count += countIn(fd, { from, to }, bytes);
    return count;
  } finally {
    closeSync(fd);
  }
}

function writableRegions(pid: number): { from: number; to: number }[] {
  return readFileSync(`/proc/${pid}/maps`, "latin1")
    .split("\n")
    .map((line) => /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line))
    .filter((match) => match !== null)
    .map(([, from = "", to = ""]) => ({ from: Number.parseInt(from, 16), to: Number.parseInt(to, 16) }));
}

/** Blocks overlap, so that nothing is missed where one ends. */
function countIn(fd: number, { from, to }: { from: number; to: number }, bytes: Uint8Array): number {
  let count = 0;
  const block = Buffer.alloc(BLOCK_BYTES);
  const overlap = bytes.length - 1;
  for (let at = from; at < to; at += BLOCK_BYTES - overlap) {
    let read: number;
    try {
      read = readSync(fd, block, 0, Math.min(BLOCK_BYTES, to - at), at);
    } catch {
      continue; // a region that can't be read, such as a guard page
    }
    for (let found = block.subarray(0, read).indexOf(bytes); found >= 0; ) {
      count++;
      found = block.subarray(0, read).indexOf(bytes, found + 1);
    }
    if (at + read >= to) break;
  }
  return count;
}
