/** How streams end, and how readers do [L-7] [L-9] [L-12]. */
import type { ErrorCode } from "../wire/errors.ts";
import type { Context } from "./context.ts";
import type { Cursor } from "./cursor.ts";
import { advance, discard, laggardsOf, spill, trim, waitsWhole } from "./flow.ts";
import { removeCursor, withdraw } from "./join.ts";
import { match } from "./offer.ts";
import { pump } from "./pump.ts";
import { Phase, type Reader } from "./reader.ts";
import { type Failure, type Stream, StreamState } from "./stream.ts";

export const OUT_OF_REACH: Failure = {
  code: "aborted",
  reason: "its reader has gone and nobody else can have all of it",
};

/** Brings a stream into order after anything has changed: what is safe, kept and stored, and what its writer is told. */
export function settle(ctx: Context, stream: Stream): void {
  if (stream.isGone) return;
  advance(ctx, stream);
  if (isFinished(stream)) {
    finishStream(ctx, stream);
    return;
  }
  trim(ctx, stream);
  store(ctx, stream);
  advance(ctx, stream);
  stream.writer.report(ctx, stream);
}

/** The writer's last chunk has come, or the stream was aborted: deliveries that have no running stream left close [L-7]. */
export function closeDeliveries(ctx: Context, stream: Stream): void {
  for (const cursor of stream.cursors) {
    if (cursor.isSkipping && !cursor.isRestored) withdraw(ctx, cursor); // else its reader may have begun
    closeIfOver(ctx, cursor.reader);
  }
  for (const cursor of stream.spectators) if (cursor.isSkipping) removeCursor(ctx, cursor);
}

/** Closes a merge to what comes after, once the last of its streams has ended [L-7]. */
export function closeIfOver(ctx: Context, reader: Reader): void {
  if (reader.mode === "plain" && reader.phase === Phase.merge) {
    if (reader.hasRunning) return;
    reader.enter(ctx, Phase.closing);
  }
  finishIfComplete(ctx, reader);
}

/** The writer is lost, or nobody can have the rest [L-9]: then what there is of it is `forNobody` else either. */
export function abortStream(ctx: Context, stream: Stream, failure: Failure, forNobody = false): void {
  if (stream.isGone || stream.state === StreamState.aborted) return;
  if (stream.isRunning) stream.pipe.runningCount--;
  stream.state = StreamState.aborted;
  stream.isDormant = false;
  stream.failure = failure;
  stream.abortOrder = ctx.nextArrival();
  ctx.notebook.note(stream);
  if (stream.isBinary) stream.pipe.unended.delete(stream);
  stream.writer.fail(ctx, stream, failure.code, failure.reason);
  if (forNobody) stream.takenFrom ??= stream.start; // now that its writer is told that nobody has taken it
  closeDeliveries(ctx, stream);
  for (const cursor of [...stream.cursors, ...stream.spectators]) wake(ctx, cursor);
  if (stream.isHeld) {
    settle(ctx, stream);
    match(ctx, stream.pipe); // what was dormant can be taken over
    return;
  }
  const isAllThere = !stream.isBinary || stream.isIntact;
  if (!isAllThere || stream.head === stream.start) stream.takenFrom ??= stream.start; // for nobody else
  expireLater(ctx, stream);
  settle(ctx, stream);
  match(ctx, stream.pipe);
}

/** Somebody removed the stream, its time is over, or it is damaged: nothing of it is delivered any more [C-7] [L-2]. */
export function removeStream(ctx: Context, stream: Stream, failure: Failure): void {
  if (stream.isGone) return;
  if (stream.isRunning) stream.pipe.runningCount--;
  stream.state = StreamState.aborted;
  stream.failure = failure;
  stream.writer.fail(ctx, stream, failure.code, failure.reason);
  finishStream(ctx, stream);
  closeDeliveries(ctx, stream);
  for (const cursor of stream.cursors) wake(ctx, cursor);
}

/** A reader acknowledges. Returns whether it may. */
export function acknowledge(ctx: Context, cursor: Cursor, offset: number, end: boolean): boolean {
  const { reader, stream } = cursor;
  const isEndKnown = cursor.endSent || (!stream.isRunning && cursor.next >= stream.head);
  if (offset > cursor.next || (end && !isEndKnown)) return false;
  cursor.ack(ctx, offset);
  if (end) {
    removeCursor(ctx, cursor);
    stream.hadBy.set(reader, cursor);
    ctx.notebook.note(stream);
    if (!cursor.copy) stream.takenFrom = Math.min(stream.takenFrom ?? cursor.start, cursor.start);
  }
  if (reader.isSpectator) reader.pending.add(cursor);
  else {
    cutLaggards(ctx, stream);
    settle(ctx, stream);
  }
  finishIfComplete(ctx, reader);
  pump(ctx, reader);
  return true;
}

/** A reader leaves, or is lost for good: what it has not acknowledged is there for the next [L-3] [L-12]. */
export function detach(ctx: Context, reader: Reader): void {
  reader.pipe.readers.delete(reader);
  reader.pipe.spectators.delete(reader);
  ctx.emptied.add(reader.pipe);
  if (reader.holdDeadline !== null) reader.holdDeadline.cancelled = true;
  const cursors = [...reader.cursors.values()];
  for (const cursor of cursors) removeCursor(ctx, cursor);
  for (const cursor of cursors) {
    const isForOthers = reader.failure?.code !== "behind" || !cursor.stream.isHeld;
    if (isForOthers && isUnread(ctx, cursor)) leaveBehind(ctx, cursor);
    else settle(ctx, cursor.stream);
  }
  if (!reader.isSpectator) match(ctx, reader.pipe); // a reservation may have ended with it [L-10]
}

/** A reader is cut or replaced; it alone is told. */
export function failReader(ctx: Context, reader: Reader, code: ErrorCode, message: string): void {
  if (reader.isOver) return;
  reader.enter(ctx, Phase.failed);
  reader.failure = { code, message };
  reader.session.send(ctx, { type: "error", ref: reader.ref, code, message });
  detach(ctx, reader);
}

/** Cuts the readers that are further behind the fastest one than they may be [L-14]. */
export function cutLaggards(ctx: Context, stream: Stream): void {
  const maxLagBytes = Math.min(ctx.limits.maxLagBytes, ctx.limits.maxBufferBytes);
  const fastest = stream.maxAcked;
  if (stream.cursors.size < 2 || fastest - (stream.minAcked() ?? 0) <= maxLagBytes) return;
  for (const cursor of stream.cursors) {
    if (stream.cursors.size > 1 && fastest - cursor.acked > maxLagBytes) cut(ctx, cursor.reader);
  }
}

/** Stores what has to be stored; without room laggards go first, then the writer waits [L-15]. */
function store(ctx: Context, stream: Stream): void {
  while (!spill(ctx, stream)) {
    if (stream.isGone) return;
    if (waitsWhole(ctx, stream)) return wait(ctx, stream);
    if (mayBeLetGo(stream)) letGo(ctx, stream);
    else if (!cutFurthest(ctx)) {
      if (!stream.isHeld) wait(ctx, stream);
      return;
    }
  }
  const storedBytes = stream.stored === null ? 0 : stream.stored.to - stream.stored.from;
  if (storedBytes * 2 > ctx.room.maxBytes && mayBeLetGo(stream)) letGo(ctx, stream);
  if (ctx.room.waiting.delete(stream) || stream.writer.isPaused) stream.writer.unpause(ctx, stream);
}

/** There is no room: the writer waits, and is told [L-15]. */
export function wait(ctx: Context, stream: Stream): void {
  ctx.room.waiting.add(stream);
  stream.writer.pause(ctx, stream);
}

/**
 * Whether a `one` reader has it while it runs [L-10]: what has ended needs no more memory than its window. (After a
 * restart others may have whole what runs again, since its end was forgotten: that is as much.)
 */
function mayBeLetGo(stream: Stream): boolean {
  if (!stream.isKeptWhole || !stream.isRunning) return false;
  for (const { whole, reader } of stream.cursors) if (whole && reader.mode === "one") return true;
  return false;
}

/** Too large to be kept whole [L-10]. */
function letGo(ctx: Context, stream: Stream): void {
  stream.isLetGo = true;
  ctx.notebook.note(stream);
  trim(ctx, stream);
}

/** Cuts the reader that is furthest behind others. Returns whether there was one. */
function cutFurthest(ctx: Context): boolean {
  let furthest: Cursor | null = null;
  for (const stream of ctx.room.lagging) {
    for (const cursor of laggardsOf(stream)) {
      if (furthest === null || lagOf(cursor) > lagOf(furthest)) furthest = cursor;
    }
  }
  if (furthest === null) return false;
  cut(ctx, furthest.reader);
  return true;
}

function cut(ctx: Context, reader: Reader): void {
  failReader(
    ctx,
    reader,
    "behind",
    "this reader fell too far behind the others; read again to go on with what comes",
  );
}

function lagOf(cursor: Cursor): number {
  return cursor.stream.head - cursor.acked;
}

/** Whether the reader that has gone had a part of the stream that nobody else has had, or is getting. */
function isUnread(ctx: Context, cursor: Cursor): boolean {
  const { stream } = cursor;
  if (cursor.copy || stream.isGone) return false;
  if (!stream.isHeld && !stream.isTaken) return true;
  const restart = cursor.restart(ctx);
  if (stream.takenFrom !== null && stream.takenFrom <= restart) return false;
  for (const other of stream.cursors) if (!other.copy && other.start <= restart) return false;
  return true;
}

/** Leaves for the next what only the reader that has gone had [L-3] [L-12]. */
function leaveBehind(ctx: Context, cursor: Cursor): void {
  const { stream } = cursor;
  if (stream.isBinary ? !stream.isIntact : cursor.whole && stream.isLetGo) {
    abortStream(ctx, stream, OUT_OF_REACH, true);
    stream.takenFrom ??= stream.start; // it may have been aborted before
    settle(ctx, stream);
    return;
  }
  if (!stream.isBinary && !cursor.whole) stream.start = Math.max(stream.heldFrom, cursor.restart(ctx));
  ctx.notebook.note(stream);
  const heir = [...stream.cursors].find((other) => !other.copy && other.isUntouched);
  if (heir !== undefined) inherit(ctx, heir, stream.start);
  else {
    stream.takenFrom = null;
    stream.turnIntoCopies();
    for (const other of stream.cursors) ctx.notebook.note(other);
    stream.pipe.setFree(stream);
    expireLater(ctx, stream);
  }
  settle(ctx, stream);
}

/** A reader that joined from now on, and has had nothing yet, begins where the one that has gone left off. */
function inherit(ctx: Context, heir: Cursor, start: number): void {
  heir.skipTo(start);
  heir.isSkipping = false;
  heir.reader.pending.add(heir);
  ctx.notebook.note(heir);
}

/** Arms the `ttlMs` of a stream that has ended and waits for a reader [L-2]. */
export function expireLater(ctx: Context, stream: Stream): void {
  if (stream.ttlMs === null || stream.isRunning || stream.isHeld || stream.ttlDeadline !== null) return;
  const dueMs = Math.max(ctx.nowMs, stream.lastByteMs + stream.ttlMs);
  stream.ttlDeadline = ctx.deadlines.at(dueMs, () => {
    stream.ttlDeadline = null;
    if (!stream.isHeld) removeStream(ctx, stream, { code: "removed", reason: "its time to live was over" });
  });
}

function isFinished(stream: Stream): boolean {
  return !stream.isRunning && stream.isTaken && stream.cursors.size === 0;
}

/** The stream leaves its pipe. */
function finishStream(ctx: Context, stream: Stream): void {
  const { pipe } = stream;
  stream.writer.report(ctx, stream);
  stream.isGone = true;
  for (const gone of [stream, stream.writer, ...stream.cursors, ...stream.hadBy.values()])
    ctx.notebook.note(gone);
  ctx.streams.delete(stream.id);
  ctx.emptied.add(pipe);
  pipe.streams.delete(stream.id);
  pipe.unended.delete(stream);
  pipe.free.delete(stream.id);
  if (stream.ttlDeadline !== null) stream.ttlDeadline.cancelled = true;
  for (const cursor of stream.spectators) removeCursor(ctx, cursor);
  discard(ctx, stream);
}

/** Its delivery is over when every end of it was acknowledged. */
export function finishIfComplete(ctx: Context, reader: Reader): void {
  if (!reader.isComplete) return;
  reader.finish(ctx);
  reader.pipe.readers.delete(reader);
  ctx.emptied.add(reader.pipe);
  if (reader.mode === "one") match(ctx, reader.pipe); // a reservation may have ended with it [L-10]
}

function wake(ctx: Context, cursor: Cursor): void {
  cursor.reader.pending.add(cursor);
  pump(ctx, cursor.reader);
}
