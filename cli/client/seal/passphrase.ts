/** An account's key under a passphrase, to be kept with somebody who shall not read it (PROTOCOL.md §14, Z-12). */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import {
  fromBase64Url,
  joined,
  labelled,
  NONCE_BYTES,
  SEAL_BYTES,
  SealLabel,
  toBase64Url,
} from "../../../satellite/wire/sealing.ts";
import { SkypipeError } from "../errors.ts";
import { accountBytes, accountText, WRAPPED_PREFIX } from "./key.ts";

const ALGORITHM = "aes-256-gcm";
const LENGTHS = { authTagLength: SEAL_BYTES };
const SALT_BYTES = 16;
const NUMBERS = 3;
const HEAD_BYTES = NUMBERS + SALT_BYTES + NONCE_BYTES;
/** 128 MiB, a third of a second. */
const COST = { logN: 17, r: 8, p: 1 };
/** Whoever keeps the text can't have a reader spend more than this. */
const COST_MAX = { logN: 20, r: 16, p: 4 };

export function isWrapped(text: string): boolean {
  return text.startsWith(WRAPPED_PREFIX);
}

/** @param key the text of an account's key */
export async function wrapKey(key: string, passphrase: string): Promise<string> {
  const { logN, r, p } = COST;
  const head = joined(Uint8Array.of(logN, r, p), randomBytes(SALT_BYTES + NONCE_BYTES));
  const cipher = createCipheriv(ALGORITHM, await stretched(passphrase, head), nonceOf(head), LENGTHS);
  cipher.setAAD(labelled(SealLabel.passphrase, head));
  const sealed = [cipher.update(accountBytes(key)), cipher.final(), cipher.getAuthTag()];
  return WRAPPED_PREFIX + toBase64Url(joined(head, ...sealed));
}

/**
 * The text of the account's key.
 *
 * @throws SkypipeError `usage` where the text is damaged or the passphrase another
 */
export async function unwrapKey(wrapped: string, passphrase: string): Promise<string> {
  const bytes = fromBase64Url(wrapped.slice(WRAPPED_PREFIX.length));
  const [logN = 0, r = 0, p = 0] = bytes ?? [];
  const isSane = logN >= 1 && logN <= COST_MAX.logN && r >= 1 && r <= COST_MAX.r && p >= 1 && p <= COST_MAX.p;
  if (bytes === null || bytes.length <= HEAD_BYTES + SEAL_BYTES || !isSane) {
    throw new SkypipeError("usage", "the key that is kept under a passphrase is damaged");
  }
  const head = bytes.subarray(0, HEAD_BYTES);
  const decipher = createDecipheriv(ALGORITHM, await stretched(passphrase, head), nonceOf(head), LENGTHS);
  decipher.setAAD(labelled(SealLabel.passphrase, head));
  decipher.setAuthTag(bytes.subarray(-SEAL_BYTES));
  try {
    const plain = [decipher.update(bytes.subarray(HEAD_BYTES, -SEAL_BYTES)), decipher.final()];
    return accountText(Buffer.concat(plain));
  } catch (cause) {
    throw new SkypipeError("usage", "the passphrase is not the one that the key was kept under", { cause });
  }
}

function nonceOf(head: Uint8Array): Uint8Array {
  return head.subarray(NUMBERS + SALT_BYTES);
}

function stretched(passphrase: string, head: Uint8Array): Promise<Buffer> {
  const [logN = 0, r = 0, p = 0] = head;
  const N = 2 ** logN;
  const salt = head.subarray(NUMBERS, NUMBERS + SALT_BYTES);
  const maxmem = 128 * N * r + 2 ** 20 * (p + 1);
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize("NFC"), salt, 32, { N, r, p, maxmem }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
