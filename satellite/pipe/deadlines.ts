/** A moment at which something is due. */
export interface Deadline {
  readonly atMs: number;
  cancelled: boolean;
  readonly run: () => void;
}

/** Deadlines in a binary heap, earliest first. Cancelled ones are dropped when they come up. */
export class Deadlines {
  readonly #heap: Deadline[] = [];

  /** Arms `run` for `atMs`. */
  at(atMs: number, run: () => void): Deadline {
    const deadline = { atMs, cancelled: false, run };
    this.#heap.push(deadline);
    this.#up(this.#heap.length - 1);
    return deadline;
  }

  /** When the next one is due, in milliseconds; `null` if there is none. */
  nextMs(): number | null {
    while (this.#heap[0]?.cancelled) this.#pop();
    return this.#heap[0]?.atMs ?? null;
  }

  /** Runs what is due at `nowMs`, up to `most` of it: the rest is due as before. */
  run(nowMs: number, most: number): void {
    for (let left = most; left > 0; left--) {
      const next = this.nextMs();
      if (next === null || next > nowMs) return;
      this.#pop()?.run();
    }
  }

  #pop(): Deadline | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down(0);
    }
    return first;
  }

  #up(index: number): void {
    for (let child = index; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfLater(parent, child)) return;
      child = parent;
    }
  }

  #down(index: number): void {
    for (let parent = index; ; ) {
      const left = 2 * parent + 1;
      const right = left + 1;
      const child = this.#isLater(left, right) ? right : left;
      if (!this.#swapIfLater(parent, child)) return;
      parent = child;
    }
  }

  #isLater(a: number, b: number): boolean {
    const first = this.#heap[a];
    const second = this.#heap[b];
    return first !== undefined && second !== undefined && first.atMs > second.atMs;
  }

  #swapIfLater(parent: number, child: number): boolean {
    if (!this.#isLater(parent, child)) return false;
    const moved = this.#heap[parent] as Deadline;
    this.#heap[parent] = this.#heap[child] as Deadline;
    this.#heap[child] = moved;
    return true;
  }
}
