import { type Chunk, Flag, hasFlag } from "../wire/frame.ts";

const CLASS_FINAL = -1;
const CLASS_CHUNK = 0;
const CLASS_BOUNDARY = 1;
const CLASS_LINE = 2;

/**
 * The ends of the chunks that were sent to a reader and not acknowledged, and from where another reader could go on
 * after what was acknowledged (PROTOCOL.md §8, takeover).
 */
export class Marks {
  #ends: number[] = [];
  #classes: number[] = [];
  #head = 0;
  #line: number;
  #boundary: number;
  #chunk: number;
  #ackedClass: number = CLASS_LINE;

  /** @param start where the reader began, in bytes: a line start */
  constructor(start: number) {
    this.#line = start;
    this.#boundary = start;
    this.#chunk = start;
  }

  /** Notes a chunk that was sent. */
  sent(chunk: Chunk): void {
    this.#ends.push(chunk.end);
    this.#classes.push(classOf(chunk));
  }

  /** Notes that everything up to `end` was sent, in chunks that are not known. */
  sentUpTo(end: number, midLine: boolean): void {
    this.#ends.push(end);
    this.#classes.push(midLine ? CLASS_CHUNK : CLASS_LINE);
  }

  /** Takes an ack up to `offset`; returns the end of the last whole chunk before it, or `null` if there is none new. */
  ack(offset: number): number | null {
    let acked: number | null = null;
    for (let end = this.#ends[this.#head]; end !== undefined && end <= offset; end = this.#ends[this.#head]) {
      this.#pass(end, this.#classes[this.#head] as number);
      this.#head++;
      acked = end;
    }
    if (this.#head > 64 && this.#head * 2 > this.#ends.length) {
      this.#ends = this.#ends.slice(this.#head);
      this.#classes = this.#classes.slice(this.#head);
      this.#head = 0;
    }
    return acked;
  }

  /** Forgets what was sent after `offset`, which must be the end of a chunk that was sent, or `acked`. Returns whether it is. */
  rewind(offset: number, acked: number): boolean {
    let length = this.#ends.length;
    while (length > this.#head && (this.#ends[length - 1] as number) > offset) length--;
    const last = length > this.#head ? (this.#ends[length - 1] as number) : acked;
    if (last !== offset) return false;
    this.#ends.length = length;
    this.#classes.length = length;
    return true;
  }

  /** Whether the last chunk that was sent ended in mid-line. */
  get standsInMidLine(): boolean {
    const last = this.#ends.length > this.#head ? this.#classes[this.#classes.length - 1] : this.#ackedClass;
    return last === CLASS_CHUNK;
  }

  /** Where another reader goes on: the last line start, switching place or chunk start that is at most `reachBytes` back. */
  restart(acked: number, reachBytes: number): number {
    if (acked - this.#line <= reachBytes) return this.#line;
    if (acked - this.#boundary <= reachBytes) return this.#boundary;
    return this.#chunk;
  }

  #pass(end: number, kind: number): void {
    this.#ackedClass = kind;
    if (kind === CLASS_FINAL) return;
    this.#chunk = end;
    if (kind >= CLASS_BOUNDARY) this.#boundary = end;
    if (kind === CLASS_LINE) this.#line = end;
  }
}

/** A final chunk is no place to go on from: without it the next reader would not learn of the end. */
function classOf(chunk: Chunk): number {
  if (hasFlag(chunk, Flag.final)) return CLASS_FINAL;
  if (hasFlag(chunk, Flag.line)) return CLASS_LINE;
  return hasFlag(chunk, Flag.boundary) ? CLASS_BOUNDARY : CLASS_CHUNK;
}
