import { looksBinary } from "../client/kind.ts";
import type { Input } from "./input.ts";

const BLOCK_BYTES = 4096;
const MORE_MS = 50;
const NEWLINE = 0x0a;

export interface FirstBlock {
  /** What was read; empty at the end of the input. */
  readonly bytes: Uint8Array;
  readonly isBinary: boolean;
  /** The read that still waits: to be awaited before the next one. */
  readonly pending: Promise<Uint8Array | null> | null;
}

/**
 * Reads what decides the kind of a stream: the first block, up to 4 KiB; up to 50 ms more is waited for when it does
 * not end in a newline (DESIGN.md §2.5).
 */
export async function readFirstBlock(input: Input): Promise<FirstBlock> {
  const first = await input.read();
  if (first === null) return { bytes: new Uint8Array(0), isBinary: false, pending: null };
  const parts = [first];
  const { pending } = isEnough(parts) ? { pending: null } : await readMore(input, parts);
  const bytes = parts.length === 1 ? first : Buffer.concat(parts);
  return { bytes, isBinary: looksBinary(bytes.subarray(0, BLOCK_BYTES)), pending };
}

async function readMore(input: Input, parts: Uint8Array[]): Promise<Pick<FirstBlock, "pending">> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), MORE_MS);
  });
  try {
    while (!isEnough(parts)) {
      const pending = input.read();
      const block = await Promise.race([pending, late]);
      if (block === "late") {
        pending.catch(() => undefined); // told to whoever awaits it later
        return { pending };
      }
      if (block === null) break;
      parts.push(block);
    }
    return { pending: null };
  } finally {
    clearTimeout(timer);
  }
}

function isEnough(parts: readonly Uint8Array[]): boolean {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  return bytes >= BLOCK_BYTES || parts.at(-1)?.at(-1) === NEWLINE;
}
