/** The control messages of PROTOCOL.md §4, as types and as the tables that check them. */
import type { Right } from "./rights.ts";
import { bool, type Fields, int, listOf, oneOf, record, seconds, str, tuple } from "./schema.ts";

export type Mode = "plain" | "follow" | "one" | "tap" | "peek";
export type Kind = "text" | "binary";

/** What a writer tells its readers of a stream. */
export interface StreamInfo {
  kind?: Kind;
  /** Bytes. */
  size?: number;
  /** File name. */
  name?: string;
  contentType?: string;
  host?: string;
  /** Opaque: what a reader needs to open a sealed stream [F-5]. */
  sealed?: string;
}

/** One row of `list`. */
export interface PipeRow {
  name: string;
  streams: number;
  bytes: number;
  oldestAgeS: number;
  writers: number;
  readers: number;
  taps: number;
  /** Bytes that came into the pipe since it exists, or the satellite runs; where they were asked for. */
  passedBytes?: number;
}

/** One row of `shares`. Times are milliseconds since the epoch. */
export interface ShareRow {
  id: string;
  pipe: string;
  right: Right;
  createdMs: number;
  expiresMs?: number;
  once?: boolean;
  /** A `once` share that was used. */
  used?: boolean;
}

/** Where a writer stands: the offset from which it can send again [S-10]. */
export interface WriterPosition {
  ref: number;
  from: number;
}

/**
 * `ended`: its end was received. `midLine`: the last chunk that was received had no BOUNDARY. `binary`: something of a
 * binary stream was [S-10].
 */
export const PositionState = { inside: 0, ended: 1, midLine: 2, binary: 3 } as const;

/** Where a reader stands in the streams that it has begun [S-10]. */
export interface ReaderPosition {
  ref: number;
  streams: [stream: number, received: number, acked: number, state: number][];
}

export type Hello = {
  type: "hello";
  protocol: number;
  software: string;
  token?: string;
  resume?: {
    session: string;
    secret: string;
    /** Grows with each attempt of the end to connect: of two that arrive out of order the later one counts [S-3]. */
    attempt?: number;
    writers: WriterPosition[];
    readers: ReaderPosition[];
  };
};
export type Open = {
  type: "open";
  ref: number;
  pipe: string;
  ttlMs?: number;
  sync?: boolean;
} & StreamInfo;
export type Read = {
  type: "read";
  ref: number;
  pipe: string;
  mode: Mode;
  fresh?: boolean;
  limitBytes?: number;
};
export type ShareRequest = {
  type: "share";
  ref: number;
  id: string;
  pipe: string;
  right: Right;
  lifeMs?: number;
  once?: boolean;
};
export type ReaderAck = { type: "ack"; ref: number; stream: number; offset: number; end?: boolean };

/** What an end sends. */
export type EndMessage =
  | Hello
  | Open
  | { type: "abort"; ref: number; reason?: string }
  | { type: "release"; ref: number }
  | Read
  | ReaderAck
  | { type: "leave"; ref: number }
  | { type: "list"; ref: number; passed?: boolean }
  | { type: "remove"; ref: number; pipe: string }
  | { type: "inspect"; ref: number }
  | ShareRequest
  | { type: "shares"; ref: number }
  | { type: "unshare"; ref: number; id: string }
  | { type: "bye" };

export type Welcome = {
  type: "welcome";
  protocol: number;
  software: string;
  session: string;
  secret: string;
  graceMs: number;
  resumed: boolean;
  expired?: boolean;
};
export type Opened = {
  type: "opened";
  ref: number;
  stream: number;
  received: number;
  safe: number;
  credit: number;
};
export type WriterAck = {
  type: "ack";
  ref: number;
  stream: number;
  offset: number;
  credit: number;
  end?: boolean;
};
export type StreamBegins = {
  type: "stream";
  ref: number;
  stream: number;
  offset: number;
  /** No other stream is in its delivery. */
  alone?: boolean;
} & StreamInfo;
export type Aborted = {
  type: "aborted";
  ref: number;
  stream: number;
  offset: number;
  code: string;
  reason?: string;
};
export type Shared = {
  type: "shared";
  ref: number;
  id: string;
  token: string;
  expiresMs?: number;
  lasting: boolean;
};
export type Status = {
  type: "status";
  ref: number;
  software: string;
  uptimeS: number;
  store: string;
  usedBytes: number;
  maxBytes: number;
  sessions: number;
  pipes: number;
  streams: number;
  bundle?: string;
};
export type ErrorMessage = { type: "error"; ref?: number; code: string; message: string };

/** What the satellite sends. */
export type SatelliteMessage =
  | Welcome
  | Opened
  | WriterAck
  | { type: "taken"; ref: number; stream: number }
  | { type: "pause"; ref: number; stream: number; reason: "full" }
  | { type: "continue"; ref: number; stream: number }
  | { type: "attached"; ref: number }
  | StreamBegins
  | { type: "withdrawn"; ref: number; stream: number }
  | Aborted
  | { type: "gap"; ref: number; stream: number; offset: number }
  | { type: "done"; ref: number }
  | ErrorMessage
  | { type: "expired"; ref: number; stream: number; received: number; end?: boolean }
  | { type: "listed"; ref: number; pipes: PipeRow[]; last: boolean }
  | { type: "removed"; ref: number; streams: number; bytes: number }
  | Shared
  | { type: "sharing"; ref: number; shares: ShareRow[]; last: boolean }
  | { type: "unshared"; ref: number; id: string }
  | Status
  | { type: "goaway"; reason: string };

const info: Fields = {
  "kind?": oneOf("text", "binary"),
  "size?": int,
  "name?": str(255),
  "contentType?": str(255),
  "host?": str(255),
  "sealed?": str(2048),
};
const row: Fields = {
  name: str(200),
  streams: int,
  bytes: int,
  oldestAgeS: seconds,
  writers: int,
  readers: int,
  taps: int,
  "passedBytes?": int,
};

const right = oneOf("read", "write", "both");
const shareRow: Fields = {
  id: str(64),
  pipe: str(200),
  right,
  createdMs: int,
  "expiresMs?": int,
  "once?": bool,
  "used?": bool,
};

/** Fields of each message from an end. A name that ends in `?` may be absent. Pipe names are checked by `isPipeName` [C-4]. */
export const endSchema: Record<EndMessage["type"], Fields> = {
  hello: {
    protocol: int,
    software: str(64),
    "token?": str(4096),
    "resume?": record({
      session: str(64),
      secret: str(64),
      "attempt?": int,
      writers: listOf(record({ ref: int, from: int })),
      readers: listOf(record({ ref: int, streams: listOf(tuple(int, int, int, int)) })),
    }),
  },
  open: { ref: int, pipe: str(65_536), "ttlMs?": int, "sync?": bool, ...info },
  abort: { ref: int, "reason?": str(255) },
  release: { ref: int },
  read: {
    ref: int,
    pipe: str(65_536),
    mode: oneOf("plain", "follow", "one", "tap", "peek"),
    "fresh?": bool,
    "limitBytes?": int,
  },
  ack: { ref: int, stream: int, offset: int, "end?": bool },
  leave: { ref: int },
  list: { ref: int, "passed?": bool },
  remove: { ref: int, pipe: str(65_536) },
  inspect: { ref: int },
  share: { ref: int, id: str(64), pipe: str(65_536), right, "lifeMs?": int, "once?": bool },
  shares: { ref: int },
  unshare: { ref: int, id: str(64) },
  bye: {},
};

/** Fields of each message from the satellite. */
export const satelliteSchema: Record<SatelliteMessage["type"], Fields> = {
  welcome: {
    protocol: int,
    software: str(64),
    session: str(64),
    secret: str(64),
    graceMs: int,
    resumed: bool,
    "expired?": bool,
  },
  opened: { ref: int, stream: int, received: int, safe: int, credit: int },
  ack: { ref: int, stream: int, offset: int, credit: int, "end?": bool },
  taken: { ref: int, stream: int },
  pause: { ref: int, stream: int, reason: oneOf("full") },
  continue: { ref: int, stream: int },
  attached: { ref: int },
  stream: { ref: int, stream: int, offset: int, ...info, "alone?": bool },
  withdrawn: { ref: int, stream: int },
  aborted: { ref: int, stream: int, offset: int, code: str(32), "reason?": str(255) },
  gap: { ref: int, stream: int, offset: int },
  done: { ref: int },
  error: { "ref?": int, code: str(32), message: str(512) },
  expired: { ref: int, stream: int, received: int, "end?": bool },
  listed: { ref: int, pipes: listOf(record(row)), last: bool },
  removed: { ref: int, streams: int, bytes: int },
  shared: { ref: int, id: str(64), token: str(4096), "expiresMs?": int, lasting: bool },
  sharing: { ref: int, shares: listOf(record(shareRow)), last: bool },
  unshared: { ref: int, id: str(64) },
  status: {
    ref: int,
    software: str(64),
    uptimeS: seconds,
    store: str(16),
    usedBytes: int,
    maxBytes: int,
    sessions: int,
    pipes: int,
    streams: int,
    "bundle?": str(64),
  },
  goaway: { reason: str(255) },
};
