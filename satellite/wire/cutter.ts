import { Flag } from "./frame.ts";
import { limits } from "./limits.ts";

/** A piece of the input that is one chunk, and the chunk's flags. */
export interface Cut {
  readonly payload: Uint8Array;
  readonly flags: number;
}

/** Silence after which an unfinished line is sent (DESIGN.md §2.6). */
const SILENT_MS = 100;
const NEWLINE = 0x0a;

/**
 * Cuts text into chunks that end where a reader may switch streams [L-6]: each at the last newline of what is at
 * hand. An unfinished line is held until it is finished, as long as a chunk may be, or silent for SILENT_MS. Pure:
 * time is an argument.
 */
export class LineCutter {
  readonly #chunkBytesMax: number;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #deadlineMs: number | null = null;

  /** @param chunkBytesMax how long a cut may be */
  constructor(chunkBytesMax: number = limits.chunkBytesMax) {
    this.#chunkBytesMax = chunkBytesMax;
  }

  /** When `tick` has something to send if nothing more comes; `null`: never. */
  get deadlineMs(): number | null {
    return this.#deadlineMs;
  }

  /** Takes what was read. The cuts may refer to `bytes`; what is held is copied. */
  push(bytes: Uint8Array, nowMs: number): Cut[] {
    const cuts: Cut[] = [];
    for (let at = 0; at < bytes.length; ) {
      const room = this.#chunkBytesMax - this.#heldBytes;
      const piece = bytes.subarray(at, at + room);
      const lineEnd = piece.lastIndexOf(NEWLINE) + 1;
      if (lineEnd > 0) {
        cuts.push(this.#cut(piece.subarray(0, lineEnd), Flag.boundary | Flag.line));
        at += lineEnd;
      } else if (piece.length === room) {
        cuts.push(this.#cut(piece, Flag.boundary));
        at += room;
      } else {
        this.#held.push(piece.slice());
        this.#heldBytes += piece.length;
        at += piece.length;
      }
    }
    if (bytes.length > 0) this.#deadlineMs = this.#heldBytes > 0 ? nowMs + SILENT_MS : null;
    return cuts;
  }

  /** What is held, if the input has been silent for long enough. */
  tick(nowMs: number): Cut[] {
    return this.#deadlineMs !== null && nowMs >= this.#deadlineMs ? this.end() : [];
  }

  /** What is held: there is no more. */
  end(): Cut[] {
    this.#deadlineMs = null;
    return this.#heldBytes > 0 ? [this.#cut(new Uint8Array(0), Flag.boundary)] : [];
  }

  #cut(rest: Uint8Array, flags: number): Cut {
    if (this.#heldBytes === 0) return { payload: rest, flags };
    const payload = new Uint8Array(this.#heldBytes + rest.length);
    let at = 0;
    for (const part of [...this.#held, rest]) {
      payload.set(part, at);
      at += part.length;
    }
    this.#held = [];
    this.#heldBytes = 0;
    return { payload, flags };
  }
}
