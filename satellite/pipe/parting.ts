/** How sessions lose their connection, expire, and end [S-6] [S-7]. */
import type { ErrorCode } from "../wire/errors.ts";
import type { Context } from "./context.ts";
import type { ConnectionId } from "./effects.ts";
import { abortStream, detach } from "./endings.ts";
import { offerOrphans } from "./join.ts";
import { match } from "./offer.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";

/** Tells a connection why it ends, and ends it [E-1]. */
export function refuse(ctx: Context, connection: ConnectionId, code: ErrorCode, message: string): void {
  ctx.emit({ type: "send", connection, message: { type: "error", code, message } });
  ctx.emit({ type: "close", connection, code });
}

/** The connection is gone. */
export function loseConnection(ctx: Context, sessions: Sessions, session: Session): void {
  sessions.disconnect(ctx, session);
  if (session.attachmentCount === 0)
    sessions.end(ctx, session); // [S-6]
  else armGrace(ctx, sessions, session);
}

/** From now on the grace of a session without a connection runs, and newcomers wait for its readers [S-6] [L-12]. */
export function armGrace(ctx: Context, sessions: Sessions, session: Session): void {
  const { graceMs, takeoverMs } = ctx.limits;
  session.graceDeadline = ctx.deadlines.at(ctx.nowMs + graceMs, () => {
    sessions.expire(ctx, session);
    dissolve(ctx, session, "its writer was lost");
  });
  for (const reader of session.readers.values()) {
    if (reader.isOver || reader.isSpectator) continue;
    ctx.deadlines.at(ctx.nowMs + takeoverMs, () => {
      offerOrphans(ctx, reader); // [L-12]
      match(ctx, reader.pipe);
    });
  }
}

/** The session is over: its readers leave, its unfinished writers abort [S-7]. */
export function endSession(ctx: Context, sessions: Sessions, session: Session, reason: string): void {
  sessions.end(ctx, session);
  session.connection = null;
  dissolve(ctx, session, reason);
}

/** The share is over, and with it the sessions that came by it. */
export function endSessionsOf(ctx: Context, sessions: Sessions, share: string, why: string): void {
  for (const session of sessions.all()) {
    if (session.rights.scope?.share !== share) continue;
    if (session.connection !== null) refuse(ctx, session.connection, "unauthorized", why);
    endSession(ctx, sessions, session, "its writer's link is not good any more");
  }
}

function dissolve(ctx: Context, session: Session, reason: string): void {
  for (const reader of session.readers.values()) {
    if (!reader.isOver) detach(ctx, reader);
  }
  for (const stream of session.writers.values()) {
    if (stream.isRunning) abortStream(ctx, stream, { code: "aborted", reason }); // [L-9]
  }
}
