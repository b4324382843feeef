/** The shapes that the library takes and gives. */
import type { Kind, Mode, StreamBegins } from "../../satellite/wire/messages.ts";
import type { Right } from "../../satellite/wire/rights.ts";

export interface ConnectOptions {
  /** `ws:`, `wss:`, `http:`, `https:` or `unix:/path`. Default: SKYPIPE_SATELLITE. */
  url?: string;
  /** Default: SKYPIPE_TOKEN. */
  token?: string;
  /** A link that somebody gave you, in place of both. */
  link?: string;
  /** One key for sealing or several, the newest first, with white space between them. Default: SKYPIPE_KEY. */
  key?: string;
  /** How long the first connect is tried before it fails as `unreachable`. Default: 10,000. */
  connectTimeoutMs?: number;
  /** Stops the first connect. */
  signal?: AbortSignal;
  /** What this end calls itself, at most 64 bytes. Default: `skypipe/VERSION`. */
  software?: string;
}

export interface WriterOptions {
  /** Without one, the first write decides. */
  kind?: Kind;
  /** Bytes, where they are known beforehand. */
  size?: number;
  /** File name, at most 255 bytes. */
  name?: string;
  contentType?: string;
  host?: string;
  /** What nobody has read this long after its last byte is dropped. Default: never. */
  ttlMs?: number;
  /** `finish` waits until one reader has acknowledged it all. */
  sync?: boolean;
  /** Send it unsealed although there is a key, for readers that have none. */
  plain?: boolean;
}

export interface ReaderOptions {
  /** Default: `plain`, one delivery. */
  mode?: Mode;
  /** Skip the backlog. */
  fresh?: boolean;
  /** How much a peek shows. */
  limitBytes?: number;
  /** Take streams that are not sealed although there is a key. */
  plain?: boolean;
}

/** Who has sealed a stream: a holder of the account's key, or of a link that can only write, which may be anyone's. */
type SealedBy = "account" | "link";

/** A stream as its reader sees it; what was sealed in `sealed` stands in the fields of its own. */
export interface DeliveredStream extends StreamBegins {
  /** Absent where it is not sealed. */
  sealedBy?: SealedBy;
}

/** How a stream ended for its reader. */
export type EndCause = "eof" | "interrupted" | "aborted";

/** Where a delivery goes. One call at a time; a promise that is returned is waited for. */
export interface Sink {
  /** The sink does not use a chunk's bytes when `chunk` is over: their memory is used again. Else they are the sink's. */
  readonly borrows?: boolean;
  begin?(stream: DeliveredStream): void;
  /** The chunk is acknowledged when this has resolved: it is then in the output. `flags` are those of the data frame. */
  chunk(stream: DeliveredStream, bytes: Uint8Array, flags: number): void | Promise<void>;
  /** The end is acknowledged when this has resolved. */
  end?(stream: DeliveredStream, cause: EndCause, reason?: string): void | Promise<void>;
  /** What lies between the two offsets was missed. */
  gap?(stream: DeliveredStream, from: number, to: number): void;
  /** The stream, of which nothing had come, is not for this reader after all. */
  withdrawn?(stream: DeliveredStream): void;
}

/** A reader at work. */
export interface Receiving {
  /**
   * Settles when the delivery is complete, or the reader has left.
   *
   * @throws SkypipeError `behind`, `replaced`, `expired`, … or what the sink threw
   */
  readonly done: Promise<Received>;
  /** Resolves when the satellite knows of this reader. */
  readonly attached: Promise<void>;
  /** Stops. What was not acknowledged stays in the pipe. */
  leave(): Promise<void>;
}

export interface Received {
  /** Whether a stream of the delivery was aborted. */
  aborted: boolean;
}

export interface ShareOptions {
  right: Right;
  /** It ends by itself after so long. Default: only when it is ended. */
  lifeMs?: number;
  /** It is for one writer or one reader. */
  once?: boolean;
}

export interface GivenShare {
  readonly id: string;
  /** A secret: whoever has it may do what it is for. */
  readonly link: string;
  /** Milliseconds since the epoch; `null`: it does not end by itself. */
  readonly expiresMs: number | null;
  /** Whether it outlives the satellite's process. */
  readonly lasting: boolean;
}

/** What `remove` dropped. */
export interface Removed {
  streams: number;
  bytes: number;
}
