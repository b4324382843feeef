/** Layout of what the ends seal (PROTOCOL.md §14): pure, so that a page in a browser can open a stream as well. */
import { HEADER_BYTES } from "./frame.ts";
import { limits } from "./limits.ts";
import type { StreamInfo } from "./messages.ts";

/** How much longer a sealed chunk is than what it holds. */
export const SEAL_BYTES = 16;
/** What the largest sealed chunk holds. */
export const SEALED_BYTES_MAX: number = limits.chunkBytesMax - SEAL_BYTES;
export const KEY_ID_BYTES = 8;
export const SECRET_BYTES = 32;
export const NONCE_BYTES = 12;
/** Length of an encapsulated key of DHKEM(X25519), and of a public one. */
export const ENC_BYTES = 32;

const VERSION = 1;
const PART_AT: number = 2 + KEY_ID_BYTES + ENC_BYTES;
/** The part of `sealed` before the sealed info. */
export const SEAL_HEADER_BYTES: number = PART_AT + 4;

/** The words that keep one use of a key from another (Z-2, Z-3). */
export const SealLabel = {
  keyId: "skypipe v1 key id",
  pipe: "skypipe v1 pipe",
  recipient: "skypipe v1 recipient",
  psk: "skypipe v1 psk",
  stream: "skypipe v1 stream",
  streamSecret: "skypipe v1 stream secret",
  part: "skypipe v1 part",
  passphrase: "skypipe v1 passphrase",
} as const;

/** Who could have sealed a stream: a holder of the pipe's secret, or of its public key only. */
export const SealMode = { base: 0, psk: 1 } as const;
export type SealMode = (typeof SealMode)[keyof typeof SealMode];

/** What stands before the sealed info in `sealed`. */
export interface SealHeader {
  readonly mode: SealMode;
  readonly keyId: Uint8Array;
  /** HPKE's encapsulated key. */
  readonly enc: Uint8Array;
  /** 0 for a writer's first stream, one more each time it goes on in a new one [Z-8]. */
  readonly part: number;
}

/** What a writer tells its readers alone. */
export type SealedInfo = Pick<StreamInfo, "size" | "name" | "contentType" | "host">;

const encoder = new TextEncoder();

/** A label, alone or before what it is about: `label || 0x00 || context`. */
export function labelled(label: string, context: Uint8Array = new Uint8Array(0)): Uint8Array {
  return joined(encoder.encode(label), new Uint8Array(1), context);
}

/** HPKE's `info` for the streams of a pipe [Z-3]. */
export function streamContext(keyId: Uint8Array, pipe: string): Uint8Array {
  return labelled(SealLabel.stream, joined(keyId, encoder.encode(pipe)));
}

/** The first bytes of `sealed` [Z-4]. */
export function encodeSealHeader({ mode, keyId, enc, part }: SealHeader): Uint8Array {
  const head = joined(Uint8Array.of(VERSION, mode), keyId, enc, new Uint8Array(4));
  new DataView(head.buffer).setUint32(PART_AT, part);
  return head;
}

/** What `sealed` says. */
export interface Sealed extends SealHeader {
  /** What stands before the info: all of it goes into the keys. */
  readonly head: Uint8Array;
  /** Still sealed. */
  readonly info: Uint8Array;
}

/** Takes `sealed` apart [Z-4]: `later` where a later version of skypipe has made it, `damaged` where nobody has. */
export function decodeSealed(sealed: string): Sealed | "later" | "damaged" {
  const bytes = fromBase64Url(sealed);
  if (bytes === null || bytes.length === 0) return "damaged";
  if (bytes[0] !== VERSION) return "later";
  const mode = bytes[1];
  if (bytes.length < SEAL_HEADER_BYTES + SEAL_BYTES) return "damaged";
  if (mode !== SealMode.base && mode !== SealMode.psk) return "damaged";
  const encAt = 2 + KEY_ID_BYTES;
  return {
    mode,
    keyId: bytes.slice(2, encAt),
    enc: bytes.slice(encAt, PART_AT),
    part: new DataView(bytes.buffer).getUint32(PART_AT),
    head: bytes.slice(0, SEAL_HEADER_BYTES),
    info: bytes.slice(SEAL_HEADER_BYTES),
  };
}

/** Types of the fields of the info; 0 is the padding behind them [Z-5]. */
const texts = [
  ["name", 2],
  ["contentType", 3],
  ["host", 4],
] as const;
const SIZE_TYPE = 1;
/** The info is filled up to a multiple of this, so that its length tells little. */
const INFO_BLOCK_BYTES = 64;

/** The info before it is sealed [Z-5]. Texts are at most 255 bytes, as PROTOCOL.md §4 has it. */
export function encodeInfo(info: SealedInfo): Uint8Array {
  const parts: Uint8Array[] = [];
  if (info.size !== undefined) {
    const field = Uint8Array.of(SIZE_TYPE, 8, 0, 0, 0, 0, 0, 0, 0, 0);
    new DataView(field.buffer).setBigUint64(2, BigInt(info.size));
    parts.push(field);
  }
  for (const [name, type] of texts) {
    const text = info[name];
    if (text === undefined) continue;
    const bytes = encoder.encode(text);
    parts.push(Uint8Array.of(type, bytes.length), bytes);
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const padding = new Uint8Array((INFO_BLOCK_BYTES - (length % INFO_BLOCK_BYTES)) % INFO_BLOCK_BYTES);
  return joined(...parts, padding);
}

/** Reads the info; fields of later versions are left out [Z-5]. It was authenticated before. */
export function decodeInfo(bytes: Uint8Array): SealedInfo {
  const info: SealedInfo = {};
  const decoder = new TextDecoder();
  for (let at = 0; at + 2 <= bytes.length && bytes[at] !== 0; ) {
    const type = bytes[at];
    const value = bytes.subarray(at + 2, at + 2 + (bytes[at + 1] ?? 0));
    at += 2 + value.length;
    const text = texts.find(([, each]) => each === type)?.[0];
    if (text !== undefined) info[text] = decoder.decode(value);
    else if (type === SIZE_TYPE && value.length === 8) {
      info.size = Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0));
    }
  }
  return info;
}

/** The nonce of a chunk: the base nonce XOR its offset [Z-6]. Writes to `into`. */
export function writeNonce(into: Uint8Array, base: Uint8Array, offset: number): void {
  const view = new DataView(into.buffer, into.byteOffset, NONCE_BYTES);
  const from = new DataView(base.buffer, base.byteOffset, NONCE_BYTES);
  view.setUint32(0, from.getUint32(0));
  view.setUint32(4, from.getUint32(4) ^ Math.floor(offset / 2 ** 32));
  view.setUint32(8, from.getUint32(8) ^ (offset >>> 0));
}

/** Room for the associated data of a pipe's chunks; `writeAssociated` fills in the rest. */
export function associatedFor(pipe: string): Uint8Array {
  return joined(new Uint8Array(HEADER_BYTES), encoder.encode(pipe));
}

/** The associated data of a chunk: the header of its frame, then the pipe's name [Z-6]. */
export function writeAssociated(into: Uint8Array, frame: Uint8Array): void {
  into.set(frame.subarray(0, HEADER_BYTES));
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** RFC 4648 §5, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** `null` for what is not the one text of its bytes. */
export function fromBase64Url(text: string): Uint8Array | null {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return null;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  return toBase64Url(bytes) === text ? bytes : null;
}
