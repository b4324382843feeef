import { WireError } from "../wire/errors.ts";
import { isPipeName, NAME_RULE } from "../wire/name.ts";

/** Throws WireError `usage` for what cannot name a pipe [C-4]. */
export function checkName(name: string): void {
  if (!isPipeName(name)) throw new WireError("usage", NAME_RULE);
}

/** Throws WireError `limit` when `count` has reached `max` [K-1]. */
export function checkLimit(count: number, max: number, what: string): void {
  if (count >= max) throw new WireError("limit", `there are ${max} ${what} already`);
}
