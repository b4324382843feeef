/** Binary streams whose start is missing: nobody can begin them any more [L-4]. */
import type { Context } from "./context.ts";
import type { Cursor } from "./cursor.ts";
import { abortStream, closeIfOver, OUT_OF_REACH } from "./endings.ts";
import { withdraw } from "./join.ts";
import { match } from "./offer.ts";
import { Phase } from "./reader.ts";
import type { Stream } from "./stream.ts";

/** What went live to readers who have gone since is of no use to others. */
export function abortIfMissed(ctx: Context, stream: Stream): void {
  if (stream.isIntact || !stream.isBinary || stream.isTaken) return;
  giveBackMissed(ctx, stream);
  if (!stream.isHeld) abortStream(ctx, stream, OUT_OF_REACH);
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
