import { type Cut, LineCutter } from "../wire/cutter.ts";
import { FirstBlock } from "../wire/first-block.ts";
import { Flag } from "../wire/frame.ts";
import { limits } from "../wire/limits.ts";
import type { Kind } from "../wire/messages.ts";

/** Cuts a body into chunks: finds out which kind it is, unless that is known, and where a reader may switch [H-7]. Pure. */
export class BodyCutter {
  readonly #lines = new LineCutter();
  #kind: Kind | null;
  #first: FirstBlock | null;

  constructor(kind: Kind | null) {
    this.#kind = kind;
    this.#first = kind === null ? new FirstBlock() : null;
  }

  /** When `tick` has something to send if nothing more comes; `null`: never. */
  get deadlineMs(): number | null {
    return this.#first === null ? this.#lines.deadlineMs : this.#first.deadlineMs;
  }

  /** Flags of an end that is a chunk of its own. */
  get endFlags(): number {
    return Flag.final | (this.#kind === "binary" ? Flag.binary : 0);
  }

  /** Takes what has come; its buffer is not touched any more. */
  push(bytes: Uint8Array, nowMs: number): Cut[] {
    if (this.#first === null) return this.#cut(bytes, nowMs);
    this.#first.push(bytes, nowMs);
    return this.#first.isEnough ? this.#decide(this.#first, nowMs) : [];
  }

  tick(nowMs: number): Cut[] {
    const { deadlineMs } = this;
    if (deadlineMs === null || nowMs < deadlineMs) return [];
    return this.#first === null ? this.#lines.tick(nowMs) : this.#decide(this.#first, nowMs);
  }

  /** There is no more. */
  end(nowMs: number): Cut[] {
    const decided = this.#first === null ? [] : this.#decide(this.#first, nowMs);
    return [...decided, ...this.#lines.end()];
  }

  #decide(first: FirstBlock, nowMs: number): Cut[] {
    this.#kind = first.kind;
    this.#first = null;
    return this.#cut(first.bytes, nowMs);
  }

  #cut(bytes: Uint8Array, nowMs: number): Cut[] {
    if (this.#kind !== "binary") return this.#lines.push(bytes, nowMs);
    const cuts: Cut[] = [];
    for (let at = 0; at < bytes.length; at += limits.chunkBytesMax) {
      cuts.push({ payload: bytes.subarray(at, at + limits.chunkBytesMax), flags: Flag.binary });
    }
    return cuts;
  }
}
