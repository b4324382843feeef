import type { Chunk } from "../../../satellite/wire/frame.ts";
import {
  encodeInfo,
  encodeSealHeader,
  joined,
  type SealedInfo,
  toBase64Url,
} from "../../../satellite/wire/sealing.ts";
import type { Sealer } from "../effects.ts";
import { ChunkCipher, sealInfo } from "./aead.ts";
import type { WriterKey } from "./keyring.ts";
import { encapsulate, partKeys, type StreamSecret } from "./stream-keys.ts";

/** Seals what one writer sends, in each stream that it goes on in [Z-8]. */
export class StreamSealer implements Sealer {
  readonly #pipe: string;
  readonly #agreed: StreamSecret;
  #part = -1;
  #cipher: ChunkCipher | null = null;

  constructor(agreed: StreamSecret, pipe: string) {
    this.#agreed = agreed;
    this.#pipe = pipe;
  }

  static async for(key: WriterKey): Promise<StreamSealer> {
    return new StreamSealer(await encapsulate(key), key.pipe);
  }

  field(part: number, info: SealedInfo): string {
    const { mode, keyId, enc, secret } = this.#agreed;
    const head = encodeSealHeader({ mode, keyId, enc, part });
    return toBase64Url(joined(head, sealInfo(partKeys(secret, head), encodeInfo(info))));
  }

  seal(part: number, chunk: Chunk, payload: Uint8Array): void {
    this.#of(part).seal(chunk, payload);
  }

  unseal(part: number, chunk: Chunk): Uint8Array {
    const payload = this.#of(part).open(chunk);
    if (payload === null) throw new Error("a chunk of our own does not open");
    return payload;
  }

  #of(part: number): ChunkCipher {
    if (this.#cipher === null || this.#part !== part) {
      const head = encodeSealHeader({ ...this.#agreed, part });
      this.#cipher = new ChunkCipher(partKeys(this.#agreed.secret, head), this.#pipe);
      this.#part = part;
    }
    return this.#cipher;
  }
}
