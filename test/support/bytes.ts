/** Bytes for tests: the same from the same seed, so that a failure can be looked at twice. */
import { createCipheriv, createHash } from "node:crypto";
import { createReadStream, writeFileSync } from "node:fs";

export const KiB = 1024;
export const MiB: number = 1024 * KiB;

/** Pseudo-random bytes: no text, not compressible. */
export function noise(bytes: number, seed: number): Buffer {
  const key = createHash("sha256").update(`noise ${seed}`).digest().subarray(0, 16);
  return createCipheriv("aes-128-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

/** Numbered lines of uneven length, each of which says whose it is and which one. */
export function numberedLines(owner: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const padding = "x".repeat((index * 7_919) % 173);
    return `${owner} ${String(index).padStart(6, "0")} ${padding}\n`;
  });
}

export function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: MiB })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Writes noise to a file and returns its hash. */
export function noiseFile(file: string, bytes: number, seed: number): string {
  const content = noise(bytes, seed);
  writeFileSync(file, content);
  return sha256(content);
}
