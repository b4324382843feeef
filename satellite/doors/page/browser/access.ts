/** What the page may do: a token that opens everything, or a link for one pipe. Never in a request's address. */
import { type Claims, looksLikeLink, parseLink } from "../../../wire/link.ts";

export interface Access {
  readonly token: string;
  /** The only pipe of a link; `null`: all pipes. */
  readonly pipe: string | null;
  readonly right: Claims["right"];
  /** What sealing needs; `null`: streams travel plain. */
  readonly key: string | null;
}

/** In this tab, until it is closed. */
const KEPT = "skypipe.access";

/** Throws Error where a link can't be read, or is for another satellite. */
export function accessOf(text: string, key = ""): Access {
  if (!looksLikeLink(text)) return { token: text, pipe: null, right: "both", key: key === "" ? null : key };
  const link = parseLink(text);
  if (new URL(link.url).origin !== location.origin)
    throw new Error(`That link is for ${new URL(link.url).host}.`);
  return { token: link.token, pipe: link.claims.pipe, right: link.claims.right, key: link.key };
}

/** From the page's own address, whose fragment no server sees, or from before a reload. */
export function recallAccess(): Access | null {
  try {
    if (looksLikeLink(location.href)) return accessOf(location.href);
    const kept = sessionStorage.getItem(KEPT);
    return kept === null ? { token: "", pipe: null, right: "both", key: null } : (JSON.parse(kept) as Access);
  } catch {
    return null;
  }
}

export function keepAccess(access: Access): void {
  sessionStorage.setItem(KEPT, JSON.stringify(access));
}

export function forgetAccess(): void {
  sessionStorage.removeItem(KEPT);
  if (location.hash !== "") history.replaceState(null, "", location.pathname);
}
