/** Shares and links in words. */
import type { Right } from "../../../satellite/wire/rights.ts";
import type { Joined } from "./joined.ts";
import { rightCalled } from "./links.ts";
import { pipeCalled } from "./pipe-name.ts";

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

/** `read pipe 'logs' at sat.example.com, until it is revoked` */
export function linkCalled({ name, link: { url, claims } }: Joined): string {
  const there = claims.pipe === name ? "" : ` (there: ${pipeCalled(claims.pipe)})`;
  const uses = claims.once ? ", once" : "";
  return `${rightCalled(claims)} ${pipeCalled(name)}${there} at ${new URL(url).host}${uses}, ${endCalled(claims.expiresMs)}`;
}

/** For `--json`. Nothing of it is a secret. */
export function linkFacts({ name, link: { url, claims } }: Joined): object {
  const { share, pipe, right, once, expiresMs } = claims;
  return { name, pipe, right, once, expiresAt: instant(expiresMs), id: share, satellite: url };
}
