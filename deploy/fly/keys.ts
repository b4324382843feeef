/** Keeps the keys of sealing in the machine's metadata: the account's owner reads it, the machine's programs do not. */
import { WireError } from "../../satellite/wire/errors.ts";
import { backOffMs } from "./clock.ts";
import { configOf, type Found } from "./find.ts";
import { type LeaseHeaders, machinePath, withLease } from "./lease.ts";
import { METADATA } from "./names.ts";
import type { Machine } from "./shapes.ts";
import { type Site, trying } from "./site.ts";

const ATTEMPTS_MAX = 8;
const RETRY_BASE_MS = 500;
const RETRY_MAX_MS = 5_000;

/** `null`: none are kept, or the host can't be asked. */
export function keysOf(machine: Machine): string | null {
  return configOf(machine).metadata?.[METADATA.keys] || null;
}

/** What is kept then: `keys`, if it was `before` until now. Another computer that is at it is waited for. */
export async function keepKeys(
  site: Site,
  found: Found,
  keys: string,
  before: string | null,
): Promise<string> {
  const path = machinePath(found);
  for (const key of keys.split("\n")) site.api.redactor.add(key);
  for (let attempt = 0; ; attempt++) {
    try {
      return await withLease(site, path, (headers) =>
        trying(site, "keep the key with the machine", () => exchange(site, path, headers, { keys, before })),
      );
    } catch (error) {
      const isBusy = error instanceof WireError && error.code === "limit";
      if (!isBusy || attempt + 1 >= ATTEMPTS_MAX) throw error;
      await site.api.clock.sleep(backOffMs(site.api.clock, attempt, RETRY_BASE_MS, RETRY_MAX_MS));
    }
  }
}

async function exchange(
  { api }: Site,
  path: string,
  headers: LeaseHeaders,
  { keys, before }: { keys: string; before: string | null },
): Promise<string> {
  const now = keysOf((await api.get(path)) as Machine);
  if (now !== null && now !== before) return now;
  await api.post(`${path}/metadata/${METADATA.keys}`, { body: { value: keys }, headers });
  return keys;
}
