/**
 * The keys that streams are sealed with, and their texts (PROTOCOL.md §14, Z-1, Z-2): the account's key, which makes
 * those of every pipe; and for one pipe alone its secret, or its public key, with which one can only write.
 */
import { isPipeName } from "../../../satellite/wire/name.ts";
import {
  ENC_BYTES,
  fromBase64Url,
  joined,
  KEY_ID_BYTES,
  labelled,
  SECRET_BYTES,
  SealLabel,
  toBase64Url,
} from "../../../satellite/wire/sealing.ts";
import { SkypipeError } from "../errors.ts";
import { nodeCrypto } from "../node-crypto.ts";

/** The account's key. */
interface AccountKey {
  readonly kind: "account";
  readonly id: Uint8Array;
  readonly secret: Uint8Array;
  /** When it was made, in seconds since 1970; 0 where nobody knows. */
  readonly createdS: number;
}

/** One pipe's secret: reads, and seals as the account's holders do. */
interface PipeKey {
  readonly kind: "pipe";
  readonly id: Uint8Array;
  readonly pipe: string;
  readonly secret: Uint8Array;
}

/** One pipe's public key: only writes, and readers can't tell who. */
interface WriteKey {
  readonly kind: "write";
  readonly id: Uint8Array;
  readonly pipe: string;
  readonly publicKey: Uint8Array;
}

export type Key = AccountKey | PipeKey | WriteKey;

const PREFIXES = { account: "skypipe_k1_", pipe: "skypipe_r1_", write: "skypipe_w1_" } as const;
/** Of an account's key under a passphrase (passphrase.ts). */
export const WRAPPED_PREFIX = "skypipe_p1_";
const CHECK_BYTES = 3;
const TIME_BYTES = 4;

export function derive(secret: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return new Uint8Array(nodeCrypto().hkdfSync("sha256", secret, new Uint8Array(0), info, length)); // RFC 5869
}

/** A new key of an account, as text. */
export function makeKey(nowMs: number = Date.now()): string {
  return formatKey(accountKey(nodeCrypto().randomBytes(SECRET_BYTES), Math.floor(nowMs / 1000)));
}

function accountKey(secret: Uint8Array, createdS: number): AccountKey {
  return { kind: "account", id: derive(secret, labelled(SealLabel.keyId), KEY_ID_BYTES), secret, createdS };
}

/** What a key of the account is for one pipe [Z-2]. */
export function pipeKey({ id, secret }: AccountKey, pipe: string): PipeKey {
  const context = labelled(SealLabel.pipe, Buffer.from(pipe));
  return { kind: "pipe", id, pipe, secret: derive(secret, context, SECRET_BYTES) };
}

/** For people: it gives nothing away. */
export function keyName(key: { readonly id: Uint8Array }): string {
  return Buffer.from(key.id).toString("hex");
}

export function formatKey(key: Key): string {
  const prefix = PREFIXES[key.kind];
  const bytes = bytesOf(key);
  return prefix + toBase64Url(joined(bytes, checkOf(prefix, bytes)));
}

/** What `skypipe_k1_` stands before. Throws SkypipeError `usage` for what is no account's key. */
export function accountBytes(text: string): Uint8Array {
  const key = parseKey(text);
  if (key.kind !== "account") throw unreadable("is one pipe's, and not an account's");
  return bytesOf(key);
}

/** The opposite of `accountBytes`. */
export function accountText(bytes: Uint8Array): string {
  return formatKey(readAccountKey(bytes));
}

function bytesOf(key: Key): Uint8Array {
  if (key.kind === "account") {
    const time = Buffer.alloc(TIME_BYTES);
    time.writeUInt32BE(key.createdS);
    return joined(time, key.secret);
  }
  return joined(key.id, key.kind === "pipe" ? key.secret : key.publicKey, Buffer.from(key.pipe));
}

/** Tells a slip of the pen from a key that is merely unknown. */
function checkOf(prefix: string, bytes: Uint8Array): Buffer {
  return nodeCrypto().createHash("sha256").update(prefix).update(bytes).digest().subarray(0, CHECK_BYTES);
}

/**
 * Reads one key: in its own text, or 32 random bytes in hex or base64, which are an account's.
 *
 * @throws SkypipeError `usage`; the text is never repeated
 */
export function parseKey(text: string): Key {
  const raw = rawSecret(text);
  if (raw !== null) return accountKey(raw, 0);
  const [kind, prefix] = Object.entries(PREFIXES).find(([, each]) => text.startsWith(each)) ?? [];
  if (text.startsWith(WRAPPED_PREFIX)) {
    throw unreadable("is under a passphrase, for which skypipe setup or skypipe keys add asks");
  }
  if (prefix === undefined) throw unreadable("is not one");
  const bytes = fromBase64Url(text.slice(prefix.length));
  const body = bytes?.subarray(0, -CHECK_BYTES);
  const check = bytes?.subarray(-CHECK_BYTES);
  if (body === undefined || check === undefined || !checkOf(prefix, body).equals(check)) {
    throw unreadable("is not complete, or has a letter wrong");
  }
  if (kind === "account") return readAccountKey(body);
  const id = body.slice(0, KEY_ID_BYTES);
  const secret = body.slice(KEY_ID_BYTES, KEY_ID_BYTES + ENC_BYTES);
  const pipe = Buffer.from(body.subarray(KEY_ID_BYTES + ENC_BYTES)).toString();
  if (secret.length !== SECRET_BYTES || !isPipeName(pipe)) throw unreadable("is damaged");
  return kind === "pipe" ? { kind, id, pipe, secret } : { kind: "write", id, pipe, publicKey: secret };
}

function readAccountKey(body: Uint8Array): AccountKey {
  if (body.length !== TIME_BYTES + SECRET_BYTES) throw unreadable("is damaged");
  return accountKey(body.slice(TIME_BYTES), Buffer.from(body).readUInt32BE());
}

function rawSecret(text: string): Uint8Array | null {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, "hex");
  if (!/^[\w+/-]{43}=?$/.test(text)) return null;
  const bytes = Buffer.from(text, "base64"); // takes both alphabets
  return bytes.length === SECRET_BYTES ? bytes : null;
}

function unreadable(what: string): SkypipeError {
  return new SkypipeError(
    "usage",
    `what was given as a key ${what}: skypipe keys export prints one, skypipe keys new makes one, and 32 random bytes in ` +
      "hex or base64 will do",
  );
}
