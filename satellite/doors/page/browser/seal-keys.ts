/** Keys as their texts have them (PROTOCOL.md §13, Z-1, Z-2), by WebCrypto. */
import { isPipeName } from "../../../wire/name.ts";
import {
  ENC_BYTES,
  fromBase64Url,
  joined,
  KEY_ID_BYTES,
  labelled,
  SECRET_BYTES,
  SealLabel,
  toBase64Url,
} from "../../../wire/sealing.ts";

/** What opens and seals one pipe. */
export interface PipeKey {
  readonly kind: "pipe";
  readonly id: Uint8Array;
  readonly secret: Uint8Array;
}

/** What only seals for one pipe. */
export interface WriteKey {
  readonly kind: "write";
  readonly id: Uint8Array;
  readonly publicKey: Uint8Array;
}

interface AccountKey {
  readonly kind: "account";
  readonly id: Uint8Array;
  readonly secret: Uint8Array;
}

type Key = AccountKey | ((PipeKey | WriteKey) & { readonly pipe: string });

const PREFIXES = { account: "skypipe_k1_", pipe: "skypipe_r1_", write: "skypipe_w1_" } as const;
const CHECK_BYTES = 3;
const TIME_BYTES = 4;
/** Older keys are for what was sealed before they were rotated; a link must not grow for ever. */
const LINK_KEYS_MAX = 8;

/** All that somebody has given, the newest first. */
export class Keyring {
  readonly #keys: readonly Key[];

  private constructor(keys: readonly Key[]) {
    this.#keys = keys;
  }

  /** Keys with white space between them; `null` where there is none. Rejects with a sentence for what is no key. */
  static async parse(text: string): Promise<Keyring | null> {
    const texts = text.split(/[\s,]+/).filter((each) => each !== "");
    // Browsers keep cryptography from pages that somebody on the way could have changed.
    if (texts.length > 0 && !isSecureContext) throw new Error("To use a key, open this page over https.");
    return texts.length === 0 ? null : new Keyring(await Promise.all(texts.map(parseKey)));
  }

  /** What seals for the pipe; `null` where no key does. */
  async writer(pipe: string): Promise<PipeKey | WriteKey | null> {
    const key = this.#keys.find((each) => each.kind === "account" || each.pipe === pipe);
    if (key === undefined) return null;
    return key.kind === "account" ? pipeKey(key, pipe) : key;
  }

  /** What opens what was sealed with the key of this id; `null` where no key does. */
  async reader(pipe: string, id: Uint8Array): Promise<PipeKey | null> {
    const name = toBase64Url(id);
    for (const key of this.#keys) {
      if (toBase64Url(key.id) !== name) continue;
      if (key.kind === "account") return pipeKey(key, pipe);
      if (key.kind === "pipe" && key.pipe === pipe) return key;
    }
    return null;
  }

  /** What a link to a pipe carries for who may read it: its secrets, the newest first; `null` where there are none. */
  async readerText(pipe: string): Promise<string | null> {
    const texts: string[] = [];
    for (const key of this.#keys.slice(0, LINK_KEYS_MAX)) {
      if (key.kind === "write" || (key.kind === "pipe" && key.pipe !== pipe)) continue;
      const { id, secret } = key.kind === "account" ? await pipeKey(key, pipe) : key;
      texts.push(await textOf(PREFIXES.pipe, id, secret, pipe));
    }
    return texts.length === 0 ? null : texts.join(",");
  }

  /** The same for who may only write: the public key, which opens nothing [Z-2]. */
  async writerText(pipe: string, publicKeyOf: (key: PipeKey) => Promise<Uint8Array>): Promise<string | null> {
    const key = await this.writer(pipe);
    if (key === null) return null;
    const publicKey = key.kind === "write" ? key.publicKey : await publicKeyOf(key);
    return textOf(PREFIXES.write, key.id, publicKey, pipe);
  }
}

async function textOf(prefix: string, id: Uint8Array, bytes: Uint8Array, pipe: string): Promise<string> {
  const body = joined(id, bytes, new TextEncoder().encode(pipe));
  return formatKey(prefix, body, await checkOf(prefix, body));
}

/** HKDF-SHA-256 with an empty salt (RFC 5869). */
export async function derive(secret: Uint8Array, info: Uint8Array, length: number): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey("raw", secret as BufferSource, "HKDF", false, ["deriveBits"]);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: info as BufferSource };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, length * 8));
}

async function pipeKey({ id, secret }: AccountKey, pipe: string): Promise<PipeKey> {
  const context = labelled(SealLabel.pipe, new TextEncoder().encode(pipe));
  return { kind: "pipe", id, secret: await derive(secret, context, SECRET_BYTES) };
}

async function parseKey(text: string): Promise<Key> {
  const raw = rawSecret(text);
  if (raw !== null) return accountKey(raw);
  const [kind, prefix] = Object.entries(PREFIXES).find(([, each]) => text.startsWith(each)) ?? [];
  const bytes = prefix === undefined ? null : fromBase64Url(text.slice(prefix.length));
  if (prefix === undefined || bytes === null)
    throw new Error("That is no key: skypipe keys export prints one.");
  const body = bytes.slice(0, -CHECK_BYTES);
  if (formatKey(prefix, body, await checkOf(prefix, body)) !== text) {
    throw new Error("The key is not complete, or has a letter wrong.");
  }
  if (kind === "account") {
    return accountKey(body.slice(TIME_BYTES));
  }
  const id = body.slice(0, KEY_ID_BYTES);
  const secret = body.slice(KEY_ID_BYTES, KEY_ID_BYTES + ENC_BYTES);
  const pipe = new TextDecoder().decode(body.subarray(KEY_ID_BYTES + ENC_BYTES));
  if (secret.length !== SECRET_BYTES || !isPipeName(pipe)) throw new Error("The key is damaged.");
  return kind === "pipe" ? { kind, id, pipe, secret } : { kind: "write", id, pipe, publicKey: secret };
}

async function accountKey(secret: Uint8Array): Promise<AccountKey> {
  return { kind: "account", id: await derive(secret, labelled(SealLabel.keyId), KEY_ID_BYTES), secret };
}

/** 32 bytes in hex or base64 are an account's key as well. */
function rawSecret(text: string): Uint8Array | null {
  if (/^[0-9a-f]{64}$/i.test(text)) {
    return Uint8Array.from({ length: SECRET_BYTES }, (_, at) =>
      Number.parseInt(text.slice(at * 2, at * 2 + 2), 16),
    );
  }
  if (!/^[\w+/-]{43}=?$/.test(text)) return null;
  return fromBase64Url(text.replaceAll("+", "-").replaceAll("/", "_").replace("=", ""));
}

async function checkOf(prefix: string, bytes: Uint8Array): Promise<Uint8Array> {
  const all = joined(new TextEncoder().encode(prefix), bytes);
  const digest = await crypto.subtle.digest("SHA-256", all as BufferSource);
  return new Uint8Array(digest).subarray(0, CHECK_BYTES);
}

function formatKey(prefix: string, bytes: Uint8Array, check: Uint8Array): string {
  return prefix + toBase64Url(joined(bytes, check));
}
