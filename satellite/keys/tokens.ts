/** Who may do what: from the token that somebody shows to the rights it gives. */
import { createHash, timingSafeEqual } from "node:crypto";
import { WireError } from "../wire/errors.ts";
import { ALL, type Rights, type Terms } from "../wire/rights.ts";
import type { ShareTokens } from "./share-tokens.ts";

export interface Keyring {
  /**
   * What a token allows (`null`: none was shown). `null` means nothing, not even to be here.
   *
   * @throws WireError `unauthorized` for the token of a share that has expired: its holder may know
   */
  rightsOf(token: string | null): Promise<Rights | null>;
  /** Whether this satellite has signed a token for a share, ended ones too. The root token is none. */
  isShare(token: string): Promise<boolean>;
  /** The token of a share. Throws WireError `usage` where there is no root token. */
  sign(terms: Terms): Promise<string>;
}

/** The root token allows everything, those of shares what they say; without a root token everybody may do everything. */
export function createKeyring(root: string | undefined, shares: ShareTokens | null): Keyring {
  if (root === undefined) {
    return {
      rightsOf: async () => ALL,
      isShare: async () => false,
      sign: async () => {
        throw new WireError("usage", "this satellite has no token, so it can sign none");
      },
    };
  }
  if (!/^[!-~]([ -~]{0,4094}[!-~])?$/.test(root)) {
    throw new WireError(
      "usage",
      "the token is not usable: it needs 1 to 4096 printable ASCII characters, without space around them",
    );
  }
  return {
    async rightsOf(shown) {
      if (shown === null) return null;
      if (equalSecrets(shown, root)) return ALL;
      return (await shares?.rightsOf(shown)) ?? null;
    },
    async isShare(token) {
      return (await shares?.hasSigned(token)) ?? false;
    },
    async sign(terms) {
      if (shares === null) throw new WireError("internal", "this satellite signs no tokens");
      return shares.sign(terms);
    },
  };
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
