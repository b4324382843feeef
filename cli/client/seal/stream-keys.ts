/** From a pipe's key to the keys of one stream (PROTOCOL.md §14, Z-3, Z-4). */
import {
  ENC_BYTES,
  labelled,
  NONCE_BYTES,
  SECRET_BYTES,
  type SealHeader,
  SealLabel,
  SealMode,
  streamContext,
} from "../../../satellite/wire/sealing.ts";
import { derive } from "./key.ts";
import type { ReaderKey, WriterKey } from "./keyring.ts";
import { suite } from "./suite.ts";

/** What a writer and its readers have agreed on. */
export interface StreamSecret extends Omit<SealHeader, "part"> {
  readonly secret: Uint8Array;
}

/** Keys of one part of a stream. */
export interface PartKeys {
  readonly chunkKey: Uint8Array;
  readonly baseNonce: Uint8Array;
  readonly infoKey: Uint8Array;
}

const KEY_BYTES = 32;
const EXPORTED = labelled(SealLabel.streamSecret);

/** A writer's side [Z-3]. */
export async function encapsulate(key: WriterKey): Promise<StreamSecret> {
  const recipient =
    key.kind === "write"
      ? await suite.DeserializePublicKey(key.publicKey)
      : (await recipientPair(key)).publicKey;
  const { encapsulatedSecret, exportedSecret } = await suite.SendExport(recipient, EXPORTED, SECRET_BYTES, {
    info: streamContext(key.id, key.pipe),
    ...(key.kind === "pipe" && pskOf(key)),
  });
  const mode = key.kind === "pipe" ? SealMode.psk : SealMode.base;
  return { mode, keyId: key.id, enc: encapsulatedSecret, secret: exportedSecret };
}

/** A reader's side [Z-3]. Throws where `enc` is no public key. */
export async function decapsulate(key: ReaderKey, { mode, enc }: SealHeader): Promise<Uint8Array> {
  return suite.ReceiveExport(await recipientPair(key), enc, EXPORTED, SECRET_BYTES, {
    info: streamContext(key.id, key.pipe),
    ...(mode === SealMode.psk && pskOf(key)),
  });
}

/** The public key with which one can only write to the pipe [Z-2]. */
export async function publicKeyOf(key: ReaderKey): Promise<Uint8Array> {
  return suite.SerializePublicKey((await recipientPair(key)).publicKey);
}

function recipientPair({ secret }: ReaderKey): ReturnType<typeof suite.DeriveKeyPair> {
  return suite.DeriveKeyPair(derive(secret, labelled(SealLabel.recipient), ENC_BYTES), true);
}

function pskOf({ id, secret }: ReaderKey): { psk: Uint8Array; pskId: Uint8Array } {
  return { psk: derive(secret, labelled(SealLabel.psk), KEY_BYTES), pskId: id };
}

/** @param head what stands before the info in `sealed`: all of it goes into the keys [Z-4] */
export function partKeys(secret: Uint8Array, head: Uint8Array): PartKeys {
  const keys = derive(secret, labelled(SealLabel.part, head), KEY_BYTES + NONCE_BYTES + KEY_BYTES);
  return {
    chunkKey: keys.subarray(0, KEY_BYTES),
    baseNonce: keys.subarray(KEY_BYTES, KEY_BYTES + NONCE_BYTES),
    infoKey: keys.subarray(KEY_BYTES + NONCE_BYTES),
  };
}
