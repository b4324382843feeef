/** The way of a chunk that has arrived: to whoever reads, and into the store where it must. */
import { type Chunk, Flag, hasFlag } from "../wire/frame.ts";
import type { Kind } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { Cursor } from "./cursor.ts";
import { closeDeliveries, closeIfOver, cutLaggards, expireLater, settle } from "./endings.ts";
import { abortIfMissed, giveBackMissed } from "./missed.ts";
import { match, turnBinary } from "./offer.ts";
import { pump } from "./pump.ts";
import type { Stream } from "./stream.ts";

/** Takes a chunk from the stream's writer. Throws WireError [W-1] [W-2] [F-6]. */
export function receiveChunk(ctx: Context, stream: Stream, chunk: Chunk): void {
  if (stream.writer.failure !== null || stream.isGone) return;
  const isKindNews = stream.kind === null;
  if (!stream.receive(ctx, chunk)) return;
  stream.pipe.passedBytes += chunk.end - chunk.offset;
  if (isKindNews) learnKind(ctx, stream, hasFlag(chunk, Flag.binary) ? "binary" : "text");
  passOn(ctx, stream, chunk);
  if (!stream.isRunning) {
    stream.pipe.runningCount--;
    stream.pipe.unended.delete(stream);
    closeDeliveries(ctx, stream);
  }
  for (const cursor of stream.cursors) pump(ctx, cursor.reader);
  for (const cursor of stream.spectators) pump(ctx, cursor.reader);
  cutLaggards(ctx, stream);
  settle(ctx, stream);
  expireLater(ctx, stream);
  if (isKindNews) abortIfMissed(ctx, stream); // after a restart that has forgotten it
}

/** The first chunk says which kind the stream is [W-7]; or a reader does, when that was forgotten [S-10]. */
export function learnKind(ctx: Context, stream: Stream, kind: Kind): void {
  ctx.notebook.note(stream);
  stream.kind = kind;
  if (!stream.isBinary) return;
  giveBackMissed(ctx, stream);
  for (const reader of turnBinary(ctx, stream)) closeIfOver(ctx, reader);
  match(ctx, stream.pipe);
}

/** Makes the chunk pending for everybody who has it from here on. */
function passOn(ctx: Context, stream: Stream, chunk: Chunk): void {
  const endsLine = hasFlag(chunk, Flag.line) && !hasFlag(chunk, Flag.final);
  for (const cursors of [stream.cursors, stream.spectators]) {
    for (const cursor of cursors) {
      if (!cursor.isSkipping) cursor.reader.pending.add(cursor);
      else if (cursor.isRestored) cursor.lineStart ??= endsLine ? chunk.end : null;
      else skip(ctx, cursor, chunk.end, endsLine);
    }
  }
}

/** Moves a cursor that joined in mid-line past a chunk that has just arrived; behind the end of a line it begins. */
function skip(ctx: Context, cursor: Cursor, end: number, endsLine: boolean): void {
  cursor.skipTo(end);
  cursor.isSkipping = !endsLine;
  if (endsLine && !cursor.reader.isSpectator) ctx.notebook.note(cursor);
}
