/** Taps and peeks: they see without being counted [L-14]. */
import { Flag, hasFlag } from "../wire/frame.ts";
import type { Cursor } from "./cursor.ts";
import type { Stream } from "./stream.ts";

/** Lets a tap go on where memory still has what comes next, at a line start of text. It is told of what it missed then. */
export function catchUp(cursor: Cursor): void {
  const { stream } = cursor;
  const heldFrom = stream.memory.first?.offset ?? stream.head;
  if (cursor.isSkipping || cursor.next >= heldFrom) return;
  if (cursor.acked < cursor.next) return; // what is on its way counts against the window
  const lineStart = stream.isBinary ? heldFrom : firstLineStart(stream, heldFrom);
  cursor.skipTo(lineStart ?? stream.head);
  cursor.isSkipping = lineStart === null;
}

function firstLineStart(stream: Stream, from: number): number | null {
  for (const chunk of stream.memory.from(from)) {
    if (hasFlag(chunk, Flag.line) && !hasFlag(chunk, Flag.final)) return chunk.end;
  }
  return stream.isAtLineStart ? stream.head : null;
}
