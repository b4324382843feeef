/** A session on a bench: events go in by hand, at times that the test says, and what comes out is kept. */
import type { Notice, SessionEffect, SessionEvent } from "../../cli/client/effects.ts";
import { Session } from "../../cli/client/session.ts";
import type { ReaderOptions, WriterOptions } from "../../cli/client/types.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { type Chunk, Flag, payloadOf } from "../../satellite/wire/frame.ts";
import type { EndMessage, SatelliteMessage, Welcome } from "../../satellite/wire/messages.ts";

export const GRACE_MS = 60_000;
export const LINE: number = Flag.boundary | Flag.line;

export class Bench {
  readonly session: Session;
  nowMs = 0;
  /** When the session wants its next tick. */
  wakeMs: number | null = null;
  /** Number of the last ping. */
  ping = 0;
  /** The present connection. */
  connection = 0;
  /** All effects since the last `clear`. */
  effects: SessionEffect[] = [];
  /** Whether the session has, or waits for, a connection. */
  #hasLink = false;

  constructor(options: { connectTimeoutMs?: number | null; random?: () => number } = {}) {
    const { connectTimeoutMs = 10_000, random = () => 1 } = options;
    this.session = new Session({ software: "end/1", address: "sat:80", connectTimeoutMs, random });
    this.do({ type: "start" });
  }

  do(event: SessionEvent): this {
    if (event.type === "lost") this.#hasLink = false;
    for (const effect of this.session.handle(event, this.nowMs)) {
      if (effect.type === "connect") this.connection = effect.connection;
      if (effect.type === "connect" || effect.type === "close") this.#hasLink = effect.type === "connect";
      if (effect.type === "ping") this.ping = effect.ping;
      if (effect.type === "wake") this.wakeMs = effect.atMs;
      this.effects.push(effect);
    }
    return this;
  }

  clear(): this {
    this.effects = [];
    return this;
  }

  /** The connection is there, in time, and hello is answered. */
  greet(welcome: Partial<Welcome> = {}): this {
    while (!this.#hasLink) this.pass(100);
    this.do({ type: "connected", connection: this.connection });
    return this.say({
      type: "welcome",
      protocol: 1,
      software: "sat/1",
      session: "s1",
      secret: "secret",
      graceMs: GRACE_MS,
      resumed: false,
      ...welcome,
    });
  }

  /** The satellite says something. */
  say(message: SatelliteMessage): this {
    return this.do({ type: "message", connection: this.connection, message });
  }

  /** The satellite sends a chunk. */
  send(stream: number, offset: number, text: string, flags: number = LINE): this {
    return this.do({
      type: "chunk",
      connection: this.connection,
      chunk: chunkOf(stream, offset, text, flags),
    });
  }

  /** The connection is lost. */
  cut(reason = "cut"): this {
    return this.do({ type: "lost", connection: this.connection, reason });
  }

  pong(ping: number = this.ping): this {
    return this.do({ type: "heard", connection: this.connection, pong: ping });
  }

  /** Time passes, with every tick that was asked for in it. */
  pass(ms: number): this {
    const untilMs = this.nowMs + ms;
    let ticksLeft = 10_000;
    for (let wakeMs = this.wakeMs; wakeMs !== null && wakeMs <= untilMs; wakeMs = this.wakeMs) {
      if (ticksLeft-- === 0) throw new Error("the session ticks for ever");
      this.nowMs = Math.max(this.nowMs, wakeMs);
      this.do({ type: "tick" });
    }
    this.nowMs = untilMs;
    return this;
  }

  open(ref: number, options: WriterOptions = {}, pipe = "p"): this {
    return this.do({ type: "open", ref, pipe, options });
  }

  write(ref: number, text: string, flags: number = LINE): this {
    return this.do({ type: "write", ref, cuts: [{ payload: bytesOf(text), flags }] });
  }

  finish(ref: number, interrupted = false): this {
    return this.do({ type: "finish", ref, interrupted });
  }

  read(ref: number, options: ReaderOptions = {}): this {
    return this.do({ type: "read", ref, pipe: "p", options });
  }

  /** The application has put out every chunk and end that it was told since the last `clear`. */
  consumeAll(): this {
    for (const notice of this.notices()) {
      if (notice.type === "chunk") {
        const { ref, stream, chunk } = notice;
        this.do({ type: "consumed", ref, stream, offset: chunk.end, end: false });
      } else if (notice.type === "end") {
        const { ref, stream, offset } = notice;
        this.do({ type: "consumed", ref, stream, offset, end: true });
      }
    }
    return this;
  }

  /** What was sent. */
  sent(): EndMessage[] {
    return this.effects.filter((effect) => effect.type === "send").map(({ message }) => message);
  }

  sentTypes(): string[] {
    return this.sent().map(({ type }) => type);
  }

  /** The chunks that were sent, as offset, text and flags. */
  chunks(): [offset: number, text: string, flags: number][] {
    return this.frames().map((chunk) => [chunk.offset, textOf(payloadOf(chunk)), chunk.flags]);
  }

  frames(): Chunk[] {
    return this.effects.filter((effect) => effect.type === "forward").map(({ chunk }) => chunk);
  }

  notices(): Notice[] {
    return this.effects.filter((effect) => effect.type === "notice").map(({ notice }) => notice);
  }

  noticeTypes(): string[] {
    return this.notices().map(({ type }) => type);
  }

  types(): string[] {
    return this.effects.map(({ type }) => type);
  }
}

function chunkOf(stream: number, offset: number, text: string, flags: number): Chunk {
  return encodeChunk(stream, offset, flags, bytesOf(text));
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
