/** How a reader comes to have a stream, and whether it can. */
import type { Context } from "./context.ts";
import { Cursor } from "./cursor.ts";
import type { Reader } from "./reader.ts";
import { type Stream, StreamState } from "./stream.ts";

/** What a newcomer finds: who holds a stream. */
export const Standing = {
  /** Nobody. */
  free: "free",
  /** Somebody who is connected. */
  live: "live",
  /** Only readers that were lost, not yet for `takeoverMs` [L-12]. */
  fading: "fading",
  /** Only readers that have been lost for longer. */
  orphaned: "orphaned",
} as const;
export type Standing = (typeof Standing)[keyof typeof Standing];

export function standingOf(ctx: Context, stream: Stream): Standing {
  let lastLostMs: number | null = null;
  for (const { copy, reader } of stream.cursors) {
    if (copy) continue;
    if (reader.lostMs === null) return Standing.live;
    lastLostMs = Math.max(lastLostMs ?? 0, reader.lostMs);
  }
  if (lastLostMs === null) return Standing.free;
  return ctx.nowMs >= lastLostMs + ctx.limits.takeoverMs ? Standing.orphaned : Standing.fading;
}

/** Whether a newcomer may take the stream for itself. */
export function isTakeable(ctx: Context, stream: Stream): boolean {
  const standing = standingOf(ctx, stream);
  if (standing !== Standing.free && standing !== Standing.orphaned) return false;
  if (stream.isTaken || isBeyondReach(stream)) return false;
  return !stream.isBinary || stream.isIntact;
}

/**
 * Whether nobody but its readers can have it: its head was let go while one of them had it whole [L-10], or after a
 * restart only its writer knows how far they are [S-10].
 */
export function isBeyondReach(stream: Stream): boolean {
  return (stream.isTakenWhole && stream.isLetGo) || (stream.isDormant && stream.wasHeld);
}

/** Whether the reader has the stream, or had it: it gets no stream twice [L-11]. */
export function hasHad(reader: Reader, stream: Stream): boolean {
  return reader.cursors.has(stream.id) || stream.hadBy.has(reader);
}

/** Takes a stream that is free, or replaces the readers that left it orphaned [L-12]. */
export function take(ctx: Context, reader: Reader, stream: Stream, whole: boolean): void {
  const replaced = [...stream.cursors].filter((cursor) => !cursor.copy);
  if (replaced.length > 0 && !stream.isBinary && !stream.isTakenWhole) {
    stream.start = Math.max(stream.heldFrom, Math.min(...replaced.map((cursor) => cursor.restart(ctx))));
    ctx.notebook.note(stream);
  }
  for (const cursor of replaced) {
    removeCursor(ctx, cursor);
    ctx.expelled.add(cursor.reader);
  }
  addCursor(ctx, reader, stream, stream.start, { copy: false, whole });
}

/** Joins running text from the next line start [L-4]. */
export function joinFromNow(ctx: Context, reader: Reader, stream: Stream, copy: boolean): void {
  const cursor = addCursor(ctx, reader, stream, stream.head, { copy, whole: false });
  cursor.isSkipping = !stream.isAtLineStart;
}

/** Joins a binary stream, or one that has just opened, at its first byte. */
export function joinFromStart(ctx: Context, reader: Reader, stream: Stream, copy: boolean): void {
  addCursor(ctx, reader, stream, 0, { copy, whole: false });
}

/** Shows what is held of a stream, from its start. */
export function peekAt(ctx: Context, reader: Reader, stream: Stream): void {
  const start = stream.head - stream.heldBytes;
  reader.peekUntil = Math.min(stream.head, start + reader.peekUntil);
  addCursor(ctx, reader, stream, start, { copy: true, whole: false });
}

/** Gives a follower the next stream of the backlog, if one is older than `order` [L-7]. Returns whether it did. */
export function takeNext(ctx: Context, reader: Reader, order: number): boolean {
  if (reader.mode !== "follow" || reader.isFresh || reader.pipe.isShared) return false;
  if (hasManyBegun(reader, ctx.limits.streamsPerReaderMax)) return false;
  for (const stream of reader.pipe.free.values()) {
    if (stream.order > order) return false;
    if (stream.isRunning || hasHad(reader, stream) || !isTakeable(ctx, stream)) continue;
    take(ctx, reader, stream, stream.isBinary);
    return true;
  }
  return false;
}

function hasManyBegun(reader: Reader, countMax: number): boolean {
  if (reader.cursors.size < countMax) return false;
  let count = 0;
  for (const { isAnnounced } of reader.cursors.values()) if (isAnnounced) count++;
  return count >= countMax;
}

/** What a reader has that was lost for `takeoverMs` is there for followers too [L-12]. */
export function offerOrphans(ctx: Context, reader: Reader): void {
  for (const { copy, stream } of reader.cursors.values()) {
    if (!copy && standingOf(ctx, stream) === Standing.orphaned) stream.pipe.setFree(stream);
  }
}

/** Makes a cursor again after a restart; how far it is, its reader says when it resumes [S-10]. */
export function restoreCursor(
  ctx: Context,
  reader: Reader,
  stream: Stream,
  known: { had: true } | { start: number; copy: boolean; whole: boolean; skips: boolean },
): void {
  if ("had" in known) {
    rememberHad(ctx, reader, stream);
    return;
  }
  const start = Math.max(known.start, stream.stored?.from ?? stream.head);
  const cursor = addCursor(ctx, reader, stream, start, known);
  cursor.isSkipping = known.skips;
  if (!known.copy) stream.wasHeld = true;
}

/** The reader gets the stream no more: it has had it [L-11]. */
export function noteHad(ctx: Context, reader: Reader, stream: Stream): void {
  ctx.notebook.note(rememberHad(ctx, reader, stream));
}

function rememberHad(ctx: Context, reader: Reader, stream: Stream): Cursor {
  const cursor = new Cursor(ctx, reader, stream, 0, { copy: true, whole: false });
  stream.hadBy.set(reader, cursor);
  return cursor;
}

/** Takes a cursor out of its stream and its reader. */
export function removeCursor(ctx: Context, cursor: Cursor): void {
  const { reader, stream } = cursor;
  if (!reader.isSpectator) ctx.notebook.note(cursor);
  stream.delete(cursor);
  reader.cursors.delete(stream.id);
  reader.pending.delete(cursor);
  if (reader.current === cursor) reader.current = null;
}

/** Takes a stream away from a reader to which it has sent nothing [L-5]. */
export function withdraw(ctx: Context, cursor: Cursor): void {
  const { reader, stream } = cursor;
  removeCursor(ctx, cursor);
  if (cursor.isAnnounced) {
    reader.session.send(ctx, { type: "withdrawn", ref: reader.ref, stream: stream.id });
  }
  comeBack(ctx, stream);
}

/** One that had the stream has it no more: if nobody else has, it is free again, as far as it is still held. */
export function comeBack(ctx: Context, stream: Stream): void {
  ctx.unsettled.add(stream);
  if (stream.isHeld || stream.isTaken) return;
  if (!stream.isBinary) stream.start = Math.max(stream.start, stream.heldFrom); // what lies before, others had
  ctx.notebook.note(stream);
  stream.pipe.setFree(stream);
}

/** Whether a stream counts among those that a merge is made of [L-5] [L-9]. */
export function isMergeable(stream: Stream): boolean {
  return !stream.isBinary && stream.state !== StreamState.ended && !stream.isGone;
}

function addCursor(
  ctx: Context,
  reader: Reader,
  stream: Stream,
  start: number,
  options: { copy: boolean; whole: boolean },
): Cursor {
  const cursor = new Cursor(ctx, reader, stream, start, options);
  cursor.isRestored = reader.isRestored;
  reader.cursors.set(stream.id, cursor);
  reader.pending.add(cursor);
  if (reader.isSpectator) {
    stream.spectators.add(cursor);
    return cursor;
  }
  stream.add(cursor);
  ctx.unsettled.add(stream); // with who has it changes what is safe
  ctx.notebook.note(cursor);
  if (!options.copy) stream.pipe.free.delete(stream.id);
  return cursor;
}
