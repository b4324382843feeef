import type { Fact, JsonValue } from "../wire/fact.ts";

/** Something whose state the journal keeps, so that it is there again after a restart [S-9]. */
export interface Notable {
  readonly factKey: string;
  /** What is to be known of it; `null` when it is over. */
  fact(): JsonValue | null;
}

/** Collects what changed in one event, for the journal. */
export class Notebook {
  readonly #changed: Set<Notable> = new Set();
  readonly #isKept: boolean;

  /** @param isKept whether there is a journal at all */
  constructor(isKept: boolean) {
    this.#isKept = isKept;
  }

  note(what: Notable): void {
    if (this.#isKept) this.#changed.add(what);
  }

  /** The facts of everything that was noted, as it is now. */
  take(): Fact[] {
    if (this.#changed.size === 0) return [];
    const facts = [...this.#changed].map((what) => ({ key: what.factKey, value: what.fact() }));
    this.#changed.clear();
    return facts;
  }
}

/** Drops what is not defined, as JSON has no word for it. */
export function json(value: Record<string, JsonValue | undefined>): JsonValue {
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
  );
}
