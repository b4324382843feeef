/** Frames of WebSocket (RFC 6455 §5): their headers, their masks, and what a close frame says. */
import { WireError } from "./errors.ts";

export const Opcode = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/** Payload of a control frame, at most. */
const CONTROL_BYTES_MAX = 125;
/** The longest header: length in 64 bits, and a mask. */
export const WS_HEADER_BYTES_MAX = 14;

const FINAL = 0x80;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const LENGTH_16_MAX = 0xffff;

/** How the payload is masked: `null` not at all, as a server sends; a client sends a key of 32 bits, 0 changes nothing. */
export type Mask = number | null;

export function wsHeaderBytes(payloadBytes: number, mask: Mask): number {
  const lengthBytes = payloadBytes <= CONTROL_BYTES_MAX ? 0 : payloadBytes <= LENGTH_16_MAX ? 2 : 8;
  return 2 + lengthBytes + (mask === null ? 0 : 4);
}

/** Writes the header of an unfragmented frame. Returns where it ends. */
export function writeWsHeader(
  target: Uint8Array,
  at: number,
  opcode: Opcode,
  payloadBytes: number,
  mask: Mask,
): number {
  const masked = mask === null ? 0 : MASKED;
  let next = at;
  target[next++] = FINAL | opcode;
  if (payloadBytes <= CONTROL_BYTES_MAX) {
    target[next++] = masked | payloadBytes;
  } else if (payloadBytes <= LENGTH_16_MAX) {
    target[next++] = masked | LENGTH_16;
    target[next++] = payloadBytes >>> 8;
    target[next++] = payloadBytes;
  } else {
    target[next++] = masked | LENGTH_64;
    next = writeUint32(target, next, Math.floor(payloadBytes / 2 ** 32));
    next = writeUint32(target, next, payloadBytes);
  }
  return mask === null ? next : writeUint32(target, next, mask);
}

function writeUint32(target: Uint8Array, at: number, value: number): number {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
  return at + 4;
}

/** What the header of a frame says. */
export interface WsHeader {
  readonly isFinal: boolean;
  readonly opcode: Opcode;
  readonly mask: Mask;
  readonly payloadBytes: number;
}

/** How long the header is that begins with these bytes, as far as they tell: at least 2. */
export function wsHeaderBytesOf(head: Uint8Array, known: number): number {
  if (known < 2) return 2;
  const second = head[1] as number;
  const length = second & ~MASKED;
  const lengthBytes = length === LENGTH_16 ? 2 : length === LENGTH_64 ? 8 : 0;
  return 2 + lengthBytes + ((second & MASKED) === 0 ? 0 : 4);
}

const opcodes: ReadonlySet<number> = new Set(Object.values(Opcode));

/**
 * Reads a whole header.
 *
 * @throws WireError `protocol` for what no header may be
 */
export function readWsHeader(head: Uint8Array): WsHeader {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const first = view.getUint8(0);
  const second = view.getUint8(1);
  const opcode = first & 0x0f;
  const isFinal = (first & FINAL) !== 0;
  if ((first & 0x70) !== 0) throw broken("a reserved bit is set"); // [T-2] no extension gives it a meaning
  if (!opcodes.has(opcode)) throw broken("an opcode is reserved");
  const short = second & ~MASKED;
  let payloadBytes = short;
  if (short === LENGTH_16) payloadBytes = view.getUint16(2);
  else if (short === LENGTH_64) payloadBytes = view.getUint32(2) * 2 ** 32 + view.getUint32(6);
  const isMinimal =
    short <= CONTROL_BYTES_MAX || payloadBytes > (short === LENGTH_16 ? CONTROL_BYTES_MAX : LENGTH_16_MAX);
  if (!isMinimal) throw broken("a length is not as short as it can be");
  if (opcode >= Opcode.close) {
    if (!isFinal) throw broken("a control frame is fragmented");
    if (payloadBytes > CONTROL_BYTES_MAX) throw broken("a control frame is too long");
  }
  const isMasked = (second & MASKED) !== 0;
  const mask = isMasked ? view.getUint32(wsHeaderBytes(payloadBytes, null)) : null;
  return { isFinal, opcode: opcode as Opcode, mask, payloadBytes };
}

/** Copies `source` to `target`, masked or unmasked; `source[0]` is the byte of the payload at `phase`. */
export function copyMasked(
  source: Uint8Array,
  target: Uint8Array,
  at: number,
  mask: number,
  phase: number,
): void {
  target.set(source, at);
  if (mask !== 0) applyMask(target, at, source.length, mask, phase);
}

/** Masks or unmasks in place. */
export function applyMask(bytes: Uint8Array, at: number, length: number, mask: number, phase: number): void {
  if (mask === 0) return;
  const end = at + length;
  let next = at;
  let turn = phase & 3;
  // Byte by byte up to where the memory is aligned, then four at a time: five times as fast.
  while (next < end && ((bytes.byteOffset + next) & 3) !== 0) {
    bytes[next] = (bytes[next] as number) ^ (mask >>> (24 - 8 * turn));
    turn = (turn + 1) & 3;
    next++;
  }
  const words = (end - next) >> 2;
  if (words > 0) {
    const whole = new Uint32Array(bytes.buffer, bytes.byteOffset + next, words);
    const key = wordOf(mask, turn);
    for (let index = 0; index < words; index++) whole[index] = (whole[index] as number) ^ key;
    next += words * 4;
  }
  for (; next < end; next++) {
    bytes[next] = (bytes[next] as number) ^ (mask >>> (24 - 8 * turn));
    turn = (turn + 1) & 3;
  }
}

const keyBytes = new Uint8Array(4);
const keyWord = new Uint32Array(keyBytes.buffer);

/** The key from byte `turn` on, as this machine reads four bytes. */
function wordOf(mask: number, turn: number): number {
  for (let index = 0; index < 4; index++) keyBytes[index] = mask >>> (24 - 8 * ((turn + index) & 3));
  return keyWord[0] as number;
}

/** Codes that a close frame may carry (RFC 6455 §7.4). */
function isCloseCode(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) ||
    (code >= 3000 && code <= 4999)
  );
}

export interface WsClose {
  /** `null`: it said none. */
  readonly code: number | null;
  readonly reason: string;
}

/** @throws WireError `protocol` */
export function readClose(payload: Uint8Array): WsClose {
  if (payload.length === 0) return { code: null, reason: "" };
  if (payload.length === 1) throw broken("a close frame has half a code");
  const code = ((payload[0] as number) << 8) | (payload[1] as number);
  if (!isCloseCode(code)) throw broken("a close frame has a code that is not to be sent");
  return { code, reason: readUtf8(payload.subarray(2)) };
}

/** A reason that is too long is cut behind a letter. */
export function closePayload({ code, reason }: WsClose): Uint8Array {
  if (code === null) return new Uint8Array(0);
  const payload = new Uint8Array(CONTROL_BYTES_MAX);
  payload[0] = code >>> 8;
  payload[1] = code;
  const { written } = encoder.encodeInto(reason, payload.subarray(2));
  return payload.subarray(0, 2 + written);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @throws WireError `protocol` for what is no UTF-8 */
export function readUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new WireError("protocol", "a WebSocket frame breaks RFC 6455: text is not UTF-8", { cause });
  }
}

export function broken(how: string): WireError {
  return new WireError("protocol", `a WebSocket frame breaks RFC 6455: ${how}`);
}
