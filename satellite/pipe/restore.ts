/** Making everything again from the journal and the store, after a restart [S-9]. */
import type { JsonValue } from "../wire/fact.ts";
import { Flag } from "../wire/frame.ts";
import type { Kind, StreamInfo } from "../wire/messages.ts";
import type { KeptStream, Recovered } from "../wire/recovered.ts";
import { ALL, type Rights } from "../wire/rights.ts";
import type { BrokerOptions } from "./broker.ts";
import type { Context } from "./context.ts";
import { abortStream, expireLater } from "./endings.ts";
import { enrol } from "./enrol.ts";
import type { IdKind } from "./ids.ts";
import { restoreCursor } from "./join.ts";
import type { Pipes } from "./pipes.ts";
import { Reader, type ReaderFact } from "./reader.ts";
import { ExpiredSession, type ExpiredWriter, Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { Share, type ShareFact, type Shares } from "./shares.ts";
import { type Failure, Stream, StreamState } from "./stream.ts";
import { Writer } from "./writer.ts";

/** The facts, as `fact()` of each class writes them. */
interface SessionFact {
  readonly secret: string;
  readonly share?: string;
}
interface WriterFact {
  readonly stream: number;
  readonly pipe: string;
  readonly sync: boolean;
  readonly failure?: Writer["failure"];
  readonly ended?: { readonly head: number; readonly isEndSafe: boolean; readonly isTaken: boolean };
}
interface StreamFact {
  readonly pipe: string;
  readonly session: string;
  readonly ref: number;
  readonly info: StreamInfo;
  readonly ttlMs?: number;
  readonly openedMs: number;
  readonly order: number;
  readonly kind?: Kind;
  readonly failure?: Failure;
  readonly abortOrder: number;
  readonly start: number;
  readonly takenFrom?: number;
  readonly isLetGo: boolean;
}
type CursorFact =
  | { readonly had: true }
  | { readonly start: number; readonly copy: boolean; readonly whole: boolean; readonly skips: boolean };

/** Where things are put. */
interface Desk {
  readonly ctx: Context;
  readonly pipes: Pipes;
  readonly sessions: Sessions;
  readonly shares: Shares;
  readonly options: BrokerOptions;
}

/** Until an end resumes it, nobody asks what a session may do: only by which share it came counts. */
function rightsOf(share: string): Rights {
  return { scope: { share, pipe: "", right: "read", once: false } };
}

/** Makes sessions, attachments, streams and who holds them. Every session has just lost its connection. */
export function restore(desk: Desk, { facts, streams }: Recovered): void {
  const { ctx } = desk;
  const kept = new Map(streams.map((stream) => [stream.id, stream]));
  const lastArrival = streams.reduce((last, stream) => Math.max(last, stream.lastArrival), 0);
  ctx.ids.restore((facts.get("ids") ?? {}) as Partial<Record<IdKind, number>>, lastArrival, ctx.nowMs);
  const sessions = new Map<string, Session>();
  for (const [[id], fact] of factsOf<SessionFact>(facts, "session")) {
    sessions.set(id as string, restoreSession(desk, id as string, fact));
  }
  restoreStreams(desk, sessions, facts, kept);
  for (const [[session, ref], fact] of factsOf<ReaderFact>(facts, "reader")) {
    const owner = sessions.get(session as string);
    if (owner !== undefined) restoreReader(desk, owner, Number(ref), fact);
  }
  for (const [[stream, session, ref], fact] of factsOf<CursorFact>(facts, "cursor")) {
    const reader = sessions.get(session as string)?.readers.get(Number(ref));
    const read = ctx.streams.get(Number(stream));
    if (reader !== undefined && read !== undefined) restoreCursor(ctx, reader, read, fact);
  }
  for (const [[id], fact] of factsOf<{ secret: string; writers: ExpiredWriter[] }>(facts, "expired")) {
    desk.sessions.restoreExpired(ctx, new ExpiredSession(id as string, fact.secret, fact.writers));
  }
  for (const [[id], fact] of factsOf<ShareFact>(facts, "share")) {
    desk.shares.add(ctx, Share.restore(id as string, fact));
  }
  for (const id of kept.keys()) if (!ctx.streams.has(id)) ctx.emit({ type: "drop", stream: id }); // consumed long ago
  for (const stream of ctx.streams.values()) release(ctx, stream, sessions);
}

function* factsOf<T>(facts: ReadonlyMap<string, JsonValue>, kind: string): Generator<[string[], T]> {
  for (const [key, value] of facts) {
    const [first, ...rest] = key.split("/");
    if (first === kind) yield [rest, value as T];
  }
}

function restoreSession(desk: Desk, id: string, fact: SessionFact): Session {
  const session = new Session(id, fact.secret, fact.share === undefined ? ALL : rightsOf(fact.share), null);
  session.lostMs = desk.ctx.nowMs;
  desk.sessions.restore(session);
  return session;
}

/** In the order in which they were opened, so that they are in their pipes in that order. */
function restoreStreams(
  desk: Desk,
  sessions: ReadonlyMap<string, Session>,
  facts: Recovered["facts"],
  kept: ReadonlyMap<number, KeptStream>,
): void {
  const known = [...factsOf<StreamFact>(facts, "stream")].map(([[id], fact]) => ({ id: Number(id), fact }));
  for (const { id, fact } of known.toSorted((a, b) => a.fact.order - b.fact.order)) {
    restoreStream(desk, sessions, { id, fact, kept: kept.get(id) });
  }
  for (const [[session, ref], fact] of factsOf<WriterFact>(facts, "writer")) {
    const owner = sessions.get(session as string);
    if (owner !== undefined) restoreWriter(desk, owner, Number(ref), fact);
  }
}

function restoreStream(
  desk: Desk,
  sessions: ReadonlyMap<string, Session>,
  { id, fact, kept }: { id: number; fact: StreamFact; kept: KeptStream | undefined },
): void {
  const { ctx } = desk;
  // Its writer's session may be long over: the stream stays.
  const session = sessions.get(fact.session);
  const writer = new Writer(session ?? new Session(fact.session, "", ALL, null), fact.ref, false);
  writer.isForgotten = session === undefined;
  const stream = new Stream(ctx, desk.pipes.obtain(ctx.limits, fact.pipe), writer, {
    id,
    info: fact.info,
    ttlMs: fact.ttlMs ?? null,
    openedMs: fact.openedMs,
    order: fact.order,
  });
  stream.kind = fact.kind ?? stream.kind;
  stream.start = fact.start;
  stream.takenFrom = fact.takenFrom ?? null;
  stream.isLetGo = fact.isLetGo;
  stream.abortOrder = fact.abortOrder;
  if (kept !== undefined) restoreKept(ctx, stream, kept);
  if (fact.failure !== undefined) {
    stream.failure = fact.failure;
    stream.state = StreamState.aborted;
  }
  stream.isDormant = stream.isRunning;
  stream.safe = stream.head;
  stream.isEndSafe = stream.state === StreamState.ended;
  if (!stream.isRunning) stream.window.close();
  enrol(ctx, stream);
}

function restoreKept(ctx: Context, stream: Stream, kept: KeptStream): void {
  stream.wasStored = true;
  stream.stored = { from: kept.from, to: kept.to, durable: kept.to, end: kept.end, endDurable: kept.end };
  stream.head = kept.to;
  stream.isIntact = kept.from === 0;
  stream.start = Math.max(stream.start, kept.from); // what the store has let go, all had acknowledged
  stream.lineStart = (kept.lastFlags & Flag.line) !== 0 ? kept.to : kept.lastOffset;
  if (kept.end) {
    stream.state = StreamState.ended;
    stream.finalOffset = kept.lastOffset;
  }
  ctx.room.take(stream.pipe, kept.to - kept.from);
}

/** The stream that it wrote may be gone: then it is made once more, outside every pipe, to tell its writer how it ended. */
function restoreWriter(desk: Desk, session: Session, ref: number, fact: WriterFact): void {
  const { ctx } = desk;
  const writer = new Writer(session, ref, fact.sync);
  writer.failure = fact.failure ?? null;
  const known = ctx.streams.get(fact.stream);
  if (known !== undefined) {
    known.writer.restore(fact.sync, writer.failure);
    return;
  }
  const origin = { id: fact.stream, info: {}, ttlMs: null, openedMs: ctx.nowMs, order: 0 };
  const stream = new Stream(ctx, desk.pipes.obtain(ctx.limits, fact.pipe), writer, origin);
  stream.window.close();
  stream.isGone = true;
  stream.head = fact.ended?.head ?? 0;
  stream.safe = stream.head;
  stream.isEndSafe = fact.ended?.isEndSafe ?? false;
  stream.takenFrom = fact.ended?.isTaken ? 0 : null;
  stream.state = stream.isEndSafe ? StreamState.ended : StreamState.aborted;
  ctx.emptied.add(stream.pipe);
  enrol(ctx, stream);
}

function restoreReader(desk: Desk, session: Session, ref: number, fact: ReaderFact): void {
  const pipe = desk.pipes.obtain(desk.ctx.limits, fact.pipe);
  const { mode, isFresh } = fact;
  const reader = new Reader(session, ref, pipe, { mode, isFresh, peekBytes: Number.POSITIVE_INFINITY });
  reader.restore(fact);
  session.readers.set(ref, reader);
  if (!reader.isOver) (reader.isSpectator ? pipe.spectators : pipe.readers).add(reader);
  else desk.ctx.emptied.add(pipe);
}

/** What nobody holds is free, and its time runs. The end of a stream may be lost with the power, and its writer gone. */
function release(ctx: Context, stream: Stream, sessions: ReadonlyMap<string, Session>): void {
  if (!stream.isHeld && !stream.isTaken) {
    stream.pipe.setFree(stream);
    expireLater(ctx, stream);
  }
  if (stream.isRunning && !sessions.has(stream.writer.session.id)) {
    abortStream(ctx, stream, { code: "aborted", reason: "its writer was lost" }); // [L-9]
  }
}
