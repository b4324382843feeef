/**
 * Whether a block is not text: it has a NUL, or more than a tenth of its bytes are in no UTF-8 text. A sequence that
 * the end of the block cuts is text.
 */
export function looksBinary(block: Uint8Array): boolean {
  if (block.length === 0) return false;
  let strange = 0;
  let at = 0;
  while (at < block.length) {
    if (block[at] === 0) return true;
    const length = sequenceLength(block, at);
    if (length === 0) strange++;
    at += Math.max(length, 1);
  }
  return strange * 10 > block.length;
}

/** Bytes of the UTF-8 sequence at `at` (RFC 3629, §4), up to the end of the block; 0 if there is none. */
function sequenceLength(block: Uint8Array, at: number): number {
  const first = block[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  for (let i = 1; i < length; i++) {
    const byte = block[at + i];
    if (byte === undefined) return i;
    const [low, high] = i === 1 ? secondByte(first) : [0x80, 0xbf];
    if (byte < low || byte > high) return 0;
  }
  return length;
}

/** What may follow: neither an overlong form nor a surrogate nor anything above U+10FFFF. */
function secondByte(first: number): readonly [number, number] {
  if (first === 0xe0) return [0xa0, 0xbf];
  if (first === 0xed) return [0x80, 0x9f];
  if (first === 0xf0) return [0x90, 0xbf];
  if (first === 0xf4) return [0x80, 0x8f];
  return [0x80, 0xbf];
}
