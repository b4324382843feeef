/** Which satellite: SKYPIPE_SATELLITE, or what setup remembered, or what is chosen now (DESIGN.md §5). */
import { WireError } from "../../../satellite/wire/errors.ts";
import type { Teller } from "../../terminal/teller.ts";

export interface Target {
  /** A provider's name, or `address` for one that SKYPIPE_SATELLITE names. */
  readonly where: string;
  /** For `address`. */
  readonly url?: string;
}

/** The satellite that is known; `null` if there is none. Loads the settings only where the environment is silent. */
export async function knownTarget(): Promise<Target | null> {
  const named = process.env.SKYPIPE_SATELLITE;
  if (named !== undefined && named !== "") return parseAddress(named);
  const { recall } = await import("./remembered.ts");
  const remembered = recall();
  return remembered === null ? null : { where: remembered.provider };
}

/** The satellite that is known; without one, a question on the terminal. */
export async function findTarget(teller: Teller): Promise<Target> {
  const known = await knownTarget();
  if (known !== null) return known;
  const { hasTerminal } = await import("../../terminal/stdin.ts");
  if (!hasTerminal()) throw noSatellite();
  const { chooseAndDeploy, talkOn } = await import("./first-use.ts");
  return { where: await chooseAndDeploy(talkOn(teller)) };
}

export function noSatellite(): WireError {
  return new WireError(
    "unreachable",
    "no satellite is known here: run skypipe setup on a terminal, or skypipe setup local for one on this " +
      "computer, or set SKYPIPE_SATELLITE to the address of one, for example wss://sat.example.com",
  );
}

const SCHEMES = ["ws:", "wss:", "http:", "https:"];

function parseAddress(text: string): Target {
  if (text === "local") return { where: "local" };
  // What `skypipe satellite --socket` prints.
  if (text.startsWith("unix:/")) return { where: "address", url: text };
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
  return { where: "address", url: text };
}

function usage(what: string): WireError {
  return new WireError("usage", `SKYPIPE_SATELLITE ${what}, for example wss://sat.example.com`);
}
