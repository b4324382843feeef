/** The tokens of shares: JWTs that this satellite signs for itself (PROTOCOL.md §15). */
import { hkdfSync } from "node:crypto";
import { errors, jwtVerify, SignJWT } from "jose";
import { WireError } from "../wire/errors.ts";
import { isPipeName } from "../wire/name.ts";
import type { Right, Rights, Terms } from "../wire/rights.ts";

const ALGORITHM = "HS256";
const TYPE = "skypipe+jwt";
const INFO = "skypipe share tokens v1";
const KEY_BYTES = 32;
/** As in `hello`. */
const TOKEN_BYTES_MAX = 4096;
export const SALT_BYTES = 32;

export class ShareTokens {
  readonly #key: Uint8Array;

  /** @param salt 32 random bytes that the store keeps: without them nobody can try root tokens against a token */
  constructor(root: string, salt: Uint8Array) {
    this.#key = new Uint8Array(hkdfSync("sha256", root, salt, INFO, KEY_BYTES));
  }

  /** The same terms give the same token. */
  async sign({ share, pipe, right, once, createdMs, expiresMs }: Terms): Promise<string> {
    const token = new SignJWT({ right, ...(once && { once }) })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
      .setJti(share)
      .setSubject(pipe)
      .setIssuedAt(createdMs / 1000);
    if (expiresMs !== null) token.setExpirationTime(expiresMs / 1000);
    return token.sign(this.#key);
  }

  /** What a token allows; `null` if it is none of ours. Whether its share is still there, the broker knows. */
  async rightsOf(token: string): Promise<Rights | null> {
    if (token.length > TOKEN_BYTES_MAX) return null;
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [ALGORITHM],
        typ: TYPE,
        requiredClaims: ["jti", "sub", "right"],
      });
      const { jti, sub, right, once } = payload;
      if (typeof jti !== "string" || typeof sub !== "string" || !isPipeName(sub) || !isRight(right))
        return null;
      return { scope: { share: jti, pipe: sub, right, once: once === true } };
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      // The signature was looked at before: it is one of ours.
      if (error instanceof errors.JWTExpired) throw new WireError("unauthorized", "this link has expired");
      return null;
    }
  }

  /** Whether a token is one of ours, also when it has expired. */
  async hasSigned(token: string): Promise<boolean> {
    try {
      return (await this.rightsOf(token)) !== null;
    } catch (error) {
      if (error instanceof WireError) return true;
      throw error;
    }
  }
}

function isRight(value: unknown): value is Right {
  return value === "read" || value === "write" || value === "both";
}
