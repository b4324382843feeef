/** How far a stream is safe, what memory and store must keep of it, and what goes into the store. */
import { type Chunk, Flag, hasFlag } from "../wire/frame.ts";
import type { Context } from "./context.ts";
import type { Cursor } from "./cursor.ts";
import { type Stored, type Stream, StreamState } from "./stream.ts";

/** Below this many bytes the store is not told of what it can let go, unless that is all. */
const RELEASE_STEP_BYTES = 64 * 1024;

/** Moves the safe offset on [W-4]. */
export function advance(ctx: Context, stream: Stream): void {
  const durable = stream.stored?.durable ?? 0;
  // After a restart readers may be ahead of what their writer has sent again [S-10].
  const acked = stream.isHeld && !waitsWhole(ctx, stream) ? Math.min(stream.minAcked() ?? 0, stream.head) : 0;
  const safe = Math.max(durable, acked, stream.safe);
  if (safe > stream.safe) {
    stream.window.acked(safe - stream.safe, ctx.nowMs);
    stream.safe = safe;
  }
  if (!stream.isRunning) stream.window.retain(stream.head - stream.safe);
  if (stream.isEndSafe || stream.state !== StreamState.ended) return;
  const isReadByAll = stream.isTaken && stream.cursors.size === 0;
  if (isReadByAll || stream.stored?.endDurable) {
    stream.safe = stream.head;
    stream.isEndSafe = true;
    stream.window.close();
  }
}

/** Lets go of what nobody can need any more. */
export function trim(ctx: Context, stream: Stream): void {
  const floor = floorOf(ctx, stream);
  releaseStored(ctx, stream, floor);
  if (stream.memory.dropTo(floor, false) && stream.stored === null) stream.isIntact = false;
  const stored = stream.stored;
  if (stored !== null) stream.memory.dropTo(stored.durable, stored.endDurable);
}

/**
 * Puts into the store what has to be there: everything while nobody holds the stream or a `one` reader does
 * [L-2] [L-10], and what the fastest of several readers has but others have not [L-14]. Returns whether there was room.
 */
export function spill(ctx: Context, stream: Stream): boolean {
  const limit = spillLimit(stream);
  const from = stream.stored?.to ?? stream.memory.first?.offset ?? stream.head;
  for (const chunk of stream.memory.from(from)) {
    if (chunk.end > limit) break;
    if (isAppended(stream.stored, chunk)) continue;
    if (!ctx.room.admits(stream.pipe, chunk.end - chunk.offset)) return false;
    append(ctx, stream, chunk);
  }
  return true;
}

/** Notes what the store has made durable. */
export function noteDurable(stream: Stream, offset: number, end: boolean): void {
  if (stream.stored === null) return;
  stream.stored.durable = Math.max(stream.stored.durable, Math.min(offset, stream.stored.to));
  stream.stored.endDurable ||= end && stream.stored.end;
}

/** The writer of a stream that a restart has restored is back: what it cannot send again went through live [S-10]. */
export function revive(ctx: Context, stream: Stream, from: number): void {
  stream.isDormant = false;
  if (from <= stream.head) return;
  const { stored } = stream;
  if (stored !== null) {
    ctx.emit({ type: "release", stream: stream.id, offset: stored.to });
    ctx.room.give(stream.pipe, stored.to - stored.from);
    stream.stored = null;
  }
  stream.head = from;
  stream.safe = from;
  stream.start = Math.max(stream.start, from);
  stream.lineStart = from; // as good as always: text is cut at the ends of lines
  stream.isIntact = false;
  // It was safe, so every reader had acknowledged it.
  for (const cursor of stream.cursors) if (cursor.isRestored && cursor.acked < from) cursor.skipTo(from);
}

/** Forgets everything that memory and store have of the stream. */
export function discard(ctx: Context, stream: Stream): void {
  const { stored } = stream;
  if (stored !== null) {
    ctx.room.give(stream.pipe, stored.to - stored.from);
    ctx.emit({ type: "drop", stream: stream.id });
  } else if (stream.wasStored) {
    ctx.emit({ type: "drop", stream: stream.id });
  }
  stream.stored = null;
  stream.memory.clear();
  stream.window.close();
  ctx.room.waiting.delete(stream);
  ctx.room.lagging.delete(stream);
  ctx.starving.delete(stream);
}

/** The readers of a stream that hold room in the store because they are behind others. */
export function laggardsOf(stream: Stream): Cursor[] {
  const storedTo = stream.stored?.to ?? 0;
  const fastest = stream.maxAcked;
  if (stream.cursors.size < 2) return [];
  return [...stream.cursors].filter((cursor) => cursor.acked < storedTo && cursor.acked < fastest);
}

/**
 * Whether a stream that stays whole for its reader waits for a disk in trouble: what is acknowledged meanwhile stays in
 * memory too, so that its writer has to wait [L-10] [L-15].
 */
export function waitsWhole(ctx: Context, stream: Stream): boolean {
  return ctx.room.isShut && stream.isKeptWhole && stream.isRunning;
}

function floorOf(ctx: Context, stream: Stream): number {
  const { stored } = stream;
  const base = stored?.from ?? stream.memory.first?.offset ?? stream.head;
  const acked = stream.minAcked();
  if (acked === null || !stream.isHeld) return base;
  if (stream.isKeptWhole) return base;
  if (stream.isTakenWhole) return acked;
  // What a binary stream has in the store it keeps as long as there is no gap: a newcomer could begin there [L-12].
  if (stream.isBinary) return stream.isIntact && stored !== null && acked <= stored.to ? base : acked;
  return stream.memory.lineStartBefore(acked, ctx.limits.chunkBytesMax) ?? smallestRestart(ctx, stream);
}

function smallestRestart(ctx: Context, stream: Stream): number {
  let min = Number.POSITIVE_INFINITY;
  for (const cursor of stream.cursors) min = Math.min(min, cursor.restart(ctx));
  return min;
}

function releaseStored(ctx: Context, stream: Stream, floor: number): void {
  const { stored } = stream;
  if (stored === null || floor <= stored.from) return;
  const to = Math.min(floor, stored.to);
  const isAll = to === stored.to && !stored.end;
  if (!isAll && to - stored.from < RELEASE_STEP_BYTES) return;
  ctx.emit({ type: "release", stream: stream.id, offset: to });
  ctx.room.give(stream.pipe, to - stored.from);
  stored.from = to;
  stream.isIntact = false;
  if (isAll) {
    stream.stored = null;
    ctx.room.lagging.delete(stream);
  }
}

function spillLimit(stream: Stream): number {
  if (!stream.isHeld || stream.isKeptWhole) return Number.POSITIVE_INFINITY;
  const isHalfFull = (stream.head - stream.safe) * 2 > stream.window.sizeBytes;
  return stream.cursors.size > 1 && isHalfFull ? stream.maxAcked : 0;
}

function append(ctx: Context, stream: Stream, chunk: Chunk): void {
  if (!stream.wasStored) {
    stream.wasStored = true;
    ctx.emit({
      type: "create",
      stream: stream.id,
      pipe: stream.pipe.name,
      openedMs: stream.openedMs,
      info: stream.info,
      ...(stream.ttlMs === null ? {} : { ttlMs: stream.ttlMs }),
    });
  }
  ctx.emit({ type: "append", chunk });
  ctx.room.take(stream.pipe, chunk.end - chunk.offset);
  stream.stored ??= {
    from: chunk.offset,
    to: chunk.offset,
    durable: chunk.offset,
    end: false,
    endDurable: false,
  };
  stream.stored.to = chunk.end;
  stream.stored.end = hasFlag(chunk, Flag.final);
  if (stream.isHeld && stream.cursors.size > 1) ctx.room.lagging.add(stream);
}

function isAppended(stored: Stored | null, chunk: Chunk): boolean {
  return (
    stored !== null &&
    (chunk.end < stored.to || (chunk.end === stored.to && (stored.end || chunk.offset < stored.to)))
  );
}
