/** What shall go wrong: each fault waits for its request. */
import { Refusal } from "./refusal.ts";

export interface Fault {
  /** Against `METHOD /path`, the path without `/v1`. */
  readonly on: RegExp;
  /** How many requests it meets. Default 1. */
  readonly times?: number;
  /** How many it lets pass before. */
  readonly after?: number;
  /**
   * `lose-request`: it never arrives. `lose-answer`: it is carried out, and nobody hears of it. An answer: it is given
   * instead. A function is called, and the request goes on.
   */
  /** Called before an answer is lost. */
  readonly onLoss?: () => void;
  readonly effect: "lose-request" | "lose-answer" | Answer | (() => void | Promise<void>);
}

interface Answer {
  readonly status: number;
  /** A string is no JSON. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Faults {
  #waiting: { fault: Fault; passed: number; met: number }[] = [];

  add(...faults: readonly Fault[]): void {
    this.#waiting.push(...faults.map((fault) => ({ fault, passed: 0, met: 0 })));
  }

  clear(): void {
    this.#waiting = [];
  }

  /** Those that have not met all their requests: a test that injects a fault wants it to happen. */
  get unmet(): string[] {
    return this.#waiting
      .filter(({ fault, met }) => Number.isFinite(fault.times ?? 1) && met < (fault.times ?? 1))
      .map(({ fault }) => String(fault.on));
  }

  /** What is done as the answer is lost; `null`: it is not. Throws Refusal, or `LostRequest`. */
  async meet(request: string): Promise<(() => void) | null> {
    for (const waiting of this.#waiting) {
      const { on, times = 1, after = 0, effect } = waiting.fault;
      if (!on.test(request) || waiting.met >= times) continue;
      if (waiting.passed++ < after) continue;
      waiting.met++;
      if (effect === "lose-answer") return waiting.fault.onLoss ?? (() => undefined);
      if (effect === "lose-request") throw new LostRequest();
      if (typeof effect === "function") await effect();
      else throw new Refusal(effect.status, effect.body === null ? null : rawOf(effect.body), effect.headers);
    }
    return null;
  }
}

export class LostRequest extends Error {}

/** Text that is sent as it is. */
export class Raw {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function rawOf(body: unknown): unknown {
  return typeof body === "string" ? new Raw(body) : body;
}
