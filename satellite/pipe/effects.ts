/** What goes into the broker and what comes out of it: it has no sockets, no disk, no timers and no clock of its own. */
import type { ErrorCode } from "../wire/errors.ts";
import type { Fact } from "../wire/fact.ts";
import type { Chunk } from "../wire/frame.ts";
import type { EndMessage, Hello, SatelliteMessage, StreamInfo } from "../wire/messages.ts";
import type { Rights, Terms } from "../wire/rights.ts";

/** A connection, as the door that holds it numbers it. Never used again for another. */
export type ConnectionId = number;

export type { Rights };

export type BrokerEvent =
  /** A `hello` whose token was accepted. `secret` is 128 fresh random bits, for the session that may be made. */
  | { type: "hello"; connection: ConnectionId; message: Hello; rights: Rights; secret: string }
  /** Any other control message, checked against its schema. */
  | { type: "message"; connection: ConnectionId; message: Exclude<EndMessage, Hello> }
  | { type: "chunk"; connection: ConnectionId; chunk: Chunk }
  | { type: "lost"; connection: ConnectionId }
  /** More than `sendQueueBytesMax` waits in the connection's socket; its readers pause until it is `drained`. */
  | { type: "congested"; connection: ConnectionId }
  | { type: "drained"; connection: ConnectionId }
  /** The store has everything of `stream` before `offset`; with `end`, its last chunk too. */
  | { type: "durable"; stream: number; offset: number; end: boolean }
  /** The answer to a `load`: whole chunks in order, from the offset that was asked for. */
  | { type: "loaded"; load: number; chunks: readonly Chunk[] }
  /** The store has no room, or its disk fails; `false`: it works again. What it was given waits there meanwhile. */
  | { type: "trouble"; isShut: boolean }
  /** The store has lost a part of what was durable of this stream. */
  | { type: "damaged"; stream: number }
  /** The time that `wake` asked for has come (early or late does no harm). */
  | { type: "tick" }
  /** The satellite is about to stop. */
  | { type: "stop"; reason: string };

export type BrokerEffect =
  | { type: "send"; connection: ConnectionId; message: SatelliteMessage }
  | { type: "forward"; connection: ConnectionId; chunk: Chunk }
  /** Close the connection, after what was sent: with an error's code, or normally. */
  | { type: "close"; connection: ConnectionId; code: ErrorCode | "normal" }
  /** Sign the token of a share, and answer the request `ref` with `shared`. */
  | { type: "issue"; connection: ConnectionId; ref: number; terms: Terms; lasting: boolean }
  /** Begin to keep a stream; before its first `append`. */
  | { type: "create"; stream: number; pipe: string; openedMs: number; info: StreamInfo; ttlMs?: number }
  | { type: "append"; chunk: Chunk }
  | { type: "load"; load: number; stream: number; offset: number; bytesMax: number }
  /** What ends at or before `offset` is not needed any more. */
  | { type: "release"; stream: number; offset: number }
  | { type: "drop"; stream: number }
  /** Send a `tick` at this time. Replaces the wake before it; `null`: none is needed. */
  | { type: "wake"; atMs: number | null }
  /** Hand these to the journal before anything else is done. */
  | { type: "note"; facts: readonly Fact[] };
