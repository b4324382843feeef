interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly act: () => void;
}

/** Virtual time: it stands still, and jumps to whatever is planned next. */
export class Clock {
  nowMs = 1_000_000;
  steps = 0;
  readonly #heap: Planned[] = [];
  #order = 0;

  at(atMs: number, act: () => void): void {
    const heap = this.#heap;
    heap.push({ atMs: Math.max(atMs, this.nowMs), order: ++this.#order, act });
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#swap(parent, child)) return;
      child = parent;
    }
  }

  after(ms: number, act: () => void): void {
    this.at(this.nowMs + ms, act);
  }

  /** Runs what is next; `false`: nothing is, up to `untilMs`. */
  step(untilMs: number): boolean {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atMs > untilMs) return false;
    const last = heap.pop() as Planned;
    if (heap.length > 0) {
      heap[0] = last;
      for (let parent = 0; ; ) {
        const left = 2 * parent + 1;
        const right = left + 1;
        const child = this.#isLater(left, right) ? right : left;
        if (!this.#swap(parent, child)) break;
        parent = child;
      }
    }
    this.nowMs = first.atMs;
    this.steps++;
    first.act();
    return true;
  }

  #isLater(a: number, b: number): boolean {
    const first = this.#heap[a];
    const second = this.#heap[b];
    if (first === undefined || second === undefined) return false;
    return first.atMs > second.atMs || (first.atMs === second.atMs && first.order > second.order);
  }

  #swap(parent: number, child: number): boolean {
    if (!this.#isLater(parent, child)) return false;
    const heap = this.#heap;
    const moved = heap[parent] as Planned;
    heap[parent] = heap[child] as Planned;
    heap[child] = moved;
    return true;
  }
}
