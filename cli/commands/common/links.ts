/** By which link a pipe is used: the one in SKYPIPE_LINK, or one that was joined. */
import { existsSync } from "node:fs";
import { WireError } from "../../../satellite/wire/errors.ts";
import { type Claims, type PipeLink, parseLink } from "../../../satellite/wire/link.ts";
import { allows, type Guarded } from "../../../satellite/wire/rights.ts";
import type { Joined } from "./joined.ts";
import { pipeCalled } from "./pipe-name.ts";
import { settingsPlace } from "./settings-place.ts";

export type KnownLink = PipeLink & { readonly claims: Claims };

/** The link in SKYPIPE_LINK; `null` if there is none. Throws WireError `usage` for what is none. */
export function linkInEnvironment(): KnownLink | null {
  const text = process.env.SKYPIPE_LINK ?? "";
  if (text === "") return null;
  try {
    return parseLink(text);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new WireError(error.code, `SKYPIPE_LINK: ${error.message}`, { cause: error });
  }
}

/** Where a link leads, and what it opens there: keys of one's own are for one's own satellite. */
export function addressOf({ url, token, key }: PipeLink): { url: string; token: string; key: string } {
  return { url, token, key: key ?? "" };
}

/** The pipe that is meant where no name is given: that of the link in SKYPIPE_LINK, or the default pipe. */
export function pipeMeant(name: string): string {
  return name === "" ? (linkInEnvironment()?.claims.pipe ?? name) : name;
}

/**
 * The link by which a pipe is used; `null`: it is one of the own satellite. Throws WireError `forbidden` where the links
 * that there are do not allow it.
 */
export async function linkFor(name: string, request: Guarded): Promise<KnownLink | null> {
  const given = linkInEnvironment();
  if (given !== null && given.claims.pipe !== name) {
    throw new WireError(
      "usage",
      `SKYPIPE_LINK is for ${pipeCalled(given.claims.pipe)}, and not for ${pipeCalled(name)}: leave the name out, or unset it`,
    );
  }
  const candidates = given === null ? await joinedAs(name) : [given];
  const allowing = candidates.find((link) => linkAllows(link, request));
  if (allowing !== undefined || candidates[0] === undefined) return allowing ?? null;
  throw new WireError(
    "forbidden",
    `the link to ${pipeCalled(name)} lets you ${rightCalled(candidates[0].claims)} it, and nothing else`,
  );
}

/** `read`, `write`, `read and write`. */
export function rightCalled({ right }: Pick<Claims, "right">): string {
  return right === "both" ? "read and write" : right;
}

async function joinedAs(name: string): Promise<KnownLink[]> {
  return (await joinedLinks()).filter((joined) => joined.name === name).map(({ link }) => link);
}

/**
 * Those that may be used here: SKYPIPE_SATELLITE goes before what is remembered, unless a link to that very satellite is
 * the only token there is.
 */
export async function joinedLinks(): Promise<readonly Joined[]> {
  const { SKYPIPE_SATELLITE: address = "", SKYPIPE_TOKEN: token = "" } = process.env;
  if (address !== "" && (token !== "" || !URL.canParse(address))) return [];
  // Most have joined none, and looking into the file takes longer than everything else does.
  if (!existsSync(settingsPlace("links"))) return [];
  const { recallLinks } = await import("./joined.ts");
  return recallLinks().filter(({ link }) => address === "" || isSame(address, link.url));
}

function isSame(address: string, url: string): boolean {
  return plain(address) === plain(url);
}

/** The address of a satellite as a link has it. */
function plain(address: string): string {
  return new URL(address.replace(/^ws/, "http")).href.replace(/(\/ws)?\/*$/, "");
}

/** Whether a link says that it is good for a request about its pipe. */
export function linkAllows({ claims: { share, pipe, right, once } }: KnownLink, request: Guarded): boolean {
  return allows({ scope: { share, pipe, right, once } }, request, pipe);
}
