/** What a WebSocket needs of chance and of hashing. */
import { ACCEPT_GUID } from "../../satellite/wire/websocket-handshake.ts";
import { nodeCrypto } from "./node-crypto.ts";

/** Masks that are made at once. */
const MASKS = 1024;
const KEY_BYTES = 16;

/** A `Sec-WebSocket-Key`. It only keeps an answer to somebody else from being taken for ours: any chance will do. */
export function handshakeKey(): string {
  return Buffer.from(Array.from({ length: KEY_BYTES }, () => Math.random() * 256)).toString("base64");
}

/** The `Sec-WebSocket-Accept` that answers a key (RFC 6455 §4.2.2). */
export function acceptOf(key: string): string {
  return nodeCrypto().createHash("sha1").update(`${key}${ACCEPT_GUID}`).digest("base64");
}

/** Gives keys that nobody can foresee, each to mask one frame (RFC 6455 §5.3). */
export function maskKeys(): () => number {
  const { randomFillSync } = nodeCrypto();
  const masks = new Uint32Array(MASKS);
  let used = MASKS;
  return () => {
    if (used === MASKS) {
      randomFillSync(masks);
      used = 0;
    }
    return masks[used++] as number;
  };
}
