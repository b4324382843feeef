import { type Chunk, Flag, hasFlag } from "../../../satellite/wire/frame.ts";
import type { StreamBegins } from "../../../satellite/wire/messages.ts";
import { decodeInfo, decodeSealed, SealMode } from "../../../satellite/wire/sealing.ts";
import type { DeliveredStream, EndCause } from "../types.ts";
import { ChunkCipher, openInfo } from "./aead.ts";
import { keyName } from "./key.ts";
import type { Keyring } from "./keyring.ts";
import { laterVersion, tampered, unknownKey } from "./refusals.ts";
import { decapsulate, partKeys } from "./stream-keys.ts";

/** Opens one sealed stream for its reader. What is not as its writer sealed it is `tampered` [Z-9]. */
export class StreamOpener {
  /** The stream with what was sealed about it. What the satellite says of this in clear does not count [Z-5]. */
  readonly shown: DeliveredStream;
  readonly #cipher: ChunkCipher;
  /** The end that its writer has sealed. */
  #end: EndCause | null = null;

  private constructor(shown: DeliveredStream, cipher: ChunkCipher) {
    this.shown = shown;
    this.#cipher = cipher;
  }

  /** @throws SkypipeError `no-key`, `tampered` */
  static async for(keyring: Keyring, pipe: string, begins: StreamBegins): Promise<StreamOpener> {
    const { type, ref, stream, offset, kind, sealed = "" } = begins;
    const seal = decodeSealed(sealed);
    if (seal === "later") throw laterVersion();
    if (seal === "damaged") throw tampered("its seal is damaged");
    const key = keyring.readerKey(pipe, seal.keyId);
    if (key === null) throw unknownKey(keyName({ id: seal.keyId }));
    const secret = await decapsulate(key, seal).catch((cause: unknown) => {
      throw tampered("its seal is damaged", cause);
    });
    const keys = partKeys(secret, seal.head);
    const info = openInfo(keys, seal.info);
    if (info === null) throw tampered("its seal does not open with the key that it names");
    const shown: DeliveredStream = {
      type,
      ref,
      stream,
      offset,
      sealed,
      ...(kind !== undefined && { kind }),
      ...decodeInfo(info),
      sealedBy: seal.mode === SealMode.psk ? "account" : "link",
    };
    return new StreamOpener(shown, new ChunkCipher(keys, pipe));
  }

  /** @throws SkypipeError `tampered` */
  open(chunk: Chunk): Uint8Array {
    const plain = this.#cipher.open(chunk);
    if (plain === null) throw tampered(`the chunk at ${chunk.offset} is not as it was sealed`);
    const { kind = "", offset } = this.shown;
    const isBinary = hasFlag(chunk, Flag.binary);
    if (kind === (isBinary ? "text" : "binary"))
      throw tampered("it is not of the kind that it was said to be");
    if (isBinary && offset > 0) throw tampered("its beginning is missing");
    if (hasFlag(chunk, Flag.final)) this.#end = hasFlag(chunk, Flag.interrupted) ? "interrupted" : "eof";
    return plain;
  }

  /** That a stream was aborted needs no proof; that it is complete does. Throws SkypipeError `tampered`. */
  end(cause: EndCause): void {
    if (cause !== "aborted" && cause !== this.#end) throw tampered("its end is missing");
  }
}
