/** Puts another satellite onto a machine: under a lease, from the configuration that is there, its disk untouched. */
import { WireError } from "../../satellite/wire/errors.ts";
import type { Bundle } from "../bundle.ts";
import { backOffMs } from "./clock.ts";
import { isFailure, isFull } from "./failure.ts";
import type { Found } from "./find.ts";
import { type LeaseHeaders, machinePath, withLease } from "./lease.ts";
import { deployedOf, newToken, upgradedConfig } from "./machine-config.ts";
import { METADATA } from "./names.ts";
import type { Machine } from "./shapes.ts";
import { type Site, trying } from "./site.ts";

const ATTEMPTS_MAX = 5;
const RETRY_BASE_MS = 1_000;
const RETRY_MAX_MS = 10_000;

/** The machine as it is then; it is starting again. */
export async function putBundle(site: Site, { app, machine }: Found, bundle: Bundle): Promise<Machine> {
  const path = machinePath({ app, machine });
  return withLease(site, path, (headers) =>
    trying(site, "put another satellite onto the machine", () => update(site, path, headers, bundle)),
  );
}

async function update(site: Site, path: string, headers: LeaseHeaders, bundle: Bundle): Promise<Machine> {
  for (let attempt = 0; ; attempt++) {
    const now = (await site.api.get(path)) as Machine;
    if (now.config === undefined || now.config === null) throw hostIsAway(now);
    // An answer that was lost: it is done.
    if (attempt > 0 && now.config.metadata?.[METADATA.sha256] === bundle.sha256) return now;
    const token = deployedOf(now).token || newToken();
    const config = upgradedConfig(now.config, bundle, token);
    for (const file of config.files ?? []) site.api.redactor.add(file.raw_value);
    site.api.redactor.add(token);
    try {
      const body = { config, ...(now.instance_id === undefined ? {} : { current_version: now.instance_id }) };
      return (await site.api.post(path, { body, headers })) as Machine;
    } catch (error) {
      const mayPass =
        isFailure(error) && (error.isUncertain || (isFailure(error, 409, 412) && !isFull(error)));
      if (!mayPass || attempt + 1 >= ATTEMPTS_MAX) throw error;
      await site.api.clock.sleep(backOffMs(site.api.clock, attempt, RETRY_BASE_MS, RETRY_MAX_MS));
    }
  }
}

export function hostIsAway({ id }: Machine): WireError {
  return new WireError(
    "unreachable",
    `the host of the satellite's machine ${id} at Fly can't be reached, so it tells nothing of it: try again later ` +
      "(https://status.flyio.net shows what Fly knows)",
  );
}
