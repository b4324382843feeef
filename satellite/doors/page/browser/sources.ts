/** What can be sent from a page. */
import { Flag } from "../../../wire/frame.ts";
import { limits } from "../../../wire/limits.ts";
import type { Source } from "./upload.ts";

/** So much of a file is read at once. */
const READ_BYTES = 4 * 1024 * 1024;
const NAME_BYTES_MAX = 255;

/** A file is binary, and travels with its name. */
export function fileSource(file: File): Source {
  let block = new Uint8Array();
  let blockAt = -1;
  return {
    info: {
      kind: "binary",
      size: file.size,
      ...(fits(file.name) && { name: file.name }),
      ...(file.type !== "" && fits(file.type) && { contentType: file.type }),
    },
    size: file.size,
    async chunkAt(offset) {
      if (blockAt < 0 || offset < blockAt || offset >= blockAt + block.length) {
        block = new Uint8Array(await file.slice(offset, offset + READ_BYTES).arrayBuffer());
        blockAt = offset;
      }
      const at = offset - blockAt;
      return { payload: block.subarray(at, at + limits.chunkBytesMax), flags: Flag.binary };
    },
  };
}

/** A text ends in a newline, as one that is typed into a terminal does. */
export function textSource(text: string): Source {
  const bytes = new TextEncoder().encode(text === "" || text.endsWith("\n") ? text : `${text}\n`);
  return {
    info: { kind: "text", size: bytes.length },
    size: bytes.length,
    chunkAt: async (offset) => {
      const piece = bytes.subarray(offset, offset + limits.chunkBytesMax);
      const lineEnd = piece.lastIndexOf(0x0a) + 1; // [L-6]
      return lineEnd > 0
        ? { payload: piece.subarray(0, lineEnd), flags: Flag.boundary | Flag.line }
        : { payload: piece, flags: Flag.boundary };
    },
  };
}

function fits(text: string): boolean {
  return new TextEncoder().encode(text).length <= NAME_BYTES_MAX;
}
