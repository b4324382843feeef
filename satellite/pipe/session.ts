import type { JsonValue } from "../wire/fact.ts";
import type { SatelliteMessage } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { Deadline } from "./deadlines.ts";
import type { ConnectionId, Rights } from "./effects.ts";
import { json, type Notable } from "./notebook.ts";
import type { Reader } from "./reader.ts";
import type { Stream } from "./stream.ts";

/** Of the sessions that only read: there may be thousands, and a map of its own costs each a quarter of a KiB. */
const NO_STREAMS: Map<number, Stream> = new Map();

/** The state of a connection that outlives it (PROTOCOL.md §5). */
export class Session implements Notable {
  readonly id: string;
  readonly secret: string;
  rights: Rights;
  isOver = false;
  connection: ConnectionId | null;
  /** Of the resume that it goes on with, as its end counts them [S-3]. */
  attempt = 0;
  /** Too much waits in its socket: its readers pause. */
  isCongested = false;
  /** When the connection was lost, in milliseconds; `null` while there is one. */
  lostMs: number | null = null;
  graceDeadline: Deadline | null = null;
  #writers: Map<number, Stream> = NO_STREAMS;
  #streams: Map<number, Stream> = NO_STREAMS;
  readonly readers: Map<number, Reader> = new Map();

  constructor(id: string, secret: string, rights: Rights, connection: ConnectionId | null) {
    this.id = id;
    this.secret = secret;
    this.rights = rights;
    this.connection = connection;
  }

  get factKey(): string {
    return `session/${this.id}`;
  }

  /** Streams of its writers, by `ref`. */
  get writers(): ReadonlyMap<number, Stream> {
    return this.#writers;
  }

  /** The same by id. */
  get streams(): ReadonlyMap<number, Stream> {
    return this.#streams;
  }

  addWriter(ref: number, stream: Stream): void {
    if (this.#writers === NO_STREAMS) {
      this.#writers = new Map();
      this.#streams = new Map();
    }
    this.#writers.set(ref, stream);
    this.#streams.set(stream.id, stream);
  }

  deleteWriter(ref: number, stream: Stream): void {
    this.#writers.delete(ref);
    this.#streams.delete(stream.id);
  }

  fact(): JsonValue | null {
    if (this.isOver) return null;
    return json({ secret: this.secret, share: this.rights.scope?.share });
  }

  /** Its end, with everything that is attached to it. */
  forget(ctx: Context): void {
    this.isOver = true;
    ctx.notebook.note(this);
    for (const { writer } of this.writers.values()) {
      writer.isForgotten = true;
      ctx.notebook.note(writer);
    }
    for (const reader of this.readers.values()) {
      reader.isForgotten = true;
      ctx.notebook.note(reader);
      for (const cursor of reader.cursors.values()) ctx.notebook.note(cursor);
    }
  }

  /** Sends if there is a connection: what is missed is told again after a resume [S-4]. */
  send(ctx: Context, message: SatelliteMessage): void {
    if (this.connection !== null) ctx.emit({ type: "send", connection: this.connection, message });
  }

  get attachmentCount(): number {
    return this.writers.size + this.readers.size;
  }

  readerOn(pipe: string): Reader | null {
    for (const reader of this.readers.values())
      if (reader.pipe.name === pipe && !reader.isOver) return reader;
    return null;
  }
}

/** What is remembered of a session that has expired [S-6]. */
export class ExpiredSession implements Notable {
  readonly id: string;
  readonly secret: string;
  readonly writers: readonly ExpiredWriter[];
  isForgotten = false;

  constructor(id: string, secret: string, writers: readonly ExpiredWriter[]) {
    this.id = id;
    this.secret = secret;
    this.writers = writers;
  }

  get factKey(): string {
    return `expired/${this.id}`;
  }

  fact(): JsonValue | null {
    return this.isForgotten
      ? null
      : { secret: this.secret, writers: this.writers.map((writer) => ({ ...writer })) };
  }
}

export interface ExpiredWriter {
  readonly ref: number;
  readonly stream: number;
  /** Bytes. */
  readonly received: number;
  /** Its end had come. */
  readonly end?: true;
}
