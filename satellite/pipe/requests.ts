/** What an end asks for with a control message (PROTOCOL.md §4). */
import { WireError } from "../wire/errors.ts";
import type { EndMessage, Hello, Open, PipeRow, Read, ReaderAck, StreamInfo } from "../wire/messages.ts";
import { allows, type Guarded } from "../wire/rights.ts";
import type { BrokerOptions } from "./broker.ts";
import { checkLimit, checkName } from "./checks.ts";
import type { Context } from "./context.ts";
import { abortStream, acknowledge, detach, removeStream } from "./endings.ts";
import { enrol } from "./enrol.ts";
import { offer, welcome } from "./offer.ts";
import { endSessionsOf } from "./parting.ts";
import type { Pipes } from "./pipes.ts";
import { Reader } from "./reader.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import type { Shares } from "./shares.ts";
import { listShares, share, unshare, use } from "./sharing.ts";
import { Stream } from "./stream.ts";
import { Writer } from "./writer.ts";

/** What requests are answered from. */
export interface Desk {
  readonly ctx: Context;
  readonly pipes: Pipes;
  readonly sessions: Sessions;
  readonly shares: Shares;
  readonly options: BrokerOptions;
}

type Request = Exclude<EndMessage, Hello | { type: "bye" }>;

/** How many pipes one `listed` holds [C-6]. */
const LIST_PART = 100;

/** Answers a request. What is wrong with it alone is told by its `ref`; a WireError that is thrown costs the connection. */
export function handleRequest(desk: Desk, session: Session, request: Request): void {
  if (request.type === "ack") return ack(desk, session, request);
  try {
    answer(desk, session, request);
  } catch (error) {
    if (!(error instanceof WireError) || error.code === "protocol") throw error;
    session.send(desk.ctx, { type: "error", ref: request.ref, code: error.code, message: error.message });
  }
}

function answer(desk: Desk, session: Session, request: Exclude<Request, ReaderAck>): void {
  switch (request.type) {
    case "open":
      return open(desk, session, request);
    case "abort":
      return abort(desk, session, request.ref, request.reason);
    case "release":
      return release(desk, session, request.ref);
    case "read":
      return read(desk, session, request);
    case "leave":
      return leave(desk, session, request.ref);
    case "list":
      return list(desk, session, request.ref, request.passed);
    case "remove":
      return remove(desk, session, request.ref, request.pipe);
    case "inspect":
      return inspect(desk, session, request.ref);
    case "share":
      guard(session, "share");
      return share(desk, session, request);
    case "shares":
      guard(session, "shares");
      return listShares(desk, session, request.ref);
    case "unshare":
      return end(desk, session, request.ref, request.id);
  }
}

function open(desk: Desk, session: Session, request: Open): void {
  const { ctx } = desk;
  const known = session.writers.get(request.ref);
  if (known !== undefined) return known.writer.replay(ctx, known); // [C-3]
  checkName(request.pipe);
  guard(session, "open", request.pipe);
  checkAttachments(desk, session, request.ref, false);
  checkLimit(ctx.streams.size, ctx.limits.streamsMax, "streams on this satellite");
  const pipe = desk.pipes.obtain(ctx.limits, request.pipe);
  checkLimit(pipe.runningCount, ctx.limits.runningStreamsPerPipeMax, "writers on this pipe");
  checkLimit(pipe.streams.size, ctx.limits.streamsPerPipeMax, "streams in this pipe");
  use(desk, session, pipe);
  const writer = new Writer(session, request.ref, request.sync ?? false);
  const stream = new Stream(ctx, pipe, writer, {
    id: ctx.nextStreamId(),
    info: infoOf(request),
    ttlMs: request.ttlMs ?? null,
    openedMs: ctx.nowMs,
    order: ctx.nextArrival(),
  });
  enrol(ctx, stream);
  ctx.notebook.note(stream);
  ctx.notebook.note(writer);
  writer.replay(ctx, stream);
  offer(ctx, stream);
}

function read(desk: Desk, session: Session, request: Read): void {
  const { ctx } = desk;
  const known = session.readers.get(request.ref);
  if (known !== undefined) return session.send(ctx, { type: "attached", ref: request.ref }); // [C-3]
  checkName(request.pipe);
  guard(session, "read", request.pipe);
  if (session.readerOn(request.pipe) !== null) {
    throw new WireError("usage", "a session reads a pipe once; use another session for a second reader");
  }
  checkAttachments(desk, session, request.ref, true);
  if (request.mode === "peek" && (desk.pipes.find(request.pipe)?.streams.size ?? 0) === 0) {
    throw new WireError("not-found", `there is nothing in ${describe(request.pipe)}`);
  }
  const pipe = desk.pipes.obtain(ctx.limits, request.pipe);
  use(desk, session, pipe);
  const reader = new Reader(session, request.ref, pipe, {
    mode: request.mode,
    isFresh: request.fresh ?? false,
    peekBytes: request.limitBytes ?? Number.POSITIVE_INFINITY,
  });
  session.readers.set(request.ref, reader);
  ctx.notebook.note(reader);
  (reader.isSpectator ? pipe.spectators : pipe.readers).add(reader);
  session.send(ctx, { type: "attached", ref: request.ref });
  welcome(ctx, reader);
}

function ack(desk: Desk, session: Session, request: ReaderAck): void {
  const reader = session.readers.get(request.ref);
  if (reader === undefined) throw new WireError("protocol", "an ack of a reader that is not this session's"); // [C-3]
  const cursor = reader.cursors.get(request.stream);
  if (cursor === undefined) return; // acknowledged before a resume, or taken away meanwhile
  if (!acknowledge(desk.ctx, cursor, request.offset, request.end ?? false)) {
    throw new WireError("protocol", "an ack of something that was not sent");
  }
}

function abort(desk: Desk, session: Session, ref: number, reason: string | undefined): void {
  const stream = session.writers.get(ref);
  if (stream?.isRunning)
    abortStream(desk.ctx, stream, { code: "aborted", reason: reason ?? "its writer gave up" }); // [L-9]
}

function release({ ctx }: Desk, session: Session, ref: number): void {
  const reader = session.readers.get(ref);
  if (reader?.isOver) {
    session.readers.delete(ref);
    reader.isForgotten = true;
    ctx.notebook.note(reader);
  }
  const stream = session.writers.get(ref);
  if (stream === undefined || (!stream.isEndSafe && stream.writer.failure === null)) return;
  session.deleteWriter(ref, stream);
  stream.writer.isForgotten = true;
  ctx.notebook.note(stream.writer);
}

function leave(desk: Desk, session: Session, ref: number): void {
  const reader = session.readers.get(ref);
  if (reader === undefined || reader.isOver) return;
  reader.finish(desk.ctx);
  detach(desk.ctx, reader);
}

function list(desk: Desk, session: Session, ref: number, passed?: boolean): void {
  guard(session, "list");
  const rows: PipeRow[] = [];
  for (const pipe of desk.pipes.all()) {
    if (!allows(session.rights, "list", pipe.name)) continue;
    const row = pipe.row(desk.ctx.nowMs);
    rows.push(passed === true ? { ...row, passedBytes: pipe.passedBytes } : row);
  }
  for (let i = 0; i === 0 || i < rows.length; i += LIST_PART) {
    const pipes = rows.slice(i, i + LIST_PART);
    session.send(desk.ctx, { type: "listed", ref, pipes, last: i + LIST_PART >= rows.length });
  }
}

function remove(desk: Desk, session: Session, ref: number, name: string): void {
  checkName(name);
  guard(session, "remove", name);
  const pipe = desk.pipes.find(name);
  if (pipe === undefined) throw new WireError("not-found", `there is no pipe ${describe(name)}`); // [C-7]
  const streams = [...pipe.streams.values()];
  const bytes = streams.reduce((sum, stream) => sum + stream.heldBytes, 0);
  const failure = { code: "removed", reason: "somebody removed it" } as const;
  for (const stream of streams) removeStream(desk.ctx, stream, failure);
  session.send(desk.ctx, { type: "removed", ref, streams: streams.length, bytes });
}

function inspect(desk: Desk, session: Session, ref: number): void {
  guard(session, "inspect");
  const { ctx, options } = desk;
  session.send(ctx, {
    type: "status",
    ref,
    software: options.software,
    uptimeS: (ctx.nowMs - options.startedMs) / 1000,
    store: options.storeName,
    usedBytes: ctx.room.usedBytes,
    maxBytes: ctx.room.maxBytes,
    sessions: desk.sessions.count,
    pipes: desk.pipes.count,
    streams: ctx.streams.size,
    ...(options.bundle === undefined ? {} : { bundle: options.bundle }),
  });
}

function infoOf(request: Open): StreamInfo {
  const { kind, size, name, contentType, host, sealed } = request;
  const info = { kind, size, name, contentType, host, sealed };
  return Object.fromEntries(Object.entries(info).filter(([, value]) => value !== undefined));
}

function end(desk: Desk, session: Session, ref: number, id: string): void {
  guard(session, "unshare");
  const { terms } = unshare(desk, session, ref, id);
  endSessionsOf(desk.ctx, desk.sessions, terms.share, "this link was revoked");
}

/** Throws WireError `forbidden` for what the token does not allow [C-5]. */
function guard({ rights }: Session, request: Guarded, pipe: string | null = null): void {
  if (!allows(rights, request, pipe)) throw new WireError("forbidden", "the token does not allow this");
}

function checkAttachments(desk: Desk, session: Session, ref: number, isReader: boolean): void {
  if (session.writers.has(ref) || session.readers.has(ref)) {
    throw new WireError("protocol", "this ref belongs to another attachment"); // [C-3]
  }
  checkLimit(
    session.attachmentCount,
    desk.ctx.limits.attachmentsPerSessionMax,
    "writers and readers in one session",
  );
  const { ctx, sessions } = desk;
  const { scope } = session.rights;
  if (scope === null) return;
  const { attachments, readers } = sessions.attachedBy(scope.share);
  checkLimit(attachments, ctx.limits.attachmentsPerShareMax, "writers and readers by this link");
  if (isReader) checkLimit(readers, ctx.limits.readersPerShareMax, "readers by this link");
}

function describe(pipe: string): string {
  return pipe === "" ? "the default pipe" : `'${pipe}'`;
}
