/** `skypipe upgrade`: puts the version of this command on the satellite. */
import { ownBundle } from "../../deploy/bundle.ts";
import type { PlaceStatus } from "../../deploy/provider.ts";
import { isLater } from "../../deploy/version.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import { connect } from "../client/connect.ts";
import { confirm } from "../terminal/prompt.ts";
import { hasTerminal } from "../terminal/stdin.ts";
import { Teller } from "../terminal/teller.ts";
import { linksInstead, notByLink } from "./common/by-links.ts";
import { talkOn } from "./common/first-use.ts";
import { print } from "./common/print.ts";
import { loadProvider } from "./common/providers.ts";
import type { Remembered } from "./common/remembered.ts";
import { knownTarget, noSatellite } from "./common/target.ts";

export interface UpgradeOptions {
  satellite?: string;
  yes?: boolean;
  quiet?: boolean;
  json?: boolean;
}

export async function upgrade(options: UpgradeOptions): Promise<number> {
  const links = await linksInstead(options.satellite);
  if (links !== null) throw notByLink(links, "upgrade a satellite");
  const target = await knownTarget(options.satellite);
  if (target === null) throw noSatellite();
  if ("url" in target) return atAddress(target.url, options);
  const { name } = target;
  const teller = new Teller(options);
  const provider = await loadProvider(target.provider);
  const there = await provider.status(target.credentials);
  if (there === null) throw notThere(target);
  const { version } = ownBundle();
  const from = there.version ?? null;
  if (isSame(there)) {
    teller.note(`the satellite (${name}) is of this version already (${version})`);
    return tellFacts(options, { name, from, to: version, upgraded: false });
  }
  if (options.yes !== true && isLater(from ?? "", version)) await confirmOlder(name, from, version);
  await provider.upgrade(target.credentials, talkOn(teller, { yes: true }));
  teller.note(`the satellite (${name}) is of version ${version} now; it was ${from ?? "an unknown one"}`);
  return tellFacts(options, { name, from, to: version, upgraded: true });
}

/** One that nobody's provider knows: whoever started it must do it. */
async function atAddress(url: string, options: UpgradeOptions): Promise<number> {
  const satellite = await connect({ url });
  const { software, address } = satellite;
  await satellite.close();
  const { version } = ownBundle();
  const from = software.replace(/^skypipe\//, "");
  if (from !== version) {
    throw new WireError(
      "usage",
      `the satellite at ${address} (${from}) was started by hand: install skypipe ${version} there, stop it, and ` +
        "start it again with the same --data; those who are connected go on",
    );
  }
  new Teller(options).note(`the satellite at ${address} is of this version already (${version})`);
  return tellFacts(options, { name: null, from, to: version, upgraded: false });
}

function isSame({ bundle, version }: PlaceStatus): boolean {
  const own = ownBundle();
  return bundle === undefined ? version === own.version : bundle === own.sha256;
}

function notThere({ name, provider }: Remembered): WireError {
  return new WireError(
    "unreachable",
    `there is no satellite (${name}) to upgrade: bring it there with skypipe setup ${provider} --name ${name}`,
  );
}

/** To go back is rarely meant. Throws WireError `usage` unless it is. */
async function confirmOlder(name: string, from: string | null, to: string): Promise<void> {
  const what = `the satellite (${name}) is newer (${from}) than this command (${to})`;
  if (hasTerminal() && (await confirm(`Go back? ${what}.`))) return;
  throw new WireError(
    "usage",
    `${what}: get the newer command with npm install -g skypipe, or say skypipe upgrade --yes to go back`,
  );
}

async function tellFacts(options: UpgradeOptions, facts: object): Promise<number> {
  if (options.json === true) await print(`${JSON.stringify(facts)}\n`);
  return 0;
}
