/** `skypipe check`: whether the satellite is there, which version it is, and what it holds. */
import { Teller } from "../terminal/teller.ts";
import { formatBytes } from "../terminal/units.ts";
import { openSatellite } from "./common/connection.ts";
import { print } from "./common/print.ts";
import { knownTarget, noSatellite } from "./common/target.ts";

export async function check(options: { json?: boolean }): Promise<number> {
  const target = await knownTarget();
  if (target === null) throw noSatellite();
  const satellite = await openSatellite(new Teller(options), target);
  try {
    const startMs = performance.now();
    const status = await satellite.inspect();
    const facts = {
      where: target.where,
      url: target.url ?? `unix:${satellite.address}`,
      running: true,
      software: status.software,
      upSince: new Date(Date.now() - status.uptimeS * 1000).toISOString(),
      store: status.store,
      pipes: status.pipes,
      streams: status.streams,
      backlogBytes: status.usedBytes,
      maxBytes: status.maxBytes,
      roundTripMs: Math.round((performance.now() - startMs) * 10) / 10,
    };
    await print(options.json === true ? `${JSON.stringify(facts)}\n` : report(facts));
    return 0;
  } finally {
    await satellite.close();
  }
}

interface Facts {
  where: string;
  url: string;
  running: boolean;
  software: string;
  upSince: string;
  store: string;
  pipes: number;
  streams: number;
  backlogBytes: number;
  maxBytes: number;
  roundTripMs: number;
}

function report(facts: Facts): string {
  const where = facts.where === "address" ? facts.url : `${facts.where}, ${facts.url}`;
  const lines = [
    ["satellite", where],
    ["version", facts.software],
    ["up since", facts.upSince.replace(/\.\d+Z$/, "Z")],
    ["store", facts.store],
    ["pipes", `${facts.pipes}, with ${facts.streams} streams`],
    ["backlog", `${formatBytes(facts.backlogBytes)} of ${formatBytes(facts.maxBytes)}`],
    ["round trip", `${facts.roundTripMs} ms`],
  ];
  return lines.map(([name = "", value]) => `${name.padEnd(12)}${value}\n`).join("");
}
