import { looksBinary } from "./kind.ts";
import type { Kind } from "./messages.ts";

const BLOCK_BYTES = 4096;
const MORE_MS = 50;
const NEWLINE = 0x0a;

/**
 * What decides the kind of a stream: its first 4 KiB; up to 50 ms more is waited for when what is there does not end in
 * a newline (DESIGN.md §2.5). Pure: time is an argument.
 */
export class FirstBlock {
  readonly #parts: Uint8Array[] = [];
  #lengthBytes = 0;
  #deadlineMs: number | null = null;

  /** When it is enough even if nothing more comes; `null`: nothing has come. */
  get deadlineMs(): number | null {
    return this.#deadlineMs;
  }

  get isEnough(): boolean {
    return this.#lengthBytes >= BLOCK_BYTES || this.#parts.at(-1)?.at(-1) === NEWLINE;
  }

  /** All that has come, without a copy where it came at once. */
  get bytes(): Uint8Array {
    const [first] = this.#parts;
    if (this.#parts.length === 1 && first !== undefined) return first;
    const all = new Uint8Array(this.#lengthBytes);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  get kind(): Kind {
    return looksBinary(this.bytes.subarray(0, BLOCK_BYTES)) ? "binary" : "text";
  }

  /** Takes what was read; it is kept as it is. */
  push(bytes: Uint8Array, nowMs: number): void {
    if (bytes.length === 0) return;
    this.#parts.push(bytes);
    this.#lengthBytes += bytes.length;
    this.#deadlineMs ??= nowMs + MORE_MS;
  }
}
