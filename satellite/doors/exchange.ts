import type { BrokerEvent, ConnectionId } from "../pipe/effects.ts";
import type { ErrorCode, WireError } from "../wire/errors.ts";
import type { Chunk } from "../wire/frame.ts";
import type { SatelliteMessage } from "../wire/messages.ts";

/** One connection, as the broker sees it: what it sends goes in here. None of this throws. */
export interface Line {
  send(message: SatelliteMessage): void;
  /** Sends the very bytes of the frame [F-4]. It may let go of the chunk's block when they have left. */
  forward(chunk: Chunk): void;
  close(code: ErrorCode | "normal"): void;
  /** Gives the line up with an error of its own [E-1]. */
  fail(error: WireError): void;
}

/** What has gone through since the start, and what is there. */
export interface Figures {
  readonly connections: number;
  /** Payload of chunks, from writers and to readers. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly isStoreInTrouble: boolean;
}

/** What a door needs of the satellite. */
export interface Exchange {
  /** Gives a line its number. */
  open(line: Line): ConnectionId;
  /** Forgets a line that is gone. The broker was told before. */
  forget(connection: ConnectionId): void;
  /** Tells the broker; its effects are carried out before this returns, unless others are on the way. */
  post(event: BrokerEvent): void;
  figures(): Figures;
}
