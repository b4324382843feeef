/** `dd` as the peer of what is durable: it writes, and syncs, in blocks as large as our commits. */
import { rmSync } from "node:fs";
import type { Bed } from "../support/bed.ts";
import { KiB } from "../support/bytes.ts";

const boundMs = 300_000;

/** Whole blocks of 4 KiB, as a disk has them. */
export function asBlock(bytes: number): number {
  return Math.max(1, Math.round(bytes / (4 * KiB))) * 4 * KiB;
}

/** Seconds for zeros in blocks that are synced one by one. */
export async function ddSeconds(bed: Bed, blockBytes: number, bytes: number): Promise<number> {
  await settle(bed);
  const output = bed.path("dd");
  const count = Math.max(1, Math.floor(bytes / blockBytes));
  const args = [
    "if=/dev/zero",
    `of=${output}`,
    `bs=${blockBytes}`,
    `count=${count}`,
    "oflag=dsync",
    "status=none",
  ];
  const seconds = await secondsOf(async () => bed.spawn("dd", args).exits(0, boundMs));
  rmSync(output);
  return seconds * (bytes / (count * blockBytes));
}

/** What others have removed, or not yet written, shall not be a burden to who comes next. */
export async function settle(bed: Bed): Promise<void> {
  await bed.spawn("sync", ["-f", bed.dir]).exits(0, boundMs);
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1_000;
}
