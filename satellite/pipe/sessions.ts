/** All sessions: begun, resumed, lost, expired [S-2] [S-3] [S-6]. */
import { WireError } from "../wire/errors.ts";
import type { Hello } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { ConnectionId, Rights } from "./effects.ts";
import { ExpiredSession, type ExpiredWriter, Session } from "./session.ts";
import { type Stream, StreamState } from "./stream.ts";

/** How a `hello` was answered. */
export type Greeting =
  | { kind: "new"; session: Session; expired: ExpiredSession | null }
  | { kind: "resumed"; session: Session; supersededConnection: ConnectionId | null };

export class Sessions {
  readonly #byId: Map<string, Session> = new Map();
  readonly #byConnection: Map<ConnectionId, Session> = new Map();
  readonly #expired: Map<string, ExpiredSession> = new Map();
  readonly #equal: (a: string, b: string) => boolean;
  #expiredWriters = 0;

  /** @param equal compares two secrets in constant time */
  constructor(equal: (a: string, b: string) => boolean) {
    this.#equal = equal;
  }

  get count(): number {
    return this.#byId.size;
  }

  of(connection: ConnectionId): Session | undefined {
    return this.#byConnection.get(connection);
  }

  all(): Iterable<Session> {
    return this.#byId.values();
  }

  /** Puts a session that a restart has restored among the others. */
  restore(session: Session): void {
    this.#byId.set(session.id, session);
  }

  /** Puts an expired session that a restart has restored among the others. */
  restoreExpired(ctx: Context, expired: ExpiredSession): void {
    this.#remember(ctx, expired);
  }

  /** How many came by this share. */
  countOf(share: string): number {
    let count = 0;
    for (const { rights } of this.#byId.values()) if (rights.scope?.share === share) count++;
    return count;
  }

  /** What those have attached who came by this share. */
  attachedBy(share: string): { attachments: number; readers: number } {
    const attached = { attachments: 0, readers: 0 };
    for (const session of this.#byId.values()) {
      if (session.rights.scope?.share !== share) continue;
      attached.attachments += session.attachmentCount;
      attached.readers += session.readers.size;
    }
    return attached;
  }

  /** The session that is there, to whoever knows its secret [S-2]. */
  resumable({ session, secret }: { session: string; secret: string }): Session | undefined {
    const known = this.#byId.get(session);
    return known !== undefined && this.#equal(known.secret, secret) ? known : undefined;
  }

  /** Throws WireError `superseded` for a resume that was overtaken by a later one. */
  greet(ctx: Context, connection: ConnectionId, hello: Hello, rights: Rights, secret: string): Greeting {
    const { resume } = hello;
    const known = resume === undefined ? undefined : this.resumable(resume);
    if (resume !== undefined && known !== undefined) {
      const { attempt = known.attempt } = resume;
      if (attempt < known.attempt) {
        throw new WireError("superseded", "this session goes on over a connection that was begun later"); // [S-3]
      }
      known.attempt = attempt;
      return {
        kind: "resumed",
        session: known,
        supersededConnection: this.#reconnect(ctx, known, connection, rights),
      };
    }
    const session = new Session(ctx.nextSessionId(), secret, rights, connection);
    ctx.notebook.note(session);
    this.#byId.set(session.id, session);
    this.#byConnection.set(connection, session);
    return { kind: "new", session, expired: resume === undefined ? null : this.#takeExpired(resume) };
  }

  /** The connection is gone; the session stays. */
  disconnect(ctx: Context, session: Session): void {
    if (session.connection !== null) this.#byConnection.delete(session.connection);
    session.connection = null;
    session.isCongested = false;
    session.lostMs = ctx.nowMs;
  }

  /** The session is over. */
  end(ctx: Context, session: Session): void {
    if (session.connection !== null) this.#byConnection.delete(session.connection);
    if (session.graceDeadline !== null) session.graceDeadline.cancelled = true;
    this.#byId.delete(session.id);
    session.forget(ctx);
  }

  /** The grace is over: what its writers had sent is remembered, the oldest forgotten first. */
  expire(ctx: Context, session: Session): void {
    const writers = [...session.writers].map(([ref, stream]) => rememberWriter(ref, stream));
    this.end(ctx, session);
    this.#remember(ctx, new ExpiredSession(session.id, session.secret, writers));
  }

  #remember(ctx: Context, session: ExpiredSession): void {
    this.#expired.set(session.id, session);
    this.#expiredWriters += weightOf(session);
    ctx.notebook.note(session);
    for (const oldest of this.#expired.values()) {
      if (this.#expiredWriters <= ctx.limits.expiredMax) return;
      this.#expired.delete(oldest.id);
      this.#expiredWriters -= weightOf(oldest);
      oldest.isForgotten = true;
      ctx.notebook.note(oldest);
    }
  }

  #reconnect(ctx: Context, session: Session, connection: ConnectionId, rights: Rights): ConnectionId | null {
    const superseded = session.connection;
    if (superseded !== null) this.#byConnection.delete(superseded);
    if (session.graceDeadline !== null) session.graceDeadline.cancelled = true;
    session.graceDeadline = null;
    session.connection = connection;
    session.isCongested = false;
    session.lostMs = null;
    if (session.rights.scope?.share !== rights.scope?.share) ctx.notebook.note(session);
    session.rights = rights;
    this.#byConnection.set(connection, session);
    return superseded;
  }

  #takeExpired(resume: { session: string; secret: string }): ExpiredSession | null {
    const expired = this.#expired.get(resume.session);
    return expired !== undefined && this.#equal(expired.secret, resume.secret) ? expired : null;
  }
}

/** What it counts for in `expiredMax`: a session without writers is remembered too, as its readers come back. */
function weightOf(session: ExpiredSession): number {
  return Math.max(1, session.writers.length);
}

function rememberWriter(ref: number, stream: Stream): ExpiredWriter {
  const known = { ref, stream: stream.id, received: stream.head };
  return stream.state === StreamState.ended ? { ...known, end: true } : known;
}
