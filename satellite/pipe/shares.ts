/** The shares that are good: who holds the token of another one holds nothing. */
import type { JsonValue } from "../wire/fact.ts";
import type { ShareRow } from "../wire/messages.ts";
import type { Right, Terms } from "../wire/rights.ts";
import type { Context } from "./context.ts";
import { json, type Notable } from "./notebook.ts";

/** As `fact()` writes it. */
export interface ShareFact {
  readonly pipe: string;
  readonly right: Right;
  readonly createdMs: number;
  readonly expiresMs?: number;
  readonly once?: boolean;
  readonly usedBy?: string;
}

export class Share implements Notable {
  readonly terms: Terms;
  /** The session that has used a `once` share up. */
  usedBy: string | null;
  isOver = false;

  constructor(terms: Terms, usedBy: string | null = null) {
    this.terms = terms;
    this.usedBy = usedBy;
  }

  static restore(share: string, { pipe, right, createdMs, expiresMs, once, usedBy }: ShareFact): Share {
    const terms = { share, pipe, right, createdMs, expiresMs: expiresMs ?? null, once: once ?? false };
    return new Share(terms, usedBy ?? null);
  }

  get factKey(): string {
    return `share/${this.terms.share}`;
  }

  fact(): JsonValue | null {
    if (this.isOver) return null;
    const { pipe, right, createdMs, expiresMs, once } = this.terms;
    return json({
      pipe,
      right,
      createdMs,
      expiresMs: expiresMs ?? undefined,
      once: once || undefined,
      usedBy: this.usedBy ?? undefined,
    });
  }

  row(): ShareRow {
    const { share: id, pipe, right, createdMs, expiresMs, once } = this.terms;
    return {
      id,
      pipe,
      right,
      createdMs,
      ...(expiresMs !== null && { expiresMs }),
      ...(once && { once }),
      ...(this.usedBy !== null && { used: true }),
    };
  }
}

export class Shares {
  readonly #byId: Map<string, Share> = new Map();
  /** When the next look for what has expired is due; infinite while none is. */
  #lookMs: number = Number.POSITIVE_INFINITY;
  readonly #ended: (share: Share) => void;

  /** @param ended is told of each share that has expired, after it was forgotten */
  constructor(ended: (share: Share) => void) {
    this.#ended = ended;
  }

  get count(): number {
    return this.#byId.size;
  }

  find(id: string): Share | undefined {
    return this.#byId.get(id);
  }

  all(): Iterable<Share> {
    return this.#byId.values();
  }

  add(ctx: Context, share: Share): void {
    this.#byId.set(share.terms.share, share);
    ctx.notebook.note(share);
    this.#lookAt(ctx, share.terms.expiresMs ?? Number.POSITIVE_INFINITY);
  }

  /** Forgets it: from now on its token is wrong. */
  end(ctx: Context, share: Share): void {
    this.#byId.delete(share.terms.share);
    share.isOver = true;
    ctx.notebook.note(share);
  }

  /** One deadline for all of them, so that those which are made and revoked leave none behind. */
  #lookAt(ctx: Context, dueMs: number): void {
    if (dueMs >= this.#lookMs) return;
    this.#lookMs = dueMs;
    ctx.deadlines.at(dueMs, () => this.#look(ctx, dueMs));
  }

  #look(ctx: Context, dueMs: number): void {
    if (dueMs !== this.#lookMs) return; // an earlier one has come in between
    this.#lookMs = Number.POSITIVE_INFINITY;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const share of this.#byId.values()) {
      const { expiresMs } = share.terms;
      if (expiresMs === null) continue;
      if (expiresMs > ctx.nowMs) nextMs = Math.min(nextMs, expiresMs);
      else {
        this.end(ctx, share);
        this.#ended(share);
      }
    }
    this.#lookAt(ctx, nextMs);
  }
}
