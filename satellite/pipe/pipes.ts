import { WireError } from "../wire/errors.ts";
import type { Limits } from "../wire/limits.ts";
import { Pipe } from "./pipe.ts";

/** All pipes, by name. A pipe exists from first use until it is empty and nobody is attached (PROTOCOL.md §1). */
export class Pipes {
  readonly #byName: Map<string, Pipe> = new Map();

  get count(): number {
    return this.#byName.size;
  }

  all(): Iterable<Pipe> {
    return this.#byName.values();
  }

  find(name: string): Pipe | undefined {
    return this.#byName.get(name);
  }

  /** The pipe of that name, made if it is not there. Throws WireError `limit` [K-1]. */
  obtain(limits: Limits, name: string): Pipe {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    if (this.#byName.size >= limits.pipesMax) {
      throw new WireError("limit", `this satellite has ${limits.pipesMax} pipes already`);
    }
    const pipe = new Pipe(name);
    this.#byName.set(name, pipe);
    return pipe;
  }

  /** Forgets those that are empty now. */
  sweep(candidates: Set<Pipe>): void {
    if (candidates.size === 0) return; // clearing an empty set allocates, and this runs for each event
    for (const pipe of candidates) {
      if (pipe.isEmpty && this.#byName.get(pipe.name) === pipe) this.#byName.delete(pipe.name);
    }
    candidates.clear();
  }
}
