/**
 * Which streams have bytes on their way that were not acknowledged, in one direction of one connection. It decides
 * how often the other side is asked for a sign of life [T-5], nothing else.
 */
export class Unacknowledged {
  /** Made when it is needed: most connections that wait move nothing, and there are thousands of them. */
  #streams: Map<number, Progress> | null = null;

  /** The attachment `ref` has begun to move `stream`. */
  begin(ref: number, stream: number): void {
    this.#streams ??= new Map();
    this.#streams.set(stream, { ref, end: 0, acked: 0 });
  }

  moved(stream: number, end: number): void {
    const progress = this.#streams?.get(stream);
    if (progress !== undefined) progress.end = Math.max(progress.end, end);
  }

  acked(stream: number, offset: number, end: boolean | undefined): void {
    const progress = this.#streams?.get(stream);
    if (progress !== undefined) progress.acked = Math.max(progress.acked, offset);
    if (end === true) this.#streams?.delete(stream);
  }

  /** Nothing more is to be acknowledged for the attachment `ref`. */
  over(ref: number): void {
    const streams = this.#streams;
    for (const [stream, progress] of streams ?? []) if (progress.ref === ref) streams?.delete(stream);
  }

  isEmpty(): boolean {
    for (const progress of this.#streams?.values() ?? []) if (progress.end > progress.acked) return false;
    return true;
  }
}

interface Progress {
  readonly ref: number;
  end: number;
  acked: number;
}
