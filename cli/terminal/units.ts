/** Sizes as a person types them, and bytes and spans as a person reads them. */
import { WireError } from "../../satellite/wire/errors.ts";

const sizeUnits: Record<string, number> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** `4096 64K 256M 1G` in bytes; the units are powers of 1,024. */
export function parseSize(text: string): number {
  const [, digits = "", unit = ""] = /^(\d+)([KMGT]?)$/i.exec(text) ?? [];
  const bytes = Number(digits) * (sizeUnits[unit.toUpperCase()] ?? Number.NaN);
  if (digits !== "" && Number.isSafeInteger(bytes)) return bytes;
  throw new WireError(
    "usage",
    `'${text}' is not a size: a whole number of bytes, or one and K, M, G or T (powers of 1,024), for example 64K`,
  );
}

/** Bytes per second, at least 1. */
export function parseRate(text: string): number {
  const bytes = parseSize(text);
  if (bytes > 0) return bytes;
  throw new WireError("usage", "a rate is at least 1 byte per second, for example --limit 512K");
}

/** `512 B`, `3.4 MiB`. */
export function formatBytes(bytes: number): string {
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1023.95 && unit < names.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${names[unit] ?? ""}`;
}

/** `0:07`, `12:34`, `3:02:01`. */
export function formatSpan(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = String(whole % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** `3s`, `12m`, `5h`, `2d`: how long ago, in one unit. */
export function formatAge(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
