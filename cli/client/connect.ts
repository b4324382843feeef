import type { EventEmitter } from "node:events";
import type { PipeRow, Status } from "../../satellite/wire/messages.ts";
import { SkypipeError } from "./errors.ts";
import type { PipeReader } from "./reader.ts";
import type { ConnectOptions, ReaderOptions, Receiving, Removed, Sink, WriterOptions } from "./types.ts";
import type { PipeWriter } from "./writer.ts";

/** Events: `disconnect` (reason: string), `reconnect`, `goaway` (reason: string). */
export interface Satellite
  extends EventEmitter<{ disconnect: [reason: string]; reconnect: []; goaway: [reason: string] }> {
  /** What the satellite calls itself. */
  readonly software: string;
  readonly graceMs: number;
  /** For messages: a host name, or the path of a Unix socket, whose port is 0. */
  readonly host: string;
  readonly port: number;
  /** For messages: `host:port` or the path. */
  readonly address: string;
  writer(pipe?: string, options?: WriterOptions): PipeWriter;
  reader(pipe?: string, options?: ReaderOptions): PipeReader;
  receive(pipe: string, options: ReaderOptions, sink: Sink): Receiving;
  list(): Promise<PipeRow[]>;
  remove(pipe: string): Promise<Removed>;
  inspect(): Promise<Status>;
  /** Resolves when all that was written, and the end of every writer that was ended, is safe. */
  drain(): Promise<void>;
  /** At once: writers whose end is not safe abort, readers leave. */
  close(): Promise<void>;
}

/** @throws SkypipeError `unreachable`, `unauthorized`, `forbidden`, `version`, `usage` */
export async function connect(_options: ConnectOptions = {}): Promise<Satellite> {
  throw new SkypipeError("unreachable", "The client is being written.");
}
