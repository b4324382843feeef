/** A machine is changed by one computer at a time: by who has its lease. */
import { WireError } from "../../satellite/wire/errors.ts";
import { isFailure } from "./failure.ts";
import type { Found } from "./find.ts";
import type { Lease } from "./shapes.ts";
import { reason, type Site } from "./site.ts";

const LEASE_S = 60;
const NONCE = "fly-machine-lease-nonce";

/** What shows that the lease is ours. */
export type LeaseHeaders = Readonly<Record<string, string>>;

export function machinePath({ app, machine }: Found): string {
  return `/apps/${app}/machines/${machine.id}`;
}

/**
 * @param path the machine's
 * @throws WireError `limit` while another computer has it
 */
export async function withLease<Result>(
  site: Site,
  path: string,
  act: (headers: LeaseHeaders) => Promise<Result>,
): Promise<Result> {
  const headers = { [NONCE]: await acquire(site, path) };
  try {
    return await act(headers);
  } finally {
    // It ends by itself too, so a failure to give it back is nobody's trouble.
    await site.api.delete(`${path}/lease`, { headers }).catch(() => undefined);
  }
}

async function acquire(site: Site, path: string): Promise<string> {
  try {
    const body = { description: "skypipe changes it", ttl: LEASE_S };
    const lease = (await site.api.post(`${path}/lease`, { body })) as Lease | null;
    return lease?.data?.nonce ?? "";
  } catch (error) {
    if (!isFailure(error, 409)) throw reason(site, "take the machine's lease", error);
    throw new WireError(
      "limit",
      "another computer is changing the satellite at this moment: wait a minute and run the same command again",
      { cause: error },
    );
  }
}
