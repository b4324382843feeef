/** Links: one URL that lets its holder use one pipe. What the token says can be read by anybody. */
import { WireError } from "./errors.ts";
import { limits } from "./limits.ts";
import { fitsUtf8, isPipeName } from "./name.ts";
import type { Right } from "./rights.ts";

export interface PipeLink {
  /** Where the satellite is: `https:` or `http:`, without a fragment. */
  readonly url: string;
  /** A share token. */
  readonly token: string;
  /** What sealing needs to write or read the pipe; `null` where it travels plain. Opaque here. */
  readonly key: string | null;
}

/** What a share token says of itself. Nobody but its satellite can tell whether that is true. */
export interface Claims {
  readonly share: string;
  readonly pipe: string;
  readonly right: Right;
  readonly once: boolean;
  /** Milliseconds since the epoch; `null`: it does not end by itself. */
  readonly expiresMs: number | null;
}

/** What stands before the token in a fragment. */
const TOKEN = "t";
const KEY = "k";

export function formatLink({ url, token, key }: PipeLink): string {
  const link = new URL(url);
  const secrets = new URLSearchParams({ [TOKEN]: token, ...(key === null ? {} : { [KEY]: key }) });
  link.hash = secrets.toString();
  return link.href;
}

/**
 * Reads a link, with space around it. What is wrong is never repeated: it is a secret.
 *
 * @throws WireError `usage`
 */
export function parseLink(text: string): PipeLink & { readonly claims: Claims } {
  const given = text.trim();
  const url = URL.canParse(given) && fitsUtf8(given, limits.linkBytesMax) ? new URL(given) : null;
  if (url === null || !["https:", "http:"].includes(url.protocol)) {
    throw notALink("it begins with https:// and is what skypipe share prints");
  }
  const secrets = new URLSearchParams(url.hash.slice(1));
  const token = secrets.get(TOKEN);
  const claims = token === null ? null : claimsOf(token);
  if (token === null || claims === null)
    throw notALink("the part behind # is missing or damaged: copy all of it");
  url.hash = "";
  return { url: url.href.replace(/\/$/, ""), token, key: secrets.get(KEY), claims };
}

/** Whether `text` holds the secret of a link: then it must not stand where others see it. */
export function looksLikeLink(text: string): boolean {
  return /[#&]t=[\w-]+\.[\w-]+\./.test(text);
}

/** What a share token says; `null` if it is none. */
export function claimsOf(token: string): Claims | null {
  const { jti, sub, right, exp, once } = payloadOf(token);
  if (typeof jti !== "string" || typeof sub !== "string" || !isPipeName(sub)) return null;
  if (right !== "read" && right !== "write" && right !== "both") return null;
  const expiresMs = typeof exp === "number" ? exp * 1000 : null;
  return { share: jti, pipe: sub, right, once: once === true, expiresMs };
}

function payloadOf(token: string): Record<string, unknown> {
  const [, payload = "", signature] = token.split(".");
  if (signature === undefined) return {};
  try {
    const binary = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function notALink(why: string): WireError {
  return new WireError("usage", `that is not a link: ${why}`);
}
