/** What a WebSocket needs of chance and of hashing. */
import { createHash, randomFillSync } from "node:crypto";
import { ACCEPT_GUID } from "../../satellite/wire/websocket-handshake.ts";

/** Masks that are made at once. */
const MASKS = 1024;

/** Chance for one connection. */
export class Nonce {
  /** For `Sec-WebSocket-Key`: 16 random bytes in base64. */
  readonly key: string = randomFillSync(Buffer.alloc(16)).toString("base64");
  readonly #masks: Uint32Array = new Uint32Array(MASKS);
  #masksUsed: number = MASKS;

  /** What `Sec-WebSocket-Accept` has to be (RFC 6455 §4.2.2). */
  get accept(): string {
    return createHash("sha1").update(`${this.key}${ACCEPT_GUID}`).digest("base64");
  }

  /** A key that nobody can foresee, to mask one frame (RFC 6455 §5.3). */
  mask(): number {
    if (this.#masksUsed === MASKS) {
      randomFillSync(this.#masks);
      this.#masksUsed = 0;
    }
    return this.#masks[this.#masksUsed++] as number;
  }
}
