/** What can be sent from a page. */
import { Flag } from "../../../wire/frame.ts";
import type { Kind } from "../../../wire/messages.ts";
import type { SealedInfo } from "../../../wire/sealing.ts";
import { SEALED_BYTES_MAX } from "../../../wire/sealing.ts";

/** What is to be sent, in chunks that are the same whenever they are asked for. */
export interface Source {
  readonly kind: Kind;
  /** Sealed where there is a key. `size` is in bytes. */
  readonly info: SealedInfo & { readonly size: number };
  /** How many chunks; at least one, which may be empty. */
  readonly count: number;
  /** A chunk holds at most SEALED_BYTES_MAX. The flags are without FINAL. */
  chunk(index: number): Promise<{ payload: Uint8Array; flags: number }>;
}

/** So many chunks of a file are read at once. */
const READ_CHUNKS = 64;
const NAME_BYTES_MAX = 255;
const NEWLINE = 0x0a;

/** A file is binary, and travels with its name. */
export function fileSource(file: File): Source {
  let block = new Uint8Array();
  let first = -1;
  return {
    kind: "binary",
    info: {
      size: file.size,
      ...(fits(file.name) && { name: file.name }),
      ...(file.type !== "" && fits(file.type) && { contentType: file.type }),
    },
    count: Math.max(1, Math.ceil(file.size / SEALED_BYTES_MAX)),
    async chunk(index) {
      if (first < 0 || index < first || index >= first + READ_CHUNKS) {
        const at = index * SEALED_BYTES_MAX;
        block = new Uint8Array(await file.slice(at, at + READ_CHUNKS * SEALED_BYTES_MAX).arrayBuffer());
        first = index;
      }
      const at = (index - first) * SEALED_BYTES_MAX;
      return { payload: block.subarray(at, at + SEALED_BYTES_MAX), flags: Flag.binary };
    },
  };
}

/** A text ends in a newline, as one that is typed into a terminal does. */
export function textSource(text: string): Source {
  const bytes = new TextEncoder().encode(text === "" || text.endsWith("\n") ? text : `${text}\n`);
  const chunks = cut(bytes);
  return {
    kind: "text",
    info: { size: bytes.length },
    count: chunks.length,
    chunk: async (index) => chunks[index] ?? { payload: new Uint8Array(), flags: Flag.boundary },
  };
}

/** At the last end of a line that fits [L-6]. */
function cut(bytes: Uint8Array): { payload: Uint8Array; flags: number }[] {
  const chunks = [];
  for (let at = 0; at < bytes.length || at === 0; ) {
    const piece = bytes.subarray(at, at + SEALED_BYTES_MAX);
    const lineEnd = piece.lastIndexOf(NEWLINE) + 1;
    const payload = lineEnd > 0 ? piece.subarray(0, lineEnd) : piece;
    chunks.push({ payload, flags: lineEnd > 0 ? Flag.boundary | Flag.line : Flag.boundary });
    if (payload.length === 0) break;
    at += payload.length;
  }
  return chunks;
}

function fits(text: string): boolean {
  return new TextEncoder().encode(text).length <= NAME_BYTES_MAX;
}
