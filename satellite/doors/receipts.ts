import { WireError } from "../wire/errors.ts";
import type { Limits } from "../wire/limits.ts";

/** What came of a write that succeeded. */
export interface Written {
  readonly stream: number;
  readonly bytes: number;
}

type ReceiptLimits = Pick<Limits, "idempotencyKeysMax" | "idempotencyMs">;

interface Receipt {
  readonly outcome: Promise<Written>;
  /** When it succeeded, by `performance.now`; `null` while it is under way. */
  doneMs: number | null;
}

/** Writes by their `Idempotency-Key`, those under way and those that succeeded [H-10]. */
export class Receipts {
  readonly #limits: ReceiptLimits;
  readonly #now: () => number;
  /** Those that succeeded stand in the order in which they did, among those under way. */
  readonly #receipts: Map<string, Receipt> = new Map();

  /** @param now milliseconds; never goes back */
  constructor(limits: ReceiptLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** What came of the write to `pipe` with this key: of one before that succeeded, else of `write`. Throws WireError. */
  async once(pipe: string, key: string, write: () => Promise<Written>): Promise<Written> {
    const id = JSON.stringify([pipe, key]);
    for (;;) {
      this.#forgetOld();
      const known = this.#receipts.get(id);
      if (known === undefined) return this.#first(id, write);
      const written = await known.outcome.catch(() => null);
      if (written !== null) return written;
    }
  }

  #first(id: string, write: () => Promise<Written>): Promise<Written> {
    this.#makeRoom();
    const outcome = write().then(
      (written) => {
        this.#receipts.delete(id);
        this.#receipts.set(id, { outcome, doneMs: this.#now() });
        return written;
      },
      (error: unknown) => {
        this.#receipts.delete(id);
        throw error;
      },
    );
    this.#receipts.set(id, { outcome, doneMs: null });
    return outcome;
  }

  #forgetOld(): void {
    const sinceMs = this.#now() - this.#limits.idempotencyMs;
    for (const [id, { doneMs }] of this.#receipts) {
      if (doneMs !== null && doneMs > sinceMs) return;
      if (doneMs !== null) this.#receipts.delete(id);
    }
  }

  #makeRoom(): void {
    if (this.#receipts.size < this.#limits.idempotencyKeysMax) return;
    for (const [id, { doneMs }] of this.#receipts) {
      if (doneMs === null) continue;
      this.#receipts.delete(id);
      return;
    }
    const { idempotencyKeysMax } = this.#limits;
    throw new WireError("limit", `there are ${idempotencyKeysMax} writes with an Idempotency-Key under way`);
  }
}
