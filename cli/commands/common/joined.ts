/** The links that this computer has joined: by each, one pipe of somebody's satellite is used under a name of its own. */
import { WireError } from "../../../satellite/wire/errors.ts";
import { formatLink, parseLink } from "../../../satellite/wire/link.ts";
import type { KnownLink } from "./links.ts";
import { SettingsFile } from "./settings-file.ts";
import { isTextRecord } from "./settings-shape.ts";

const SCHEMA_VERSION = 1;
const LINKS_MAX = 1_000;
const file = new SettingsFile("links", SCHEMA_VERSION, "skypipe join");

/** A link that is remembered. */
export interface Joined {
  /** What the pipe is called here. */
  readonly name: string;
  readonly link: KnownLink;
}

/** Throws WireError `usage` where the file can't be understood. */
export function recallLinks(): readonly Joined[] {
  return file.read(({ links }) => (Array.isArray(links) ? understand(links) : null)) ?? [];
}

/** Adds it, in place of those of this name that allow no more. */
export function rememberLink(joined: Joined): void {
  const others = recallLinks().filter(({ name, link }) => name !== joined.name || !covers(joined.link, link));
  if (others.length >= LINKS_MAX) {
    throw new WireError(
      "limit",
      `${LINKS_MAX} links are remembered already: skypipe join --forget NAME makes room`,
    );
  }
  write([...others, joined]);
}

/** Returns how many there were of this name. */
export function forgetLinks(forgotten: string): number {
  const links = recallLinks();
  const others = links.filter(({ name }) => name !== forgotten);
  if (others.length < links.length) write(others);
  return links.length - others.length;
}

function covers(link: KnownLink, other: KnownLink): boolean {
  return link.claims.right === "both" || link.claims.right === other.claims.right;
}

function write(links: readonly Joined[]): void {
  const stored = links.map(({ name, link }) => ({ name, link: formatLink(link) }));
  file.replace(stored.length === 0 ? {} : { links: stored });
}

function understand(stored: readonly unknown[]): Joined[] | null {
  try {
    return stored.map((each) => {
      if (!isTextRecord(each)) throw new WireError("usage", "not a link");
      return { name: each.name ?? "", link: parseLink(each.link ?? "") };
    });
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
