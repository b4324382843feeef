/** Which satellite (DESIGN.md §5): `--satellite`, SKYPIPE_SATELLITE, the default of setup, one that is found, a new one. */
import type { Credentials, Place, Provider } from "../../../deploy/provider.ts";
import { ACCOUNT_TOKENS } from "../../../deploy/secrets.ts";
import { WireError } from "../../../satellite/wire/errors.ts";
import type { Teller } from "../../terminal/teller.ts";
import { addressOf, linkInEnvironment } from "./links.ts";
import type { Remembered, Settings } from "./remembered.ts";

/** The address that SKYPIPE_SATELLITE gives, or a satellite that has a provider. */
export type Target = Addressed | Remembered;

/** One that is reached without a provider. */
interface Addressed {
  readonly url: string;
  /** Default: SKYPIPE_TOKEN. */
  readonly token?: string;
  /** What seals and opens; empty: nothing does. Default: SKYPIPE_KEY. */
  readonly key?: string;
}

/** What needs no setting up. */
const LOCAL: Remembered = { name: "local", provider: "local", credentials: {}, place: null, keys: null };

/**
 * The satellite that is known; `null` if there is none. Loads the settings only where nothing goes before them.
 *
 * @param chosen what `--satellite` says
 */
export async function knownTarget(chosen?: string): Promise<Target | null> {
  const link = chosen === undefined ? linkInEnvironment() : null;
  if (link !== null) return addressOf(link);
  const named = process.env.SKYPIPE_SATELLITE;
  if (chosen !== undefined || named === undefined || named === "") return rememberedTarget(chosen);
  return named === LOCAL.name ? localTarget() : parseAddress(named);
}

/** With its keys, if it was set up, so that its ends understand each other however they come to it. */
async function localTarget(): Promise<Remembered> {
  if (process.env.SKYPIPE_KEY) return LOCAL;
  const { recall } = await import("./remembered.ts");
  return chosenOf(recall(), LOCAL.name);
}

/** As `knownTarget`, whatever SKYPIPE_SATELLITE says. */
export async function rememberedTarget(chosen?: string): Promise<Remembered | null> {
  const { recall } = await import("./remembered.ts");
  const settings = recall();
  if (chosen !== undefined) return chosenOf(settings, chosen);
  if (settings.byDefault !== null) return settings.byDefault;
  if (settings.satellites.length > 0) throw noDefault(settings);
  return discovered();
}

/** The satellite that is known; without one, a question on the terminal. */
export async function findTarget(teller: Teller, chosen?: string): Promise<Target> {
  const known = await knownTarget(chosen);
  if (known !== null) return known;
  const { hasTerminal } = await import("../../terminal/stdin.ts");
  if (!hasTerminal()) throw noSatellite();
  const { chooseAndDeploy, talkOn } = await import("./first-use.ts");
  return chooseAndDeploy(talkOn(teller));
}

export function noSatellite(): WireError {
  const tokens = ACCOUNT_TOKENS.filter((name) => process.env[name]);
  const found =
    tokens.length === 0
      ? ""
      : `; ${tokens.join(" and ")} found none: skypipe setup fly makes one, or says what is wrong`;
  return new WireError(
    "unreachable",
    "no satellite is known here: run skypipe setup on a terminal, or skypipe setup local for one on this " +
      `computer, or set SKYPIPE_SATELLITE to the address of one, for example wss://sat.example.com${found}`,
  );
}

function chosenOf({ satellites }: Settings, chosen: string): Remembered {
  const found = satellites.find(({ name }) => name === chosen);
  if (found !== undefined) return found;
  if (chosen === LOCAL.name) return LOCAL;
  const names = [LOCAL, ...satellites].map(({ name }) => name);
  throw new WireError(
    "usage",
    `no satellite is called '${chosen}' here: use one of ${[...new Set(names)].join(", ")}, or set it up with ` +
      "skypipe setup --name NAME",
  );
}

function noDefault({ satellites }: Settings): WireError {
  const names = satellites.map(({ name }) => name);
  return new WireError(
    "usage",
    `none of the satellites that are known here (${names.join(", ")}) is the default: say --satellite ${names[0]}, ` +
      `or skypipe setup --name ${names[0]} --default`,
  );
}

/** The one that credentials in the environment find. It is not remembered: they may be others tomorrow. */
async function discovered(): Promise<Remembered | null> {
  const { loadProvider, providerNames } = await import("./providers.ts");
  for (const name of providerNames) {
    const provider = await loadProvider(name);
    const credentials = provider.inEnvironment(process.env);
    const place = credentials === null ? null : await foundWith(provider, credentials);
    if (credentials !== null && place !== null) {
      return { name, provider: name, credentials, place, keys: place.keys ?? null };
    }
  }
  return null;
}

/** A token that is wrong, or is for something else, finds nothing; it may not be meant for this. */
async function foundWith(provider: Provider, credentials: Credentials): Promise<Place | null> {
  try {
    return await provider.find(credentials);
  } catch (error) {
    if (error instanceof WireError && ["unauthorized", "forbidden"].includes(error.code)) return null;
    throw error;
  }
}

const SCHEMES = ["ws:", "wss:", "http:", "https:"];

function parseAddress(text: string): Target {
  // What `skypipe satellite --socket` prints.
  if (text.startsWith("unix:/")) return { url: text };
  const url = URL.canParse(text) ? new URL(text) : null;
  // An address may hold a secret, so it is never repeated.
  if (url === null || !SCHEMES.includes(url.protocol) || url.hostname === "") {
    throw usage(
      "is not the address of a satellite: it begins with wss, https, ws or http, or is the word local",
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw usage("must not hold a token: put that into SKYPIPE_TOKEN");
  }
  return { url: text };
}

function usage(what: string): WireError {
  return new WireError("usage", `SKYPIPE_SATELLITE ${what}, for example wss://sat.example.com`);
}
