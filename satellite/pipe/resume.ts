/** Telling an end again what it may have missed, and learning from it what a restart has lost [S-4] [S-5] [S-10]. */
import { WireError } from "../wire/errors.ts";
import { type Hello, PositionState } from "../wire/messages.ts";
import { allows } from "../wire/rights.ts";
import type { Context } from "./context.ts";
import type { Cursor } from "./cursor.ts";
import { abortStream, detach, finishIfComplete } from "./endings.ts";
import { revive } from "./flow.ts";
import { noteHad, withdraw } from "./join.ts";
import { abortIfMissed, leaveOutMissed, tellBroken } from "./missed.ts";
import { match } from "./offer.ts";
import type { Pipe } from "./pipe.ts";
import { pump } from "./pump.ts";
import { Phase, type Reader } from "./reader.ts";
import { learnKind } from "./receive.ts";
import type { Session } from "./session.ts";

type Resume = NonNullable<Hello["resume"]>;
type Positions = ReadonlyMap<number, Position>;

/** Where a reader stands in one stream. */
interface Position {
  readonly received: number;
  readonly acked: number;
  readonly state: number;
}

/** Repeats the state of every attachment. Throws WireError `protocol` for a position that cannot be. */
export function replay(ctx: Context, session: Session, resume: Resume): void {
  dropForbidden(ctx, session);
  const woken = new Set<Pipe>();
  const froms = new Map(resume.writers.map(({ ref, from }) => [ref, from]));
  for (const [ref, stream] of session.writers) {
    if (!stream.isDormant) continue;
    revive(ctx, stream, froms.get(ref) ?? 0); // one that is not named has not learned of its stream, and sent nothing
    leaveOutMissed(ctx, stream);
    abortIfMissed(ctx, stream);
    woken.add(stream.pipe);
  }
  for (const stream of session.writers.values()) stream.writer.replay(ctx, stream);
  const byRef = new Map(resume.readers.map(({ ref, streams }) => [ref, positionsOf(streams)]));
  for (const reader of session.readers.values()) {
    replayReader(ctx, reader, byRef.get(reader.ref) ?? new Map());
  }
  for (const reader of session.readers.values())
    if (reader.isWaiting || reader.isOver) woken.add(reader.pipe);
  for (const pipe of woken) match(ctx, pipe);
}

function positionsOf(streams: Resume["readers"][number]["streams"]): Positions {
  return new Map(streams.map(([stream, received, acked, state]) => [stream, { received, acked, state }]));
}

function replayReader(ctx: Context, reader: Reader, positions: Positions): void {
  const { session, ref } = reader;
  session.send(ctx, { type: "attached", ref });
  if (reader.failure !== null) session.send(ctx, { type: "error", ref, ...reader.failure });
  else if (!reader.isSpectator) tellForgotten(ctx, reader, positions);
  if (reader.phase === Phase.done) session.send(ctx, { type: "done", ref });
  reader.current = null;
  for (const cursor of reader.cursors.values()) rewind(ctx, cursor, positions.get(cursor.stream.id));
  reader.resumed(ctx);
  for (const { stream } of reader.cursors.values()) {
    const isBinary = positions.get(stream.id)?.state === PositionState.binary;
    if (isBinary && stream.kind === null) learnKind(ctx, stream, "binary");
    leaveOutMissed(ctx, stream);
    abortIfMissed(ctx, stream);
  }
  dropSkipping(ctx, reader);
  finishIfComplete(ctx, reader);
  pump(ctx, reader);
}

/** What has ended while its reader was away since a restart, and still waited for a line start, is not for it. */
function dropSkipping(ctx: Context, reader: Reader): void {
  for (const cursor of reader.cursors.values()) {
    if (cursor.isSkipping && !cursor.stream.isRunning && !reader.isSpectator) withdraw(ctx, cursor);
  }
}

/** What a reader has begun may be lost with the power: it learns of it, and is not told that its delivery is whole [S-11] [L-9]. */
function tellForgotten(ctx: Context, reader: Reader, positions: Positions): void {
  const { session, ref } = reader;
  for (const [stream, { received: offset, state }] of positions) {
    if (reader.cursors.has(stream)) continue;
    const hasEnded = state === PositionState.ended;
    if (hasEnded || offset > 0) noteHadHere(ctx, reader, stream);
    if (hasEnded) continue;
    if (offset === 0) session.send(ctx, { type: "withdrawn", ref, stream });
    else tellBroken(ctx, reader, stream, offset);
  }
  if (reader.isRestored && !reader.isOver && reader.mode !== "follow") closeForgotten(ctx, reader, positions);
}

function noteHadHere(ctx: Context, reader: Reader, id: number): void {
  const stream = ctx.streams.get(id);
  if (stream?.pipe === reader.pipe && !stream.hadBy.has(reader)) noteHad(ctx, reader, stream);
}

/** A delivery that is forgotten is over for the reader that had it: what was offered to it since is not for it [L-5]. */
function closeForgotten(ctx: Context, reader: Reader, positions: Positions): void {
  const cursors = [...reader.cursors.values()];
  const isForgotten = reader.isUnsure && !cursors.some(({ stream }) => positions.has(stream.id));
  if (cursors.length > 0 && !isForgotten) return;
  const hasHad = [...positions.values()].some(
    ({ received, state }) => received > 0 || state === PositionState.ended,
  );
  if (hasHad) {
    for (const cursor of cursors) withdraw(ctx, cursor);
    reader.enter(ctx, Phase.closing);
  } else if (cursors.length === 0 && !reader.isWaiting) reader.enter(ctx, Phase.waiting);
}

function rewind(ctx: Context, cursor: Cursor, position: Position | undefined): void {
  const { reader, stream } = cursor;
  const hasEnd = position?.state === PositionState.ended;
  if (!cursor.copy) stream.pipe.free.delete(stream.id);
  if (cursor.isRestored) restore(cursor, position);
  else if (reader.isSpectator) cursor.skipTo(position?.received ?? cursor.start);
  else if (!cursor.isSkipping && !cursor.rewind(position?.received ?? cursor.acked, hasEnd)) {
    throw new WireError(
      "protocol",
      "a reader resumes at an offset that is not the end of a chunk it was sent",
    );
  }
  reader.pending.add(cursor);
  if (cursor.isAnnounced) cursor.announce(ctx, cursor.next);
  const isBinary = stream.isBinary || position?.state === PositionState.binary;
  const isInside = isBinary ? cursor.next > 0 && !reader.isSpectator : cursor.marks.standsInMidLine;
  if (isInside && !cursor.endSent && !reader.current?.stream.isBinary) reader.current = cursor;
}

/** After a restart only the end knows how far it is [S-10]. What it has not begun is still as it was. */
function restore(cursor: Cursor, position: Position | undefined): void {
  cursor.isRestored = false;
  if (position === undefined) {
    if (cursor.lineStart === null) return;
    cursor.skipTo(cursor.lineStart);
    cursor.isSkipping = false;
    return;
  }
  const { received, acked, state } = position;
  if (acked > received) throw new WireError("protocol", "a reader resumes before what it has acknowledged");
  cursor.resumeAt(acked, received, state === PositionState.midLine);
  cursor.endSent = state === PositionState.ended;
}

/** A fresh check of rights: what the new token does not allow ends [S-2]. */
function dropForbidden(ctx: Context, session: Session): void {
  const message = "this token does not allow it any more";
  for (const stream of session.writers.values()) {
    if (allows(session.rights, "open", stream.pipe.name)) continue;
    stream.writer.fail(ctx, stream, "forbidden", message);
    if (stream.isRunning)
      abortStream(ctx, stream, { code: "aborted", reason: "its writer is not allowed to write any more" });
  }
  for (const reader of session.readers.values()) {
    if (allows(session.rights, "read", reader.pipe.name) || reader.isOver) continue;
    reader.failure = { code: "forbidden", message };
    reader.enter(ctx, Phase.failed);
    detach(ctx, reader);
  }
}
