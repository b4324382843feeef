/** Taps and peeks: they see without being counted [L-14]. */
import { Flag, hasFlag } from "../wire/frame.ts";
import type { Context } from "./context.ts";
import type { Cursor } from "./cursor.ts";

/** Lets a tap go on where memory still has what comes next, at a line start of text, and tells it what it missed. */
export function catchUp(ctx: Context, cursor: Cursor): void {
  const { reader, stream } = cursor;
  const heldFrom = stream.memory.first?.offset ?? stream.head;
  if (cursor.isSkipping || cursor.next >= heldFrom) return;
  const lineStart = stream.isBinary ? heldFrom : firstLineStart(cursor, heldFrom);
  cursor.skipTo(lineStart ?? stream.head);
  cursor.isSkipping = lineStart === null;
  if (cursor.isAnnounced) {
    reader.session.send(ctx, { type: "gap", ref: reader.ref, stream: stream.id, offset: cursor.next });
  }
}

/** Moves a cursor that joined in mid-line past a chunk that has just arrived; behind the end of a line it begins. */
export function skip(cursor: Cursor, end: number, endsLine: boolean): void {
  cursor.skipTo(end);
  cursor.isSkipping = !endsLine;
}

function firstLineStart(cursor: Cursor, from: number): number | null {
  for (const chunk of cursor.stream.memory.from(from)) {
    if (hasFlag(chunk, Flag.line) && !hasFlag(chunk, Flag.final)) return chunk.end;
  }
  return null;
}
