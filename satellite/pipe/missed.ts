/** Streams of which a part went live to readers who have gone, or were forgotten: who lacks it cannot have the rest [L-4] [S-11]. */
import type { Context } from "./context.ts";
import type { Cursor } from "./cursor.ts";
import { abortStream, closeIfOver, OUT_OF_REACH } from "./endings.ts";
import { comeBack, noteHad, removeCursor, withdraw } from "./join.ts";
import { match } from "./offer.ts";
import { Phase, type Reader } from "./reader.ts";
import type { Stream } from "./stream.ts";

/** What went live to readers who have gone since is of no use to others. */
export function abortIfMissed(ctx: Context, stream: Stream): void {
  if (stream.isIntact || !stream.isBinary || stream.isTaken) return;
  giveBackMissed(ctx, stream);
  if (!stream.isHeld) abortStream(ctx, stream, OUT_OF_REACH);
}

/**
 * A restart has forgotten who had the stream, so that others began it [S-11]: what its writer cannot send again they do
 * not get. Who has had nothing yet begins behind it; a follower of text is told of the gap, and goes on there; for
 * everybody else it ends as aborted.
 */
export function leaveOutMissed(ctx: Context, stream: Stream): void {
  if (stream.isGone) return;
  for (const cursor of stream.cursors) {
    if (cursor.isRestored || cursor.next >= stream.heldFrom) continue;
    const goesOn = cursor.isUntouched || (cursor.reader.mode === "follow" && !stream.isBinary);
    if (goesOn) cursor.skipTo(stream.heldFrom);
    else breakOff(ctx, cursor);
  }
}

/** Tells a reader that it gets no more of a stream, which a restart has forgotten or given to somebody else [S-11]. */
export function tellBroken(ctx: Context, reader: Reader, stream: number, offset: number): void {
  const reason = "the satellite has lost power, and forgotten who had it";
  reader.session.send(ctx, { type: "aborted", ref: reader.ref, stream, offset, code: "aborted", reason });
}

function breakOff(ctx: Context, cursor: Cursor): void {
  const { reader, stream } = cursor;
  tellBroken(ctx, reader, stream.id, cursor.next);
  removeCursor(ctx, cursor);
  noteHad(ctx, reader, stream);
  comeBack(ctx, stream);
  closeIfOver(ctx, reader);
}

/** Those who hold it, and have got nothing of it, give it back. */
export function giveBackMissed(ctx: Context, stream: Stream): void {
  for (const cursor of stream.cursors) if (cursor.hasMissedStart) giveBack(ctx, cursor);
}

/** The reader goes on as if it had never had the stream, of which it has got nothing. */
function giveBack(ctx: Context, cursor: Cursor): void {
  const { reader } = cursor;
  withdraw(ctx, cursor);
  if (reader.mode === "follow") return;
  if (reader.hasBegun || reader.cursors.size > 0) closeIfOver(ctx, reader);
  else reader.enter(ctx, Phase.waiting);
  match(ctx, reader.pipe);
}
