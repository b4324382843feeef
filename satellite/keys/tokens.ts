/** Who may do what: from the token that somebody shows to the rights it gives. */
import { createHash, timingSafeEqual } from "node:crypto";
import { WireError } from "../wire/errors.ts";
import type { Rights } from "../wire/rights.ts";

export interface Keyring {
  /** What a token allows (`null`: none was shown). `null` means nothing, not even to be here. */
  rightsOf(token: string | null): Rights | null;
}

const ALL: Rights = { mayRead: () => true, mayWrite: () => true, mayManage: true };

/** One token that allows everything; without one, everybody may do everything. */
export function rootKeyring(token: string | undefined): Keyring {
  if (token === undefined) return { rightsOf: () => ALL };
  if (!/^[!-~]([ -~]{0,4094}[!-~])?$/.test(token)) {
    throw new WireError(
      "usage",
      "the token is not usable: it needs 1 to 4096 printable ASCII characters, without space around them",
    );
  }
  return { rightsOf: (shown) => (shown !== null && equalSecrets(shown, token) ? ALL : null) };
}

/** Compares in a time that tells nothing about where they differ, nor about their lengths [S-2]. */
export function equalSecrets(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b));
}

/**
 * The token in an `Authorization` header [T-4]: of `Bearer`, or the password of `Basic`, whoever the user is.
 * `null` if there is no header; one that cannot be read gives the empty token, which is always wrong.
 */
export function tokenIn(authorization: string | undefined): string | null {
  if (authorization === undefined) return null;
  const [, scheme = "", credentials = ""] = /^([a-z]+) +(.*)$/i.exec(authorization.trim()) ?? [];
  if (scheme.toLowerCase() === "bearer") return credentials;
  if (scheme.toLowerCase() !== "basic") return "";
  const pair = Buffer.from(credentials, "base64").toString();
  return pair.includes(":") ? pair.slice(pair.indexOf(":") + 1) : "";
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
