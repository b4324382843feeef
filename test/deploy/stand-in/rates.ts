/** The vendor's limits: so many requests a second for each action and machine or app, with a burst. */
import { Refusal } from "./refusal.ts";

interface Bucket {
  tokens: number;
  atMs: number;
}

export class Rates {
  readonly #buckets = new Map<string, Bucket>();

  /** Throws Refusal 429 with `Retry-After`. */
  take(method: string, path: string, nowMs: number): void {
    const isGetMachine = method === "GET" && /\/machines\/[^/]+$/.test(path);
    const [perSecond, burst] = isGetMachine ? [5, 10] : [1, 3];
    const key = `${method} ${path}`;
    const bucket = this.#buckets.get(key) ?? { tokens: burst, atMs: nowMs };
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond);
    bucket.atMs = nowMs;
    this.#buckets.set(key, bucket);
    if (bucket.tokens < 1) throw new Refusal(429, "rate limit exceeded", { "retry-after": "1" });
    bucket.tokens -= 1;
  }
}
