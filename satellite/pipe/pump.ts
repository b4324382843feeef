/** Sends to one reader what it may have, in order of arrival and never switching in mid-line [L-6]. */
import { type Chunk, Flag, hasFlag } from "../wire/frame.ts";
import type { Context } from "./context.ts";
import { type Cursor, Nothing } from "./cursor.ts";
import { removeCursor, takeNext } from "./join.ts";
import type { Reader } from "./reader.ts";
import { catchUp } from "./spectate.ts";
import { StreamState } from "./stream.ts";

export function pump(ctx: Context, reader: Reader): void {
  for (;;) {
    const connection = reader.session.connection;
    if (connection === null || reader.session.isCongested || reader.isOver) return;
    const next = choose(ctx, reader);
    if (next === null) {
      if (reader.mode === "peek" && reader.pending.size === 0) finishPeek(ctx, reader);
      return;
    }
    if (next.chunk === null) sendAbort(ctx, next.cursor);
    else if (!sendChunk(ctx, connection, next.cursor, next.chunk)) return;
  }
}

function finishPeek(ctx: Context, reader: Reader): void {
  for (const cursor of reader.cursors.values()) removeCursor(ctx, cursor);
  reader.pipe.spectators.delete(reader);
  ctx.emptied.add(reader.pipe);
  reader.finish(ctx);
}

/** A cursor with its next chunk; `null` stands for the end of an aborted stream. */
interface Choice {
  readonly cursor: Cursor;
  readonly chunk: Chunk | null;
}

function choose(ctx: Context, reader: Reader): Choice | null {
  if (reader.current !== null) {
    const next = nextOf(ctx, reader.current);
    if (next !== Nothing.none) return next === Nothing.loading ? null : next;
    if (!holdIsOver(ctx, reader)) return null;
    reader.current = null;
  }
  for (;;) {
    const oldest = chooseOldest(ctx, reader);
    if (oldest === Nothing.loading) return null;
    const order = oldest === Nothing.none ? Number.POSITIVE_INFINITY : orderOf(oldest);
    if (takeNext(ctx, reader, order)) continue;
    return oldest === Nothing.none ? null : oldest;
  }
}

function chooseOldest(ctx: Context, reader: Reader): Choice | Nothing {
  let oldest: Choice | null = null;
  for (const cursor of reader.pending) {
    const next = nextOf(ctx, cursor);
    if (next === Nothing.loading) return next;
    if (next === Nothing.none) reader.pending.delete(cursor);
    else if (oldest === null || orderOf(next) < orderOf(oldest)) oldest = next;
  }
  return oldest ?? Nothing.none;
}

function nextOf(ctx: Context, cursor: Cursor): Choice | Nothing {
  if (cursor.reader.mode === "tap") catchUp(cursor);
  if (cursor.reader.mode === "peek" && cursor.next >= cursor.reader.peekUntil) return Nothing.none;
  const next = cursor.peek(ctx);
  if (typeof next !== "string") return { cursor, chunk: next };
  const { stream } = cursor;
  const isAtAbort =
    next === Nothing.none &&
    stream.state === StreamState.aborted &&
    !cursor.endSent &&
    (stream.isGone || cursor.next >= stream.head);
  return isAtAbort ? { cursor, chunk: null } : next;
}

function orderOf(choice: Choice): number {
  return choice.chunk?.arrival ?? choice.cursor.stream.abortOrder;
}

/** A binary stream holds the others until it ends [L-7]; text in mid-line for `midLineMs` [L-6]. */
function holdIsOver(ctx: Context, reader: Reader): boolean {
  if (reader.mode === "peek") return true; // there are no others
  if (reader.current?.stream.isBinary && !reader.isSpectator) return false;
  const deadline = reader.holdDeadline;
  if (deadline !== null) return deadline.atMs <= ctx.nowMs;
  reader.holdDeadline = ctx.deadlines.at(ctx.nowMs + ctx.limits.midLineMs, () => {
    pump(ctx, reader);
  });
  return false;
}

function sendChunk(ctx: Context, connection: number, cursor: Cursor, chunk: Chunk): boolean {
  if (!cursor.admits(chunk.end - chunk.offset)) return false;
  const { reader, stream } = cursor;
  if (!cursor.isAnnounced) cursor.announce(ctx, chunk.offset);
  else if (chunk.offset !== cursor.toldOffset) cursor.tellGap(ctx, chunk.offset);
  ctx.emit({ type: "forward", connection, chunk });
  cursor.sent(chunk);
  const isFinal = hasFlag(chunk, Flag.final);
  if (isFinal) cursor.endSent = true;
  const holds = !isFinal && (stream.isBinary || !hasFlag(chunk, Flag.boundary));
  setCurrent(ctx, reader, holds ? cursor : null);
  return true;
}

function sendAbort(ctx: Context, cursor: Cursor): void {
  const { reader, stream } = cursor;
  if (!cursor.isAnnounced) cursor.announce(ctx, cursor.next);
  cursor.endSent = true;
  reader.session.send(ctx, {
    type: "aborted",
    ref: reader.ref,
    stream: stream.id,
    offset: cursor.next,
    code: stream.failure?.code ?? "aborted",
    ...(stream.failure ? { reason: stream.failure.reason } : {}),
  });
  setCurrent(ctx, reader, null);
}

function setCurrent(ctx: Context, reader: Reader, cursor: Cursor | null): void {
  if (!reader.hasBegun) {
    reader.hasBegun = true;
    ctx.notebook.note(reader);
  }
  reader.current = cursor;
  if (reader.holdDeadline !== null) reader.holdDeadline.cancelled = true;
  reader.holdDeadline = null;
}
