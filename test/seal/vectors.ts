/** The vectors of sealing, as tests want them. */
import { readFileSync } from "node:fs";

export interface HpkeVector {
  name: string;
  ikmE: string;
  ikmR: string;
  skRm: string;
  pkRm: string;
  enc: string;
  info: string;
  psk?: string;
  pskId?: string;
  exports: Record<string, string>;
}

/** A stream as it was sealed once. Bytes are in hex. */
export interface SealingVector {
  name: string;
  rules: string[];
  /** The text of the account's key, and what is derived of it for the pipe. */
  key: string;
  keyId: string;
  pipe: string;
  pipeKey: string;
  writeKey: string;
  sealed: string;
  /** What is sealed in `sealed`. */
  info: { size?: number; name?: string; contentType?: string; host?: string };
  chunkKey: string;
  baseNonce: string;
  infoKey: string;
  chunks: { frame: string; plain: string }[];
}

export interface PassphraseVector {
  name: string;
  rules: string[];
  passphrase: string;
  wrapped: string;
  key: string;
}

export const hpkeVectors: readonly HpkeVector[] = read("hpke");
const sealing: readonly (SealingVector | PassphraseVector)[] = read("sealing");
export const sealingVectors: readonly SealingVector[] = sealing.filter((each) => "sealed" in each);
export const passphraseVectors: readonly PassphraseVector[] = sealing.filter((each) => "wrapped" in each);

export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

function read<T>(file: string): T[] {
  return JSON.parse(readFileSync(new URL(`../wire/vectors/${file}.json`, import.meta.url), "utf8")) as T[];
}
