/** `skypipe check`: whether the satellite is there, where that is, which version it is, and what it holds. */
import { ownBundle } from "../../deploy/bundle.ts";
import type { PlaceStatus } from "../../deploy/provider.ts";
import type { Status } from "../../satellite/wire/messages.ts";
import { Teller } from "../terminal/teller.ts";
import { formatBytes, formatSpan } from "../terminal/units.ts";
import { linksInstead } from "./common/by-links.ts";
import { checkLinks } from "./common/check-links.ts";
import { openTarget } from "./common/connection.ts";
import { print } from "./common/print.ts";
import { loadProvider } from "./common/providers.ts";
import { type Remembered, recall } from "./common/remembered.ts";
import { knownTarget, noSatellite, type Target } from "./common/target.ts";

/** What `--json` tells. */
interface Facts {
  /** The provider's name, or `address`. */
  readonly where: string;
  /** What `--satellite` calls it; `null` for an address. */
  readonly name: string | null;
  readonly url: string;
  readonly running: true;
  /** Where the provider has it, in its words. */
  readonly place: string | null;
  readonly region: string | null;
  readonly software: string;
  /** SHA-256 of what was deployed, and whether this command would deploy the same; `null`: nobody knows. */
  readonly bundle: string | null;
  readonly isOwnBundle: boolean | null;
  readonly uptimeS: number;
  readonly upSince: string;
  readonly store: string;
  readonly pipes: number;
  readonly streams: number;
  readonly backlogBytes: number;
  readonly maxBytes: number;
  readonly roundTripMs: number;
  /** The names of the others that are remembered. */
  readonly others: readonly string[];
}

export async function check(options: { satellite?: string; json?: boolean }): Promise<number> {
  const links = await linksInstead(options.satellite);
  if (links !== null) return checkLinks(links, options);
  const target = await knownTarget(options.satellite);
  if (target === null) throw noSatellite();
  const satellite = await openTarget(new Teller(options), target);
  try {
    const startMs = performance.now();
    const status = await satellite.inspect();
    const roundTripMs = Math.round((performance.now() - startMs) * 10) / 10;
    const provided = "url" in target ? null : await providedStatus(target);
    const facts = factsOf(target, provided, status, roundTripMs);
    await print(options.json === true ? `${JSON.stringify(facts)}\n` : report(facts));
    return 0;
  } finally {
    await satellite.close();
  }
}

/** What the provider says; nothing where it says nothing now, as the satellite itself has answered. */
async function providedStatus({ provider, credentials }: Remembered): Promise<PlaceStatus | null> {
  return (await loadProvider(provider)).status(credentials).catch(() => null);
}

function factsOf(target: Target, provided: PlaceStatus | null, status: Status, roundTripMs: number): Facts {
  const isAddress = "url" in target;
  const name = isAddress ? null : target.name;
  const bundle = status.bundle ?? provided?.bundle ?? null;
  return {
    where: isAddress ? "address" : target.provider,
    name,
    url: isAddress ? target.url : (provided?.place.url ?? target.place?.url ?? ""),
    running: true,
    place: provided?.where ?? null,
    region: provided?.region ?? null,
    software: status.software,
    bundle,
    isOwnBundle: bundle === null ? null : bundle === ownBundle().sha256,
    uptimeS: status.uptimeS,
    upSince: new Date(Date.now() - status.uptimeS * 1000).toISOString(),
    store: status.store,
    pipes: status.pipes,
    streams: status.streams,
    backlogBytes: status.usedBytes,
    maxBytes: status.maxBytes,
    roundTripMs,
    others: isAddress ? [] : otherNames(name),
  };
}

function otherNames(own: string | null): string[] {
  return recall()
    .satellites.map(({ name }) => name)
    .filter((name) => name !== own);
}

function report(facts: Facts): string {
  const { where, name, url, region, bundle, isOwnBundle, others } = facts;
  const called = name === null || name === where ? [where] : [name, where];
  const same = isOwnBundle === true ? "the same as this command's" : "not this command's: skypipe upgrade";
  const lines: [name: string, value: string | null][] = [
    ["satellite", where === "address" ? url : [...called, url].join(", ")],
    ["where", facts.place],
    ["region", region],
    ["version", facts.software],
    ["bundle", bundle === null ? null : `${bundle} (${same})`],
    ["up since", `${facts.upSince.replace(/\.\d+Z$/, "Z")}, for ${formatSpan(facts.uptimeS)}`],
    ["store", facts.store],
    ["pipes", `${facts.pipes}, with ${facts.streams} streams`],
    ["backlog", `${formatBytes(facts.backlogBytes)} of ${formatBytes(facts.maxBytes)}`],
    ["round trip", `${facts.roundTripMs} ms`],
    ["others", others.length === 0 ? null : others.join(", ")],
  ];
  return lines
    .filter(([, value]) => value !== null)
    .map(([title, value]) => `${title.padEnd(12)}${value}\n`)
    .join("");
}
