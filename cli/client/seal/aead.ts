/** AES-256-GCM of node:crypto, over the bytes of frames (PROTOCOL.md §14, Z-5, Z-6). */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { type Chunk, HEADER_BYTES } from "../../../satellite/wire/frame.ts";
import {
  associatedFor,
  NONCE_BYTES,
  SEAL_BYTES,
  writeAssociated,
  writeNonce,
} from "../../../satellite/wire/sealing.ts";
import type { PartKeys } from "./stream-keys.ts";

const ALGORITHM = "aes-256-gcm";
const ZEROS = new Uint8Array(NONCE_BYTES);
const LENGTHS = { authTagLength: SEAL_BYTES };

/** Seals and opens the chunks of one part. What it is given and gives back is not kept. */
export class ChunkCipher {
  readonly #keys: PartKeys;
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  readonly #associated: Uint8Array;

  constructor(keys: PartKeys, pipe: string) {
    this.#keys = keys;
    this.#associated = associatedFor(pipe);
  }

  /** Fills the frame behind its header. The same chunk twice gives the same bytes. */
  seal({ frame, offset }: Chunk, payload: Uint8Array): void {
    this.#address(frame, offset);
    const cipher = createCipheriv(ALGORITHM, this.#keys.chunkKey, this.#nonce, LENGTHS);
    cipher.setAAD(this.#associated);
    frame.set(cipher.update(payload), HEADER_BYTES);
    cipher.final();
    frame.set(cipher.getAuthTag(), HEADER_BYTES + payload.length);
  }

  /** What the chunk holds; `null` if it is not what was sealed. */
  open({ frame, offset }: Chunk): Uint8Array | null {
    const tagAt = frame.length - SEAL_BYTES;
    if (tagAt < HEADER_BYTES) return null;
    this.#address(frame, offset);
    const decipher = createDecipheriv(ALGORITHM, this.#keys.chunkKey, this.#nonce, LENGTHS);
    decipher.setAAD(this.#associated);
    decipher.setAuthTag(frame.subarray(tagAt));
    const payload = decipher.update(frame.subarray(HEADER_BYTES, tagAt));
    try {
      decipher.final();
    } catch {
      return null;
    }
    return payload;
  }

  #address(frame: Uint8Array, offset: number): void {
    writeNonce(this.#nonce, this.#keys.baseNonce, offset);
    writeAssociated(this.#associated, frame);
  }
}

/** The key seals nothing else, so the nonce is zero [Z-5]. */
export function sealInfo({ infoKey }: PartKeys, plain: Uint8Array): Uint8Array {
  const cipher = createCipheriv(ALGORITHM, infoKey, ZEROS, LENGTHS);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @returns `null` if it is not what was sealed */
export function openInfo({ infoKey }: PartKeys, sealed: Uint8Array): Uint8Array | null {
  const decipher = createDecipheriv(ALGORITHM, infoKey, ZEROS, LENGTHS);
  decipher.setAuthTag(sealed.subarray(-SEAL_BYTES));
  const plain = decipher.update(sealed.subarray(0, -SEAL_BYTES));
  try {
    decipher.final();
  } catch {
    return null;
  }
  return plain;
}
