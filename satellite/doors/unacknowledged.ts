/**
 * Which streams have bytes on their way that were not acknowledged, in one direction of one connection. It decides
 * how often the other side is asked for a sign of life [T-5], nothing else.
 */
export class Unacknowledged {
  readonly #streams: Map<number, Progress> = new Map();

  /** The attachment `ref` has begun to move `stream`. */
  begin(ref: number, stream: number): void {
    this.#streams.set(stream, { ref, end: 0, acked: 0 });
  }

  moved(stream: number, end: number): void {
    const progress = this.#streams.get(stream);
    if (progress !== undefined) progress.end = Math.max(progress.end, end);
  }

  acked(stream: number, offset: number, end: boolean | undefined): void {
    const progress = this.#streams.get(stream);
    if (progress !== undefined) progress.acked = Math.max(progress.acked, offset);
    if (end === true) this.#streams.delete(stream);
  }

  /** Nothing more is to be acknowledged for the attachment `ref`. */
  over(ref: number): void {
    for (const [stream, progress] of this.#streams) if (progress.ref === ref) this.#streams.delete(stream);
  }

  isEmpty(): boolean {
    for (const progress of this.#streams.values()) if (progress.end > progress.acked) return false;
    return true;
  }
}

interface Progress {
  readonly ref: number;
  end: number;
  acked: number;
}
