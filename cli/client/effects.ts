/** What goes into a session and what comes out of it: it has no socket, no timer, no clock and no chance of its own. */

import type { Cut } from "../../satellite/wire/cutter.ts";
import type { ErrorCode, WireError } from "../../satellite/wire/errors.ts";
import type { Chunk } from "../../satellite/wire/frame.ts";
import type {
  EndMessage,
  PipeRow,
  SatelliteMessage,
  Shared,
  ShareRow,
  Status,
  StreamBegins,
  Welcome,
} from "../../satellite/wire/messages.ts";
import type { SealedInfo } from "../../satellite/wire/sealing.ts";
import type { EndCause, ReaderOptions, Removed, WriterOptions } from "./types.ts";

/** A connection, as the session numbers it. Events of one that is not the present one are dropped. */
export type ConnectionId = number;

/** A request about the satellite; `ref` is the application's, as in `open` and `read`: unique in its session. */
export type Question = Extract<
  EndMessage,
  { type: "list" | "remove" | "inspect" | "share" | "shares" | "unshare" }
>;

/** What a request about the satellite is answered with. `unshare`: nothing more. */
export type Answer = PipeRow[] | Removed | Status | Shared | ShareRow[] | null;

/** What a writer, reader or question is told by its session. After one of `Outcome` nothing follows. */
export type Notice =
  | { type: "opened"; ref: number; stream: number }
  /** The answer to each `write`: the next one may come. */
  | { type: "accepted"; ref: number }
  | { type: "paused"; ref: number; reason: string }
  | { type: "continued"; ref: number }
  /** `bytes` of all that was written are safe. */
  | { type: "safe"; ref: number; bytes: number }
  | { type: "attached"; ref: number }
  | { type: "begin"; ref: number; stream: StreamBegins }
  /** To be answered by `consumed`, in order. */
  | { type: "chunk"; ref: number; stream: StreamBegins; chunk: Chunk }
  /** To be answered by `consumed` with `end`. */
  | { type: "end"; ref: number; stream: StreamBegins; offset: number; cause: EndCause; reason?: string }
  | { type: "gap"; ref: number; stream: StreamBegins; from: number; to: number }
  | { type: "withdrawn"; ref: number; stream: StreamBegins }
  | Outcome;

type Outcome =
  /** A writer's end is safe, and taken where it is `sync`. */
  | { type: "finished"; ref: number }
  /** A reader's delivery is complete; or it has `left`, which is this end's doing. */
  | { type: "done"; ref: number; aborted: boolean; left?: true }
  | { type: "answered"; ref: number; answer: Answer }
  | { type: "failed"; ref: number; error: WireError };

/**
 * Seals what one writer sends (PROTOCOL.md §14). Its answers depend on its arguments alone; `part` is 0 for the writer's
 * first stream and one more each time it goes on in a new one.
 */
export interface Sealer {
  /** What `open` carries as `sealed`. */
  field(part: number, info: SealedInfo): string;
  /**
   * Writes what a chunk holds into its frame, behind the header that is there, and SEAL_BYTES more. For one part and
   * offset there must never be two that differ [Z-7].
   */
  seal(part: number, chunk: Chunk, payload: Uint8Array): void;
  /** What a chunk that was sealed so holds. */
  unseal(part: number, chunk: Chunk): Uint8Array;
}

/** What the application does. */
export type Operation =
  /** Sealed, where there is a sealer. */
  | { type: "open"; ref: number; pipe: string; options: WriterOptions; sealer?: Sealer | null }
  /** Not before the last one was `accepted`. The cuts are copied. */
  | { type: "write"; ref: number; cuts: readonly Cut[] }
  | { type: "finish"; ref: number; interrupted: boolean }
  | { type: "abort"; ref: number; reason?: string }
  | { type: "read"; ref: number; pipe: string; options: ReaderOptions }
  /**
   * Everything of `stream` before `offset` is in the output; with `end`, its end was acted on. Answers so many notices:
   * one, where nothing is said.
   */
  | { type: "consumed"; ref: number; stream: StreamBegins; offset: number; end: boolean; notices?: number }
  | { type: "leave"; ref: number }
  | { type: "ask"; question: Question };

export interface SessionOptions {
  /** What this end calls itself. */
  software: string;
  /** Where the satellite is, for messages to people. */
  address: string;
  /** How long the first connect is tried; `null`: until it succeeds. */
  connectTimeoutMs: number | null;
  /** Gives a number from 0 to 1. */
  random: () => number;
}

export type SessionEvent =
  /** The first event. */
  | { type: "start" }
  /** The connection that `connect` asked for is there. */
  | { type: "connected"; connection: ConnectionId }
  | { type: "message"; connection: ConnectionId; message: SatelliteMessage }
  | { type: "chunk"; connection: ConnectionId; chunk: Chunk }
  /** A sign of life that is neither message nor chunk; `pong`: the number of the ping that it answers. */
  | { type: "heard"; connection: ConnectionId; pong?: number }
  /** The answer to `watch`: little waits in the connection's socket. */
  | { type: "drained"; connection: ConnectionId }
  /** It is gone, or could not be made. With `error`, trying again is of no use. */
  | { type: "lost"; connection: ConnectionId; reason: string; error?: WireError }
  /** The time that `wake` asked for has come (early or late does no harm). */
  | { type: "tick" }
  | Operation
  /** `bye`: writers whose end is not safe abort, readers leave. */
  | { type: "close" };

export type SessionEffect =
  | { type: "connect"; connection: ConnectionId }
  | { type: "send"; connection: ConnectionId; message: EndMessage }
  | { type: "forward"; connection: ConnectionId; chunk: Chunk }
  | { type: "ping"; connection: ConnectionId; ping: number }
  /** Much was sent: say `drained` when little of it waits. */
  | { type: "watch"; connection: ConnectionId }
  /** Close the connection, after what was sent: with an error's code, or normally. What is `lost` goes at once. */
  | { type: "close"; connection: ConnectionId; code: ErrorCode | "normal" | "lost" }
  /** Send a `tick` at this time. Replaces the wake before it; `null`: none is needed. */
  | { type: "wake"; atMs: number | null }
  | { type: "connected"; welcome: Welcome; again: boolean }
  | { type: "disconnected"; reason: string }
  | { type: "goaway"; reason: string }
  /** The session is over; everything in it has failed with this. */
  | { type: "broken"; error: WireError }
  | { type: "notice"; notice: Notice };

/** What a writer, reader or question needs of its session. */
export interface Port {
  /** Whether there is a connection on which both sides have said hello. */
  readonly ready: boolean;
  /** Whether another chunk may be given to the socket. */
  readonly hasRoom: boolean;
  /** Pings sent so far. What was sent before a ping has arrived when the ping is answered. */
  readonly pings: number;
  /** For messages to people. */
  readonly address: string;
  send(message: EndMessage): void;
  forward(chunk: Chunk): void;
  /** Asks whether what was sent has arrived. */
  ping(): number;
  /** An answer is owed: the connection is watched more closely [T-5]. */
  hurry(): void;
  tell(notice: Notice): void;
}

/** What has become of the session when both sides have said hello. */
export type Greeting =
  /** It goes on. */
  | "resumed"
  /** It is the first, or the satellite knows nothing of the one before. */
  | "unknown"
  /** The grace of the one before was over; `expired` follows for its writers. */
  | "expired";

/** A writer, reader or question in its session. It is over when it has told an `Outcome`. */
export interface Attachment {
  readonly isOver: boolean;
  /** Whether the other side owes it an answer. */
  readonly busy: boolean;
  greeted(greeting: Greeting): void;
  receive(message: SatelliteMessage): void;
  /** A ping of this number was answered: the other side has what was sent before it. */
  answered(ping: number): void;
  /** The connection is gone. */
  lost(): void;
  /** The connection has been away for longer than the grace. */
  graceOver(): void;
  /** The application closes the session. */
  close(): void;
}
