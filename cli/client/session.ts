/**
 * One end's side of a session (PROTOCOL.md §5): pure. Events go in, with the time; effects come out, to be carried out
 * in order. It says hello, comes back when the connection is lost, and goes on where it was.
 *
 * | state      | connected  | welcome             | lost                   | tick                             |
 * |------------|------------|---------------------|------------------------|----------------------------------|
 * | idle       | –          | –                   | –                      | time to connect: *connecting*    |
 * | connecting | *greeting* | –                   | *idle* for a while     | the attempt took too long: *idle* |
 * | greeting   | –          | *ready* or *asking* | *idle* for a while     | the attempt took too long: *idle* |
 * | asking     | –          | error `protocol`    | *idle* for a while     | the attempt took too long: *idle* |
 * | ready      | –          | error `protocol`    | *idle*, no time at first | ping; two missed: *idle*        |
 * | over       | –          | –                   | –                      | –                                |
 *
 * In *asking* the session that was resumed had expired: the satellite tells how much it had of each writer (S-6), and
 * the new session begins when all of that is there. What the application does waits in its writers and readers.
 */
import { type ErrorCode, WireError } from "../../satellite/wire/errors.ts";
import { limits, PROTOCOL_VERSION } from "../../satellite/wire/limits.ts";
import type { ErrorMessage, SatelliteMessage, Welcome } from "../../satellite/wire/messages.ts";
import { Attachments } from "./attachments.ts";
import type { Greeting, SessionEffect, SessionEvent, SessionOptions } from "./effects.ts";
import { codeOf, isPermanent, unreachableError, versionError } from "./errors.ts";
import { Backoff } from "./liveness.ts";
import { Outlet } from "./outlet.ts";

export const SessionState = {
  idle: "idle",
  connecting: "connecting",
  greeting: "greeting",
  asking: "asking",
  ready: "ready",
  over: "over",
} as const;
export type SessionState = (typeof SessionState)[keyof typeof SessionState];

/** How long one attempt to connect and say hello may take. */
const ATTEMPT_MS = 10_000;

export class Session {
  readonly #options: SessionOptions;
  readonly #backoff: Backoff;
  readonly #attachments: Attachments;
  readonly #outlet: Outlet;
  #state: SessionState = SessionState.idle;
  /** What resumes the session. */
  #ticket: { session: string; secret: string } | null = null;
  /** The welcome of the session that begins when *asking* is over, and the ping that ends it. */
  #asked: { welcome: Welcome; ping: number } | null = null;
  #hasGreeted = false;
  #graceMs: number = limits.graceMs;
  #isGraceOver = false;
  #reason = "";
  #startedMs = 0;
  /** When the present attempt to connect has failed, or in *idle* the next one begins. */
  #attemptMs = 0;
  #readyMs = 0;
  #lostMs: number | null = null;
  #wakeMs: number | null | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
    this.#outlet = new Outlet(options.address);
    this.#attachments = new Attachments(this.#outlet);
  }

  /** @returns effects, to be carried out in order */
  handle(event: SessionEvent, nowMs: number): readonly SessionEffect[] {
    this.#outlet.nowMs = nowMs;
    try {
      if (!("connection" in event)) this.#fromHere(event);
      else if (event.connection === this.#outlet.connection) this.#fromConnection(event);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#break(error);
    }
    const wakeMs = this.#dueMs();
    if (wakeMs !== this.#wakeMs) this.#outlet.add({ type: "wake", atMs: wakeMs });
    this.#wakeMs = wakeMs;
    return this.#outlet.take();
  }

  #fromHere(event: Exclude<SessionEvent, { connection: number }>): void {
    switch (event.type) {
      case "start":
        this.#startedMs = this.#outlet.nowMs;
        if (this.#options.connectTimeoutMs === null) this.#lostMs = this.#outlet.nowMs;
        this.#connect();
        break;
      case "tick":
        this.#wakeMs = undefined; // the wake is spent, should this tick be an early one
        this.#tick();
        break;
      case "close":
        this.#close();
        break;
      default:
        this.#attachments.operate(event);
    }
  }

  #fromConnection(event: Extract<SessionEvent, { connection: number }>): void {
    if (this.#state === SessionState.idle || this.#state === SessionState.over) return;
    this.#outlet.heartbeat.heard();
    switch (event.type) {
      case "connected":
        if (this.#state === SessionState.connecting) this.#hello();
        break;
      case "message":
        this.#message(event.message);
        break;
      case "chunk":
        this.#backoff.proven();
        this.#attachments.chunk(event.chunk);
        break;
      case "heard":
        if (event.pong !== undefined) this.#pong(event.pong);
        break;
      case "drained":
        this.#outlet.drained();
        this.#attachments.pump();
        break;
      case "lost":
        if (event.error !== undefined && this.#isFinal(event.error)) this.#break(event.error);
        else this.#lost(event.reason);
        break;
    }
  }

  /** Once it was there, a proxy or a certificate in the way is one that goes again: another network, a portal. */
  #isFinal({ code }: WireError): boolean {
    return code !== "unreachable" || (this.#options.connectTimeoutMs !== null && !this.#hasGreeted);
  }

  #connect(): void {
    this.#state = SessionState.connecting;
    this.#attemptMs = this.#outlet.nowMs + ATTEMPT_MS;
    this.#outlet.add({ type: "connect", connection: ++this.#outlet.connection });
  }

  #hello(): void {
    this.#state = SessionState.greeting;
    this.#outlet.say({
      type: "hello", // [S-1]
      protocol: PROTOCOL_VERSION,
      software: this.#options.software,
      ...(this.#ticket && {
        resume: { ...this.#ticket, attempt: this.#outlet.connection, ...this.#attachments.positions() }, // [S-3]
      }),
    });
  }

  #message(message: SatelliteMessage): void {
    if (message.type === "error" && message.ref === undefined) {
      this.#refused(message);
    } else if (message.type === "welcome" && this.#state === SessionState.greeting) {
      this.#welcomed(message);
    } else if (message.type === "goaway" && this.#state !== SessionState.greeting) {
      this.#backoff.proven();
      this.#outlet.add({ type: "goaway", reason: message.reason });
    } else if (message.type === "expired" && this.#state === SessionState.asking) {
      this.#attachments.route(message); // [S-6]
    } else if (this.#state === SessionState.ready && "ref" in message) {
      if (message.type === "ack") this.#backoff.proven();
      this.#attachments.route(message);
    } else {
      throw new WireError(
        "protocol",
        `The satellite at ${this.#options.address} sent '${message.type}' out of turn.`,
      );
    }
  }

  #welcomed(welcome: Welcome): void {
    const { protocol, software, resumed, expired } = welcome;
    if (protocol !== PROTOCOL_VERSION) {
      throw versionError(
        { address: this.#options.address, software, isOlder: protocol < PROTOCOL_VERSION },
        this.#options.software,
      );
    }
    if (!resumed && expired === true) {
      // The session that has expired stays the one to resume until it is known how much of each writer arrived.
      this.#state = SessionState.asking;
      this.#asked = { welcome, ping: this.#outlet.ping() };
    } else {
      this.#begin(welcome, resumed ? "resumed" : "unknown");
    }
  }

  #begin(welcome: Welcome, greeting: Greeting): void {
    this.#state = SessionState.ready;
    this.#outlet.ready = true;
    this.#outlet.drained();
    this.#ticket = { session: welcome.session, secret: welcome.secret };
    this.#graceMs = welcome.graceMs;
    this.#lostMs = null;
    this.#readyMs = this.#outlet.nowMs;
    this.#outlet.heartbeat.start(this.#outlet.nowMs);
    this.#outlet.add({ type: "connected", welcome, again: this.#hasGreeted });
    this.#hasGreeted = true;
    this.#attachments.greeted(greeting);
  }

  #pong(ping: number): void {
    if (this.#state === SessionState.asking && this.#asked !== null && ping >= this.#asked.ping) {
      this.#begin(this.#asked.welcome, "expired");
    }
    this.#attachments.answered(ping);
  }

  #refused({ code, message }: ErrorMessage): void {
    const error = new WireError(codeOf(code), message);
    const isFinal = this.#hasGreeted ? isPermanent(error.code) : error.code !== "going-away";
    if (isFinal) throw error;
    this.#outlet.add({ type: "close", connection: this.#outlet.connection, code: "normal" });
    this.#lost(message);
  }

  #lost(reason: string): void {
    this.#reason = reason;
    this.#outlet.ready = false;
    if (this.#state === SessionState.ready) {
      this.#backoff.lasted(this.#outlet.nowMs - this.#readyMs);
      this.#lostMs = this.#outlet.nowMs;
      this.#isGraceOver = false;
      this.#outlet.add({ type: "disconnected", reason });
      this.#attachments.lost();
    }
    this.#state = SessionState.idle;
    this.#attemptMs = this.#outlet.nowMs + this.#backoff.delayMs(); // [S-8]
    this.#tick();
  }

  #tick(): void {
    const { connectTimeoutMs, address } = this.#options;
    if (this.#state === SessionState.over) return;
    if (
      !this.#hasGreeted &&
      connectTimeoutMs !== null &&
      this.#outlet.nowMs >= this.#startedMs + connectTimeoutMs
    ) {
      this.#break(unreachableError(address, this.#reason === "" ? "it did not answer" : this.#reason));
      return;
    }
    if (this.#lostMs !== null && !this.#isGraceOver && this.#outlet.nowMs >= this.#lostMs + this.#graceMs) {
      this.#isGraceOver = true;
      this.#attachments.graceOver();
    }
    if (this.#state === SessionState.ready) this.#beat();
    else if (this.#outlet.nowMs >= this.#attemptMs) this.#attemptIsDue();
  }

  #attemptIsDue(): void {
    if (this.#state === SessionState.idle) this.#connect();
    else this.#drop("it did not answer");
  }

  #beat(): void {
    switch (this.#outlet.heartbeat.tick(this.#outlet.nowMs, this.#attachments.busy)) {
      case "early":
        break;
      case "ping":
        this.#outlet.ping();
        break;
      case "dead":
        this.#drop("nothing was heard of it"); // [T-5]
        break;
    }
  }

  #drop(reason: string): void {
    this.#outlet.add({ type: "close", connection: this.#outlet.connection, code: "lost" });
    this.#lost(reason);
  }

  #close(): void {
    if (this.#state === SessionState.over) return;
    this.#attachments.close(
      new WireError("aborted", `The connection to ${this.#options.address} was closed.`),
    );
    this.#outlet.send({ type: "bye" }); // [S-7]
    this.#end("normal");
  }

  #break(error: WireError): void {
    if (this.#state === SessionState.over) return;
    this.#end(error.code);
    this.#attachments.fail(error);
    this.#outlet.add({ type: "broken", error });
  }

  #end(code: ErrorCode | "normal"): void {
    if (this.#state !== SessionState.idle) {
      this.#outlet.add({ type: "close", connection: this.#outlet.connection, code });
    }
    this.#state = SessionState.over;
    this.#outlet.ready = false;
  }

  #dueMs(): number | null {
    if (this.#state === SessionState.over) return null;
    const { connectTimeoutMs } = this.#options;
    const dueMs = [this.#state === SessionState.ready ? this.#outlet.heartbeat.nextMs : this.#attemptMs];
    if (!this.#hasGreeted && connectTimeoutMs !== null) dueMs.push(this.#startedMs + connectTimeoutMs);
    if (this.#lostMs !== null && !this.#isGraceOver) dueMs.push(this.#lostMs + this.#graceMs);
    return Math.min(...dueMs);
  }
}
