import { WireError } from "../wire/errors.ts";
import type { Chunk } from "../wire/frame.ts";
import { type Limits, PROTOCOL_VERSION } from "../wire/limits.ts";
import type { Hello } from "../wire/messages.ts";
import type { Recovered } from "../wire/recovered.ts";
import { Context } from "./context.ts";
import type { BrokerEffect, BrokerEvent, ConnectionId, Rights } from "./effects.ts";
import { failReader, removeStream, settle, wait } from "./endings.ts";
import { noteDurable } from "./flow.ts";
import { armGrace, endSession, endSessionsOf, loseConnection, refuse } from "./parting.ts";
import { Pipes } from "./pipes.ts";
import { pump } from "./pump.ts";
import { receiveChunk } from "./receive.ts";
import { type Desk, handleRequest } from "./requests.ts";
import { restore } from "./restore.ts";
import { replay } from "./resume.ts";
import { Sessions } from "./sessions.ts";
import { Shares } from "./shares.ts";
import { admit } from "./sharing.ts";

/** The end of a crowded session is work: other events come between those of many that are due together. */
const DEADLINES_AT_ONCE = 4;

export interface BrokerOptions {
  readonly limits: Limits;
  /** Name and version, as in `welcome`. */
  readonly software: string;
  readonly storeName: string;
  /** As in `status`. */
  readonly bundle?: string;
  /** Milliseconds since the epoch. */
  readonly startedMs: number;
  /** Whether tokens of shares can be signed: not without a root token. */
  readonly canShare?: boolean;
  /** Compares two secrets in constant time. */
  readonly equal: (a: string, b: string) => boolean;
  /** What the store gave back after a restart; without it there is no journal. */
  readonly recovered?: Recovered;
}

/**
 * The satellite without its doors, its store and its clock: sessions, and the law of the pipe (PROTOCOL.md §5–§8).
 * Events go in, effects come out, to be carried out in order.
 */
export class Broker {
  readonly #options: BrokerOptions;
  readonly #ctx: Context;
  readonly #sessions: Sessions;
  readonly #pipes: Pipes = new Pipes();
  readonly #desk: Desk;
  #wakeMs: number | null = null;
  /** How many streams waited for a window when that was last looked at. */
  #starvingCount = 0;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#ctx = new Context(options.limits, options.startedMs, options.recovered !== undefined);
    this.#sessions = new Sessions(options.equal);
    const shares = new Shares(({ terms }) =>
      endSessionsOf(this.#ctx, this.#sessions, terms.share, "this link has expired"),
    );
    this.#desk = { ctx: this.#ctx, pipes: this.#pipes, sessions: this.#sessions, shares, options };
    if (options.recovered !== undefined) {
      restore(this.#desk, options.recovered);
      for (const session of this.#sessions.all()) armGrace(this.#ctx, this.#sessions, session);
      for (const { id, damaged } of options.recovered.streams) if (damaged) this.#damaged(id);
    }
  }

  /** No session and no stream: nothing would be lost if it stopped. */
  get idle(): boolean {
    return this.#sessions.count === 0 && this.#ctx.streams.size === 0;
  }

  /** Whether a share has not ended. */
  hasShare(share: string): boolean {
    return this.#desk.shares.find(share) !== undefined;
  }

  /** @param nowMs milliseconds since the epoch; never goes back */
  handle(event: BrokerEvent, nowMs: number): readonly BrokerEffect[] {
    this.#ctx.nowMs = Math.max(nowMs, this.#ctx.nowMs);
    this.#dispatch(event);
    this.#ctx.deadlines.run(this.#ctx.nowMs, DEADLINES_AT_ONCE);
    this.#afterwards();
    return this.#ctx.takeEffects();
  }

  #dispatch(event: BrokerEvent): void {
    switch (event.type) {
      case "hello":
        return this.#guard(event.connection, () =>
          this.#hello(event.connection, event.message, event.rights, event.secret),
        );
      case "message":
        return this.#guard(event.connection, () => this.#message(event));
      case "chunk":
        return this.#guard(event.connection, () => this.#chunk(event.connection, event.chunk));
      case "lost":
        return this.#lost(event.connection);
      case "congested":
        return this.#congestion(event.connection, true);
      case "drained":
        return this.#congestion(event.connection, false);
      case "durable":
        return this.#durable(event.stream, event.offset, event.end);
      case "loaded":
        return this.#loaded(event.load, event.chunks);
      case "trouble":
        return this.#trouble(event.isShut);
      case "damaged":
        return this.#damaged(event.stream);
      case "stop":
        return this.#stop(event.reason);
      case "tick":
        this.#wakeMs = null; // it has come, early perhaps: what is still due is asked for again
        return;
    }
  }

  /** What an end does wrong costs only its own connection [C-1] [E-1]. */
  #guard(connection: ConnectionId, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      refuse(this.#ctx, connection, error.code, error.message);
      this.#lost(connection);
    }
  }

  #hello(connection: ConnectionId, hello: Hello, rights: Rights, secret: string): void {
    if (this.#sessions.of(connection) !== undefined) throw new WireError("protocol", "a second hello");
    if (hello.protocol !== PROTOCOL_VERSION) throw versionError(hello, this.#options.software); // [V-1]
    if (hello.resume === undefined && this.#sessions.count >= this.#ctx.limits.sessionsMax) {
      throw new WireError("limit", `this satellite has ${this.#ctx.limits.sessionsMax} sessions already`); // [K-1]
    }
    admit(this.#desk, hello, rights);
    const greeting = this.#sessions.greet(this.#ctx, connection, hello, rights, secret);
    const { session } = greeting;
    const expired = greeting.kind === "new" ? greeting.expired : null;
    session.send(this.#ctx, {
      type: "welcome",
      protocol: PROTOCOL_VERSION,
      software: this.#options.software,
      session: session.id,
      secret: session.secret,
      graceMs: this.#ctx.limits.graceMs,
      resumed: greeting.kind === "resumed",
      ...(expired === null ? {} : { expired: true }),
    });
    for (const writer of expired?.writers ?? []) session.send(this.#ctx, { type: "expired", ...writer });
    if (greeting.kind === "new") return;
    if (greeting.supersededConnection !== null) {
      refuse(
        this.#ctx,
        greeting.supersededConnection,
        "superseded",
        "this session goes on over another connection",
      ); // [S-3]
    }
    if (hello.resume !== undefined) replay(this.#ctx, session, hello.resume);
  }

  #message(event: Extract<BrokerEvent, { type: "message" }>): void {
    const session = this.#sessions.of(event.connection);
    if (session === undefined) return; // superseded, or closing [S-3]
    if (event.message.type === "bye") {
      this.#ctx.emit({ type: "close", connection: event.connection, code: "normal" });
      endSession(this.#ctx, this.#sessions, session, "its writer went away before the end");
    } else handleRequest(this.#desk, session, event.message);
  }

  #chunk(connection: ConnectionId, chunk: Chunk): void {
    const session = this.#sessions.of(connection);
    if (session === undefined) return; // superseded, or closing [S-3]
    const stream = session.streams.get(chunk.stream);
    if (stream === undefined)
      throw new WireError("protocol", "a chunk of a stream that is not this session's");
    receiveChunk(this.#ctx, stream, chunk);
  }

  #lost(connection: ConnectionId): void {
    const session = this.#sessions.of(connection);
    if (session === undefined) return;
    loseConnection(this.#ctx, this.#sessions, session);
  }

  #congestion(connection: ConnectionId, isCongested: boolean): void {
    const session = this.#sessions.of(connection);
    if (session === undefined) return;
    session.isCongested = isCongested;
    if (isCongested) return;
    for (const reader of session.readers.values()) pump(this.#ctx, reader);
  }

  #durable(id: number, offset: number, end: boolean): void {
    const stream = this.#ctx.streams.get(id);
    if (stream === undefined) return;
    noteDurable(stream, offset, end);
    settle(this.#ctx, stream);
  }

  /** What the store was given before the trouble waits there as well: its writers are told why [L-15]. */
  #trouble(isShut: boolean): void {
    this.#ctx.room.shut(isShut);
    if (!isShut) return;
    for (const stream of this.#ctx.streams.values()) {
      if (!stream.isHeld && !stream.isEndSafe && (stream.head > stream.safe || !stream.isRunning))
        wait(this.#ctx, stream);
    }
  }

  #damaged(id: number): void {
    const stream = this.#ctx.streams.get(id);
    const failure = { code: "aborted", reason: "the satellite's disk has lost a part of it" } as const;
    if (stream !== undefined) removeStream(this.#ctx, stream, failure);
  }

  #loaded(load: number, chunks: readonly Chunk[]): void {
    const cursor = this.#ctx.loads.get(load);
    this.#ctx.loads.delete(load);
    if (cursor === undefined) return;
    cursor.loaded(load, chunks);
    pump(this.#ctx, cursor.reader);
  }

  #stop(reason: string): void {
    for (const session of this.#sessions.all()) {
      if (session.connection === null) continue;
      session.send(this.#ctx, { type: "goaway", reason }); // [S-8]
      this.#ctx.emit({ type: "close", connection: session.connection, code: "going-away" });
    }
  }

  /** What one event sets off for others: readers that were replaced, writers that waited for room or for a window. */
  #afterwards(): void {
    const ctx = this.#ctx;
    for (const reader of ctx.expelled) {
      ctx.expelled.delete(reader);
      failReader(ctx, reader, "replaced", "another reader took over while this one was away"); // [L-12]
    }
    for (const stream of ctx.unsettled) {
      ctx.unsettled.delete(stream);
      settle(ctx, stream);
    }
    if (ctx.room.wasFreed) {
      ctx.room.wasFreed = false;
      for (const stream of ctx.room.waiting) settle(ctx, stream);
    }
    if (ctx.starving.size !== this.#starvingCount || (ctx.starving.size > 0 && ctx.budget.hasGained))
      this.#feed();
    this.#pipes.sweep(ctx.emptied);
    const nextMs = ctx.deadlines.nextMs();
    if (nextMs === this.#wakeMs) return;
    this.#wakeMs = nextMs;
    ctx.emit({ type: "wake", atMs: nextMs });
  }

  /** Gives first windows to streams that wait for one; as long as one does for want of memory, the others shrink [W-5]. */
  #feed(): void {
    const { budget, starving } = this.#ctx;
    const hasGained = budget.hasGained;
    budget.hasGained = false;
    budget.isShort = false;
    for (const stream of starving) {
      if (hasGained && stream.window.open()) {
        starving.delete(stream);
        stream.writer.report(this.#ctx, stream);
      } else if (!stream.window.isCapped) budget.isShort = true;
    }
    this.#starvingCount = starving.size;
  }
}

function versionError(hello: Hello, software: string): WireError {
  const older = hello.protocol < PROTOCOL_VERSION ? "the command" : "the satellite";
  const remedy = hello.protocol < PROTOCOL_VERSION ? "install a newer skypipe" : "run 'skypipe upgrade'";
  return new WireError(
    "version",
    `the satellite is ${software} and the command is ${hello.software}, which speak different versions; ${older} is older: ${remedy}`,
  );
}
