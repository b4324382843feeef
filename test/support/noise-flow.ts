/** More noise than should be in memory at once: `noise` of bytes.ts, block by block. */
import { createCipheriv, createHash } from "node:crypto";
import { MiB } from "./bytes.ts";
import type { Proc } from "./proc.ts";

/** One after the other they are what `noise(bytes, seed)` gives. */
export function* noiseBlocks(bytes: number, seed: number): Generator<Buffer> {
  const key = createHash("sha256").update(`noise ${seed}`).digest().subarray(0, 16);
  const cipher = createCipheriv("aes-128-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(MiB);
  for (let left = bytes; left > 0; left -= MiB) yield cipher.update(zeros.subarray(0, Math.min(left, MiB)));
}

/** Writes noise to the stdin of a process and closes it. Resolves with its SHA-256. */
export async function feedNoise(proc: Proc, bytes: number, seed: number): Promise<string> {
  const hash = createHash("sha256");
  for (const block of noiseBlocks(bytes, seed)) {
    hash.update(block);
    await proc.write(block);
  }
  proc.end();
  return hash.digest("hex");
}
