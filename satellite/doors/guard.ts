/** Which requests are let in at all [T-3]: no web page may reach a satellite of which it only knows the address. */
import type { IncomingHttpHeaders } from "node:http";
import { WireError } from "../wire/errors.ts";

/** Which `Host`s a door answers to. */
export type Site =
  /** Only these names, in lower case, IPv6 in brackets. */
  | { answersTo: "names"; names: ReadonlySet<string> }
  /** These names, and every one without a dot: nobody but a local program opens a Unix socket. */
  | { answersTo: "dotless"; names: ReadonlySet<string> }
  | { answersTo: "all" };

export type GuardedHeaders = Pick<
  IncomingHttpHeaders,
  "host" | "origin" | "sec-fetch-site" | "sec-fetch-mode" | "sec-fetch-dest"
>;

/** What a satellite that listens on `host` answers to (`null`: on a Unix socket). `names` were given by its owner. */
export function siteOf(host: string | null, names: readonly string[] = []): Site {
  const given = names.map(givenName);
  if (host === null) return { answersTo: "dotless", names: new Set(given) };
  if (isLoopback(host)) {
    const own = ["localhost", "127.0.0.1", "[::1]", bracketed(host.toLowerCase())];
    return { answersTo: "names", names: new Set([...own, ...given]) };
  }
  return given.length === 0 ? { answersTo: "all" } : { answersTo: "names", names: new Set(given) };
}

function givenName(name: string): string {
  const host = hostName(bracketed(name.toLowerCase())) ?? hostName(name.toLowerCase());
  if (host === null) throw new WireError("usage", `'${name}' is not the name of a host`);
  return host;
}

/** Whether only programs on this computer reach a server that listens on `host`. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);
}

/** `host` as it stands in a URL. */
export function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

/**
 * Why a request is refused with 403; `null` if it is let in [T-3]. The page at `/` holds nothing of anybody's, and links
 * to it are passed around: a window may open it from anywhere [H-22].
 */
export function refusalOf(headers: GuardedHeaders, site: Site, isPage = false): string | null {
  if (!answersTo(headers, site)) return "this satellite does not answer to that Host";
  const isVisit = headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document";
  if (isPage && isVisit && headers.origin === undefined) return null;
  const fetchSite = headers["sec-fetch-site"];
  if (fetchSite === "cross-site" || fetchSite === "same-site") return "requests from other sites are refused";
  if (headers.origin !== undefined && !isSameOrigin(headers.origin, headers.host ?? "")) {
    return "requests from other origins are refused";
  }
  return null;
}

/** The name in a `Host` header in lower case; `null` if it is none. */
function hostName(host: string): string | null {
  return /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]\\]+)(:\d{1,5})?$/.exec(host)?.[1] ?? null;
}

/** Whether a request came by a `Host` that is the satellite's own. */
export function answersTo({ host = "" }: GuardedHeaders, site: Site): boolean {
  const name = hostName(host.toLowerCase());
  if (name === null) return false;
  if (site.answersTo === "all" || site.names.has(name)) return true;
  return site.answersTo === "dotless" && !/[.:]/.test(name);
}

/** Whether an `Origin` is a page that came from `host`. `null` (a sandbox, a file) is not. */
function isSameOrigin(origin: string, host: string): boolean {
  const scheme = /^(https?):\/\//i.exec(origin)?.[1];
  if (scheme === undefined) return false;
  try {
    // A URL leaves out the port that its scheme implies, on both sides.
    return new URL(origin).host === new URL(`${scheme}://${host}`).host;
  } catch {
    return false;
  }
}
