/** Streams sealed and opened in the browser (PROTOCOL.md §13), with HPKE from the library and AES-GCM of WebCrypto. */
import { AEAD_EXPORT_ONLY, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from "hpke";
import { type Chunk, Flag, HEADER_BYTES, hasFlag } from "../../../wire/frame.ts";
import type { StreamBegins } from "../../../wire/messages.ts";
import {
  associatedFor,
  decodeInfo,
  decodeSealed,
  ENC_BYTES,
  encodeInfo,
  encodeSealHeader,
  joined,
  labelled,
  NONCE_BYTES,
  SECRET_BYTES,
  type SealedInfo,
  type SealHeader,
  SealLabel,
  SealMode,
  streamContext,
  toBase64Url,
  writeAssociated,
  writeNonce,
} from "../../../wire/sealing.ts";
import { derive, type Keyring, type PipeKey, type WriteKey } from "./seal-keys.ts";

const KEY_BYTES = 32;
const EXPORTED = labelled(SealLabel.streamSecret);
const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_EXPORT_ONLY);

/** Seals one stream. */
export interface Sealer {
  /** For `open`. */
  readonly sealed: string;
  /** Seals the chunk of a frame that begins at `offset` on the wire. */
  seal(frame: Uint8Array, offset: number): Promise<Uint8Array>;
}

export async function sealerFor(key: PipeKey | WriteKey, pipe: string, info: SealedInfo): Promise<Sealer> {
  const isPipe = key.kind === "pipe";
  const recipient = isPipe ? (await pairOf(key)).publicKey : await suite.DeserializePublicKey(key.publicKey);
  const { encapsulatedSecret, exportedSecret } = await suite.SendExport(recipient, EXPORTED, SECRET_BYTES, {
    info: streamContext(key.id, pipe),
    ...(isPipe && (await pskOf(key))),
  });
  const mode = isPipe ? SealMode.psk : SealMode.base;
  const head = encodeSealHeader({ mode, keyId: key.id, enc: encapsulatedSecret, part: 0 });
  const keys = await partKeys(exportedSecret, head);
  const cipher = new ChunkCipher(keys, pipe);
  return {
    sealed: toBase64Url(joined(head, await sealInfo(keys, encodeInfo(info)))),
    seal: (frame, offset) => cipher.seal(frame, offset),
  };
}

/** The public key with which one can only write to the pipe [Z-2]. */
export async function publicKeyOf(key: PipeKey): Promise<Uint8Array> {
  return suite.SerializePublicKey((await pairOf(key)).publicKey);
}

/** Opens one stream. What is not as it was sealed rejects [Z-9]. */
export class Opener {
  /** The stream with what was sealed about it. */
  readonly shown: StreamBegins;
  readonly #cipher: ChunkCipher;
  #isComplete = false;

  private constructor(shown: StreamBegins, cipher: ChunkCipher) {
    this.shown = shown;
    this.#cipher = cipher;
  }

  static async for(keyring: Keyring | null, pipe: string, begins: StreamBegins): Promise<Opener> {
    const { type, ref, stream, offset, kind, sealed = "" } = begins;
    const seal = decodeSealed(sealed);
    if (seal === "later") throw new Error("The stream was sealed by a later version of skypipe.");
    if (seal === "damaged") throw tampered("its seal is damaged");
    const key = await keyring?.reader(pipe, seal.keyId);
    if (!key) throw new Error("The stream is sealed, and this page has no key for it: it stays in the pipe.");
    const secret = await decapsulate(key, pipe, seal);
    const keys = await partKeys(secret, seal.head);
    const info = await openInfo(keys, seal.info);
    const shown = { type, ref, stream, offset, sealed, ...(kind && { kind }), ...decodeInfo(info) };
    return new Opener(shown, new ChunkCipher(keys, pipe));
  }

  async open(chunk: Chunk): Promise<Uint8Array> {
    const plain = await this.#cipher.open(chunk.frame, chunk.offset);
    const isBinary = hasFlag(chunk, Flag.binary);
    if (this.shown.kind === (isBinary ? "text" : "binary")) throw tampered("it is of another kind");
    if (isBinary && this.shown.offset > 0) throw tampered("its beginning is missing");
    if (hasFlag(chunk, Flag.final)) this.#isComplete = true;
    return plain;
  }

  /** That a stream was aborted needs no proof; that it is complete does. */
  end(isAborted: boolean): void {
    if (!isAborted && !this.#isComplete) throw tampered("its end is missing");
  }
}

interface PartKeys {
  readonly chunkKey: CryptoKey;
  readonly baseNonce: Uint8Array;
  readonly infoKey: CryptoKey;
}

/** AES-256-GCM over the chunks of one part [Z-6]. */
class ChunkCipher {
  readonly #keys: PartKeys;
  readonly #pipe: string;

  constructor(keys: PartKeys, pipe: string) {
    this.#keys = keys;
    this.#pipe = pipe;
  }

  async seal(frame: Uint8Array, offset: number): Promise<Uint8Array> {
    const sealed = await crypto.subtle.encrypt(
      this.#address(frame, offset),
      this.#keys.chunkKey,
      bodyOf(frame),
    );
    return joined(frame.subarray(0, HEADER_BYTES), new Uint8Array(sealed));
  }

  async open(frame: Uint8Array, offset: number): Promise<Uint8Array> {
    const address = this.#address(frame, offset);
    const plain = await crypto.subtle.decrypt(address, this.#keys.chunkKey, bodyOf(frame)).catch(() => null);
    if (plain === null) throw tampered(`the chunk at ${offset} is not as it was sealed`);
    return new Uint8Array(plain);
  }

  #address(frame: Uint8Array, offset: number): AesGcmParams {
    const iv = new Uint8Array(NONCE_BYTES);
    const additionalData = associatedFor(this.#pipe);
    writeNonce(iv, this.#keys.baseNonce, offset);
    writeAssociated(additionalData, frame);
    return { name: "AES-GCM", iv, additionalData: additionalData as BufferSource };
  }
}

function bodyOf(frame: Uint8Array): BufferSource {
  return frame.subarray(HEADER_BYTES) as BufferSource;
}

async function decapsulate(key: PipeKey, pipe: string, { mode, enc }: SealHeader): Promise<Uint8Array> {
  const options = { info: streamContext(key.id, pipe), ...(mode === SealMode.psk && (await pskOf(key))) };
  return suite.ReceiveExport(await pairOf(key), enc, EXPORTED, SECRET_BYTES, options).catch(() => {
    throw tampered("its seal is damaged");
  });
}

async function pairOf({ secret }: PipeKey): ReturnType<typeof suite.DeriveKeyPair> {
  return suite.DeriveKeyPair(await derive(secret, labelled(SealLabel.recipient), ENC_BYTES), true);
}

async function pskOf({ id, secret }: PipeKey): Promise<{ psk: Uint8Array; pskId: Uint8Array }> {
  return { psk: await derive(secret, labelled(SealLabel.psk), KEY_BYTES), pskId: id };
}

/** [Z-4] */
async function partKeys(secret: Uint8Array, head: Uint8Array): Promise<PartKeys> {
  const length = KEY_BYTES + NONCE_BYTES + KEY_BYTES;
  const bytes = await derive(secret, labelled(SealLabel.part, head), length);
  return {
    chunkKey: await aesKey(bytes.subarray(0, KEY_BYTES)),
    baseNonce: bytes.subarray(KEY_BYTES, KEY_BYTES + NONCE_BYTES),
    infoKey: await aesKey(bytes.subarray(KEY_BYTES + NONCE_BYTES)),
  };
}

async function aesKey(bytes: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes as BufferSource, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** The key seals nothing else, so the nonce is zero [Z-5]. */
async function sealInfo({ infoKey }: PartKeys, plain: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.encrypt(zeroNonce(), infoKey, plain as BufferSource));
}

async function openInfo({ infoKey }: PartKeys, sealed: Uint8Array): Promise<Uint8Array> {
  const plain = await crypto.subtle.decrypt(zeroNonce(), infoKey, sealed as BufferSource).catch(() => null);
  if (plain === null) throw tampered("its seal does not open with the key that it names");
  return new Uint8Array(plain);
}

function zeroNonce(): AesGcmParams {
  return { name: "AES-GCM", iv: new Uint8Array(NONCE_BYTES) };
}

function tampered(what: string): Error {
  return new Error(`The stream was changed on its way: ${what}. It stays in the pipe.`);
}
