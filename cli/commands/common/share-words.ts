/** Shares and links in words. */
import type { Right } from "../../../satellite/wire/rights.ts";

/** What `--read` and `--write` say; `null`: neither was given. */
export function rightOf({ read = false, write = false }: { read?: boolean; write?: boolean }): Right | null {
  if (read && write) return "both";
  if (read) return "read";
  return write ? "write" : null;
}

/** For `--json`: ISO 8601, or `null`. */
export function instant(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** `2026-08-01 12:00 UTC` */
export function dateCalled(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** `until 2026-08-01 12:00 UTC`, `until it is revoked` */
export function endCalled(expiresMs: number | null): string {
  return expiresMs === null ? "until it is revoked" : `until ${dateCalled(expiresMs)}`;
}
