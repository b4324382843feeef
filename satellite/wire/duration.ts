import { WireError } from "./errors.ts";

const unitsMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500ms 30s 10m 2h 7d` in milliseconds. Throws WireError `usage`. */
export function parseDuration(text: string): number {
  const [, digits = "", unit = ""] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Number(digits) * (unitsMs[unit] ?? Number.NaN);
  if (digits !== "" && Number.isSafeInteger(ms)) return ms;
  throw new WireError(
    "usage",
    `'${text}' is not a duration: a whole number and one of ms, s, m, h, d, for example 30s`,
  );
}

/** As `parseDuration` takes it: `300ms`, `90s`, `2h`. */
export function formatDuration(ms: number): string {
  const units = Object.entries(unitsMs).toReversed();
  const [unit, unitMs] = units.find(([, each]) => ms >= each && ms % each === 0) ?? ["ms", 1];
  return `${ms / unitMs}${unit}`;
}
