/** Telling an end again what it may have missed [S-4] [S-5]. */
import { WireError } from "../wire/errors.ts";
import type { ReaderPosition } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { Cursor } from "./cursor.ts";
import { abortStream, detach } from "./endings.ts";
import { pump } from "./pump.ts";
import { Phase, type Reader } from "./reader.ts";
import type { Session } from "./session.ts";

/** Repeats the state of every attachment. Throws WireError `protocol` for a position that cannot be. */
export function replay(ctx: Context, session: Session, positions: readonly ReaderPosition[]): void {
  dropForbidden(ctx, session);
  for (const stream of session.writers.values()) stream.writer.replay(ctx, stream);
  const byRef = new Map(positions.map((position) => [position.ref, new Map(position.streams)]));
  for (const reader of session.readers.values())
    replayReader(ctx, reader, byRef.get(reader.ref) ?? new Map());
}

function replayReader(ctx: Context, reader: Reader, received: ReadonlyMap<number, number>): void {
  const { session, ref } = reader;
  session.send(ctx, { type: "attached", ref });
  if (reader.failure !== null) session.send(ctx, { type: "error", ref, ...reader.failure });
  if (reader.phase === Phase.done) session.send(ctx, { type: "done", ref });
  reader.current = null;
  for (const cursor of reader.cursors.values()) rewind(ctx, cursor, received.get(cursor.stream.id));
  pump(ctx, reader);
}

function rewind(ctx: Context, cursor: Cursor, received: number | undefined): void {
  const { reader, stream } = cursor;
  if (!cursor.copy) stream.pipe.free.delete(stream.id);
  if (reader.isSpectator) cursor.skipTo(received ?? cursor.next);
  else if (!cursor.isSkipping && !cursor.rewind(received ?? cursor.acked)) {
    throw new WireError(
      "protocol",
      "a reader resumes at an offset that is not the end of a chunk it was sent",
    );
  }
  reader.pending.add(cursor);
  if (cursor.isAnnounced) cursor.announce(ctx, cursor.next);
  const isInside = stream.isBinary ? cursor.next > 0 && !reader.isSpectator : cursor.marks.standsInMidLine;
  if (isInside) reader.current = cursor;
}

/** A fresh check of rights: what the new token does not allow ends [S-2]. */
function dropForbidden(ctx: Context, session: Session): void {
  const message = "this token does not allow it any more";
  for (const stream of session.writers.values()) {
    if (session.rights.mayWrite(stream.pipe.name)) continue;
    stream.writer.fail(ctx, stream, "forbidden", message);
    if (stream.isRunning)
      abortStream(ctx, stream, { code: "aborted", reason: "its writer is not allowed to write any more" });
  }
  for (const reader of session.readers.values()) {
    if (session.rights.mayRead(reader.pipe.name) || reader.isOver) continue;
    reader.enter(ctx, Phase.failed);
    reader.failure = { code: "forbidden", message };
    detach(ctx, reader);
  }
}
