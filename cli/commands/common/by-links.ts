/** What verbs about a whole satellite do where there are only links: the satellite is somebody else's. */
import { WireError } from "../../../satellite/wire/errors.ts";
import type { Guarded } from "../../../satellite/wire/rights.ts";
import type { Satellite } from "../../client/connect.ts";
import type { Teller } from "../../terminal/teller.ts";
import { asError } from "./failure.ts";
import type { Joined } from "./joined.ts";
import { joinedLinks, linkAllows, linkInEnvironment } from "./links.ts";
import { openLink } from "./pipe.ts";
import { linkCalled } from "./share-words.ts";
import { rememberedTarget } from "./target.ts";

/** Satellites that are asked at once. */
const AT_ONCE_MAX = 16;

/**
 * The links that there are in place of a satellite of one's own, at least one; `null`: there is such a satellite, or no
 * link.
 *
 * @param chosen what `--satellite` says
 */
export async function linksInstead(chosen: string | undefined): Promise<readonly Joined[] | null> {
  if (chosen !== undefined) return null;
  const given = linkInEnvironment();
  if (given !== null) return [{ name: given.claims.pipe, link: given }];
  const joined = await joinedLinks();
  if (joined.length === 0) return null;
  return process.env.SKYPIPE_SATELLITE || (await rememberedTarget()) === null ? joined : null;
}

/** Those that are good for a request, one for each name. Throws WireError `forbidden` where none is. */
export function linksFor(request: Guarded, links: readonly Joined[], does: string): readonly Joined[] {
  const allowing = links.filter(({ link }) => linkAllows(link, request));
  if (allowing.length === 0) throw notByLink(links, does);
  const names = allowing.map(({ name }) => name);
  return allowing.filter(({ name }, at) => names.indexOf(name) === at);
}

/** @param does what can't be done, as in `a link does not …` */
export function notByLink([first, ...others]: readonly Joined[], does: string): WireError {
  const what = first === undefined ? "" : `: this one lets you ${linkCalled(first)}`;
  const more = others.length === 0 ? "" : `; skypipe join --list shows ${others.length} more`;
  return new WireError("forbidden", `a link does not ${does}${what}${more}`);
}

export interface Tried<Result> {
  readonly joined: Joined;
  /** `null` where it failed. */
  readonly result: Result | null;
  readonly error: Error | null;
}

/** Opens each link, and gives what `use` makes of it; one that is not good holds up no other. */
export async function tryLinks<Result>(
  teller: Teller,
  links: readonly Joined[],
  use: (satellite: Satellite, connectMs: number) => Promise<Result>,
): Promise<readonly Tried<Result>[]> {
  const tried: Tried<Result>[] = [];
  for (let at = 0; at < links.length; at += AT_ONCE_MAX) {
    const some = links.slice(at, at + AT_ONCE_MAX);
    tried.push(...(await Promise.all(some.map((joined) => tryLink(teller, joined, use)))));
  }
  return tried;
}

async function tryLink<Result>(
  teller: Teller,
  joined: Joined,
  use: (satellite: Satellite, connectMs: number) => Promise<Result>,
): Promise<Tried<Result>> {
  const startMs = performance.now();
  try {
    const satellite = await openLink(teller, joined.link, joined.name);
    try {
      return { joined, result: await use(satellite, performance.now() - startMs), error: null };
    } finally {
      await satellite.close();
    }
  } catch (error) {
    return { joined, result: null, error: asError(error) };
  }
}

/** Throws the first failure, and tells of the others: the verb's exit code is that of the first. */
export function throwFirst(teller: Teller, tried: readonly Tried<unknown>[]): void {
  const [first, ...others] = tried.flatMap(({ error }) => (error === null ? [] : [error]));
  for (const { message } of others) teller.say(message);
  if (first !== undefined) throw first;
}
