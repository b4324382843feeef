/**
 * An end that does just what a test tells it, over a real WebSocket: it keeps no rule by itself, but it watches that
 * the satellite keeps those that hold in every exchange, and notes each breach in `breaches`.
 */
import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";
import { parseSatelliteMessage } from "../../satellite/wire/control.ts";
import { decodeChunk } from "../../satellite/wire/decode.ts";
import type { Chunk } from "../../satellite/wire/frame.ts";
import { PROTOCOL_VERSION, SUBPROTOCOL, WEBSOCKET_PATH } from "../../satellite/wire/limits.ts";
import type {
  EndMessage,
  ErrorMessage,
  Hello,
  Mode,
  PipeRow,
  SatelliteMessage,
  Shared,
  ShareRequest,
  ShareRow,
  Status,
  Welcome,
} from "../../satellite/wire/messages.ts";
import { RawReader } from "./raw-reader.ts";
import { RawWriter } from "./raw-writer.ts";

/** How long a test waits for what must come. */
const patienceMs = 10_000;

type Type = SatelliteMessage["type"];
type Of<T extends Type> = Extract<SatelliteMessage, { type: T }>;
type Closed = { code: number; reason: string };

export interface DialOptions {
  readonly headers?: Record<string, string>;
  /** False: pings of the satellite are not answered. */
  readonly autoPong?: boolean;
  readonly subprotocol?: string | null;
  readonly path?: string;
  /** Offer compression, which the satellite has to decline. */
  readonly compress?: boolean;
}

/** The WebSocket address of a satellite: `http://host:port`, `https://…` or `unix:/path`. */
function addressOf(url: string, path: string = WEBSOCKET_PATH): string {
  if (url.startsWith("unix:")) return `ws+unix:${url.slice("unix:".length)}:${path}`;
  return url.replace(/^http/, "ws").replace(/\/$/, "") + path;
}

function socketTo(url: string, options: DialOptions): WebSocket {
  const subprotocol = options.subprotocol === undefined ? SUBPROTOCOL : options.subprotocol;
  return new WebSocket(addressOf(url, options.path), subprotocol === null ? [] : [subprotocol], {
    perMessageDeflate: options.compress ?? false,
    autoPong: options.autoPong ?? true,
    headers: options.headers ?? {},
  });
}

/** The HTTP status with which a handshake is answered: 101 where it is accepted. */
export async function handshakeStatus(url: string, options: DialOptions = {}): Promise<number> {
  const socket = socketTo(url, options);
  const status = await new Promise<number>((resolve, reject) => {
    socket.once("open", () => resolve(101));
    socket.once("unexpected-response", (_, response) => resolve(response.statusCode ?? 0));
    socket.once("error", reject);
  });
  socket.once("error", () => {});
  socket.terminate();
  return status;
}

/** One connection. */
class Link {
  readonly socket: WebSocket;
  readonly closed: Promise<Closed>;
  isOpen = true;
  pings = 0;
  /** The error without `ref` that came before the close. */
  lastError: ErrorMessage | undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once("close", (code: number, reason: Buffer) => {
        this.isOpen = false;
        resolve({ code, reason: reason.toString() });
      });
    });
    socket.on("ping", () => {
      this.pings += 1;
    });
    socket.on("error", () => {});
  }
}

interface Waiter {
  /** True when it has what it waits for. */
  poll(): boolean;
  fail(error: Error): void;
}

export class RawEnd {
  readonly url: string;
  readonly breaches: string[] = [];
  readonly writers: Map<number, RawWriter> = new Map();
  readonly readers: Map<number, RawReader> = new Map();
  welcome: Welcome | undefined;
  link: Link;
  #inbox: SatelliteMessage[] = [];
  #history: string[] = [];
  #waiters = new Set<Waiter>();
  #nextRef = 1;

  private constructor(url: string, link: Link) {
    this.url = url;
    this.link = link;
    this.#listen(link);
  }

  /** Connects, and says nothing yet. */
  static async dial(url: string, options: DialOptions = {}): Promise<RawEnd> {
    return new RawEnd(url, await openLink(url, options));
  }

  /** Connects and says `hello`. */
  static async greet(url: string, token?: string): Promise<RawEnd> {
    const end = await RawEnd.dial(url, token === undefined ? {} : { headers: bearer(token) });
    await end.hello();
    return end;
  }

  async hello(fields: Partial<Hello> = {}): Promise<Welcome> {
    this.send({ type: "hello", protocol: PROTOCOL_VERSION, software: "raw/0", ...fields });
    this.welcome = await this.next("welcome");
    return this.welcome;
  }

  /** What `hello` carries to resume this session, with the positions of its readers, or those given. */
  resumption(readers?: NonNullable<Hello["resume"]>["readers"]): NonNullable<Hello["resume"]> {
    const { session = "", secret = "" } = this.welcome ?? {};
    return {
      session,
      secret,
      writers: [...this.writers.values()].map((writer) => writer.position()),
      readers: readers ?? [...this.readers.values()].map((reader) => reader.position()),
    };
  }

  /** Comes back on a new connection. An old one that still stands is left as it is, and given back. */
  async resume(
    options: {
      readers?: NonNullable<Hello["resume"]>["readers"];
      secret?: string;
      token?: string;
      url?: string;
    } = {},
  ): Promise<{ welcome: Welcome; old: Link }> {
    const old = this.link;
    const resume = this.resumption(options.readers);
    this.link = await openLink(
      options.url ?? this.url,
      options.token === undefined ? {} : { headers: bearer(options.token) },
    );
    this.#inbox = [];
    this.#listen(this.link);
    for (const reader of this.readers.values()) reader.relinked();
    const welcome = await this.hello({
      resume: { ...resume, ...(options.secret && { secret: options.secret }) },
    });
    return { welcome, old };
  }

  send(message: EndMessage): void {
    this.sendText(JSON.stringify(message));
  }

  sendText(text: string): void {
    this.link.socket.send(text);
  }

  sendBytes(bytes: Uint8Array): void {
    this.link.socket.send(bytes);
  }

  /** The connection is gone at once, without a close. */
  async cut(): Promise<void> {
    this.link.socket.terminate();
    await this.link.closed;
  }

  /** Ends the session, whatever state it is in. */
  async close(): Promise<void> {
    if (this.link.isOpen && this.link.socket.readyState === WebSocket.OPEN) {
      this.send({ type: "bye" });
      this.link.socket.close();
      const timer = setTimeout(() => this.link.socket.terminate(), 1000);
      await this.link.closed;
      clearTimeout(timer);
    }
  }

  /** The next message of this type that nobody has taken yet, of those that match. */
  async next<T extends Type>(type: T, where: Partial<Of<T>> = {}): Promise<Of<T>> {
    const matches = (message: SatelliteMessage): boolean =>
      message.type === type &&
      Object.entries(where).every(([name, value]) => (message as Record<string, unknown>)[name] === value);
    let found: SatelliteMessage | undefined;
    await this.#wait(`${type} ${JSON.stringify(where)}`, () => {
      const index = this.#inbox.findIndex(matches);
      if (index < 0) return false;
      [found] = this.#inbox.splice(index, 1);
      return true;
    });
    return found as Of<T>;
  }

  /** The first message that nobody has taken yet to one request, whatever it says. */
  async nextOf(ref: number): Promise<SatelliteMessage> {
    let found: SatelliteMessage | undefined;
    await this.#wait(`an answer to ${ref}`, () => {
      const index = this.#inbox.findIndex((message) => "ref" in message && message.ref === ref);
      if (index < 0) return false;
      [found] = this.#inbox.splice(index, 1);
      return true;
    });
    return found as SatelliteMessage;
  }

  /** Whether a message of this type has come and was not taken. After a `fence`, nothing more is under way. */
  has<T extends Type>(type: T, where: Partial<Of<T>> = {}): boolean {
    return this.#inbox.some(
      (message) =>
        message.type === type &&
        Object.entries(where).every(([name, value]) => (message as Record<string, unknown>)[name] === value),
    );
  }

  /** Waits until what has come makes this true. */
  until(what: string, condition: () => boolean): Promise<void> {
    return this.#wait(what, condition);
  }

  /** The satellite closes this connection: with this error code, said before and as the close's reason [E-1]. */
  async closedBy(): Promise<Closed & { error: ErrorMessage | undefined }> {
    const { link } = this;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#lateness("a close")), patienceMs);
    });
    const closed = await Promise.race([link.closed, late]);
    clearTimeout(timer);
    return { ...closed, error: link.lastError };
  }

  ref(): number {
    const ref = this.#nextRef;
    this.#nextRef += 1;
    return ref;
  }

  /** Sends `open` and waits for nothing. */
  opening(pipe: string, fields: Partial<Extract<EndMessage, { type: "open" }>> = {}): RawWriter {
    const writer = new RawWriter(this, { type: "open", ref: this.ref(), pipe, ...fields });
    this.writers.set(writer.ref, writer);
    this.send(writer.request);
    return writer;
  }

  async open(pipe: string, fields: Partial<Extract<EndMessage, { type: "open" }>> = {}): Promise<RawWriter> {
    const writer = this.opening(pipe, fields);
    await this.until(`opened ${writer.ref}`, () => writer.stream > 0);
    return writer;
  }

  /** Sends `read` and waits for nothing. */
  reading(pipe: string, mode: Mode = "plain", fields: ReadFields = {}): RawReader {
    const { autoAck = true, ...rest } = fields;
    const reader = new RawReader(this, { type: "read", ref: this.ref(), pipe, mode, ...rest }, autoAck);
    this.readers.set(reader.ref, reader);
    this.send(reader.request);
    return reader;
  }

  async read(pipe: string, mode: Mode = "plain", fields: ReadFields = {}): Promise<RawReader> {
    const reader = this.reading(pipe, mode, fields);
    await this.until(`attached ${reader.ref}`, () => reader.isAttached);
    return reader;
  }

  async list(): Promise<PipeRow[]> {
    const ref = this.ref();
    this.send({ type: "list", ref });
    const rows: PipeRow[] = [];
    for (;;) {
      const part = await this.next("listed", { ref });
      rows.push(...part.pipes);
      if (part.last) return rows;
    }
  }

  /** The row of one pipe; undefined where it is not listed. */
  async row(pipe: string): Promise<PipeRow | undefined> {
    return (await this.list()).find(({ name }) => name === pipe);
  }

  async inspect(): Promise<Status> {
    const ref = this.ref();
    this.send({ type: "inspect", ref });
    return this.next("status", { ref });
  }

  async remove(pipe: string): Promise<{ streams: number; bytes: number }> {
    const ref = this.ref();
    this.send({ type: "remove", ref, pipe });
    const { streams, bytes } = await this.next("removed", { ref });
    return { streams, bytes };
  }

  /** Gives out a share. */
  async share(
    pipe: string,
    fields: Partial<Omit<ShareRequest, "type" | "ref" | "pipe">> = {},
  ): Promise<Shared> {
    const ref = this.ref();
    this.send({ type: "share", ref, id: randomUUID(), right: "both", ...fields, pipe });
    return this.next("shared", { ref });
  }

  async shares(): Promise<ShareRow[]> {
    const ref = this.ref();
    this.send({ type: "shares", ref });
    const rows: ShareRow[] = [];
    for (let last = false; !last; ) {
      const part = await this.next("sharing", { ref });
      rows.push(...part.shares);
      ({ last } = part);
    }
    return rows;
  }

  async unshare(id: string): Promise<void> {
    const ref = this.ref();
    this.send({ type: "unshare", ref, id });
    await this.next("unshared", { ref });
  }

  #listen(link: Link): void {
    link.socket.on("message", (data: Buffer, isBinary: boolean) => {
      try {
        if (isBinary) this.#takeChunk(link, decodeChunk(Uint8Array.from(data)));
        else this.#takeMessage(link, parseSatelliteMessage(data.toString()));
      } catch (error) {
        this.breaches.push(`[C-1] the satellite sent what no end can read: ${String(error)}`);
      }
      this.#poll();
    });
    link.socket.once("close", (code: number, reason: Buffer) => {
      this.#note(`closed ${code} ${reason.toString()}`);
      this.#poll();
      if (link !== this.link) return;
      for (const waiter of this.#waiters) waiter.fail(this.#lateness("more, but the connection closed"));
    });
  }

  #takeMessage(link: Link, message: SatelliteMessage | null): void {
    if (message === null) return;
    this.#note(JSON.stringify(message));
    if (message.type === "error" && message.ref === undefined) link.lastError = message;
    if (link !== this.link) return;
    if ("ref" in message && message.ref !== undefined) {
      this.writers.get(message.ref)?.take(message);
      this.readers.get(message.ref)?.take(message);
    }
    this.#inbox.push(message);
  }

  #takeChunk(link: Link, chunk: Chunk): void {
    this.#note(`chunk ${chunk.stream} ${chunk.offset}–${chunk.end} flags ${chunk.flags}`);
    if (link !== this.link) {
      this.breaches.push("[S-3] data came on a superseded connection");
      return;
    }
    const reader = [...this.readers.values()].findLast((candidate) => candidate.expects(chunk.stream));
    if (reader === undefined)
      this.breaches.push(`[R-2] a chunk of stream ${chunk.stream} came without its \`stream\``);
    reader?.takeChunk(chunk);
  }

  #note(line: string): void {
    this.#history.push(line.length > 160 ? `${line.slice(0, 160)}…` : line);
    if (this.#history.length > 30) this.#history.shift();
  }

  #poll(): void {
    for (const waiter of this.#waiters) waiter.poll();
  }

  #lateness(what: string): Error {
    return new Error(`waited for ${what}; the last that came:\n  ${this.#history.join("\n  ")}`);
  }

  #wait(what: string, condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    const late = this.#lateness(what);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        poll: () => {
          if (!condition()) return false;
          this.#waiters.delete(waiter);
          clearTimeout(timer);
          resolve();
          return true;
        },
        fail: (error) => {
          this.#waiters.delete(waiter);
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        late.message = this.#lateness(what).message;
        waiter.fail(late);
      }, patienceMs);
      this.#waiters.add(waiter);
    });
  }
}

type ReadFields = { fresh?: boolean; limitBytes?: number; autoAck?: boolean };

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

async function openLink(url: string, options: DialOptions): Promise<Link> {
  const socket = socketTo(url, options);
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve).once("error", reject);
  });
  return new Link(socket);
}
