import { FirstBlock } from "../../satellite/wire/first-block.ts";
import type { Kind } from "../../satellite/wire/messages.ts";
import type { Input } from "./input.ts";

export interface Beginning {
  /** What was read; empty at the end of the input. */
  readonly bytes: Uint8Array;
  readonly kind: Kind;
  /** The read that still waits: to be awaited before the next one. */
  readonly pending: Promise<Uint8Array | null> | null;
}

/** Reads what decides the kind of a stream, and no more. */
export async function readFirstBlock(input: Input): Promise<Beginning> {
  const block = new FirstBlock();
  const first = await input.read();
  if (first !== null) block.push(first, performance.now());
  const isEnough = first === null || block.isEnough;
  const { pending } = isEnough ? { pending: null } : await readMore(input, block);
  return { bytes: block.bytes, kind: block.kind, pending };
}

async function readMore(input: Input, block: FirstBlock): Promise<Pick<Beginning, "pending">> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    const moreMs = (block.deadlineMs ?? 0) - performance.now();
    timer = setTimeout(() => resolve("late"), Math.max(0, Math.ceil(moreMs)));
  });
  try {
    while (!block.isEnough) {
      const pending = input.read();
      const more = await Promise.race([pending, late]);
      if (more === "late") {
        pending.catch(() => undefined); // told to whoever awaits it later
        return { pending };
      }
      if (more === null) break;
      block.push(more, performance.now());
    }
    return { pending: null };
  } finally {
    clearTimeout(timer);
  }
}
