import { limits } from "./limits.ts";

/** What a pipe's name may be, in words for an error (PROTOCOL.md §1). */
export const NAME_RULE: string = `a pipe's name is at most ${limits.pipeNameBytesMax} bytes of UTF-8 without control characters`;

/** Whether `name` may name a pipe (PROTOCOL.md §1) [C-4]. The empty name is the default pipe. */
export function isPipeName(name: string): boolean {
  return (
    !/[\u0000-\u001f\u007f-\u009f]/.test(name) &&
    !hasLoneSurrogate(name) &&
    fitsUtf8(name, limits.pipeNameBytesMax)
  );
}

/** Whether `text` is at most `bytesMax` bytes of UTF-8. Encodes only what its length does not decide. */
export function fitsUtf8(text: string, bytesMax: number): boolean {
  if (text.length > bytesMax) return false;
  return text.length * 3 <= bytesMax || encoder.encode(text).length <= bytesMax;
}

const encoder = new TextEncoder();

function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}
