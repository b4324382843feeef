/**
 * An end that does just what a test tells it, over a real WebSocket: it keeps no rule by itself, but it watches that
 * the satellite keeps those that hold in every exchange, and notes each breach in `breaches`.
 */
import { WebSocket } from "ws";
import { parseSatelliteMessage } from "../../satellite/wire/control.ts";
import { decodeChunk } from "../../satellite/wire/decode.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { type Chunk, Flag, hasFlag, payloadOf } from "../../satellite/wire/frame.ts";
import { PROTOCOL_VERSION, SUBPROTOCOL, WEBSOCKET_PATH } from "../../satellite/wire/limits.ts";
import type {
  EndMessage,
  ErrorMessage,
  Hello,
  Mode,
  PipeRow,
  SatelliteMessage,
  Status,
  StreamBegins,
  StreamInfo,
  Welcome,
} from "../../satellite/wire/messages.ts";

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
      readers: readers ?? [...this.readers.values()].map((reader) => reader.position()),
    };
  }

  /** Comes back on a new connection. An old one that still stands is left as it is, and given back. */
  async resume(
    options: { readers?: NonNullable<Hello["resume"]>["readers"]; secret?: string; token?: string } = {},
  ): Promise<{ welcome: Welcome; old: Link }> {
    const old = this.link;
    const resume = this.resumption(options.readers);
    this.link = await openLink(
      this.url,
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

/** A writer: what was sent stays here, so that it can be sent again. */
export class RawWriter {
  readonly end: RawEnd;
  readonly request: Extract<EndMessage, { type: "open" }>;
  stream = 0;
  received = 0;
  safe = 0;
  credit = 0;
  isEndSafe = false;
  isTaken = false;
  isPaused = false;
  failure: ErrorMessage | undefined;
  /** Where the next chunk begins. */
  offset = 0;
  readonly sent: Chunk[] = [];

  constructor(end: RawEnd, request: Extract<EndMessage, { type: "open" }>) {
    this.end = end;
    this.request = request;
  }

  get ref(): number {
    return this.request.ref;
  }

  /** One chunk. Flags are BINARY for a binary writer; BOUNDARY and LINE after a newline; and what is given. */
  write(bytes: string | Uint8Array, extra: number = 0): Chunk {
    const payload = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    const isLine = this.request.kind !== "binary" && payload.at(-1) === 0x0a;
    const kind = this.request.kind === "binary" ? Flag.binary : 0;
    const flags = kind | (isLine ? Flag.boundary | Flag.line : 0) | extra;
    const chunk = encodeChunk(this.stream, this.offset, flags, payload);
    this.offset = chunk.end;
    this.sent.push(chunk);
    this.end.sendBytes(chunk.frame);
    return chunk;
  }

  /** The last chunk, with FINAL. */
  finish(bytes: string | Uint8Array = "", extra: number = 0): Chunk {
    return this.write(bytes, Flag.final | extra);
  }

  /** Sends `total` bytes of lines (or of zeros) in pieces, as credit allows. Stops early when the writer fails. */
  async pour(total: number, pieceBytes: number = 16_384): Promise<void> {
    const piece = Buffer.alloc(pieceBytes, this.request.kind === "binary" ? 0 : "x");
    if (this.request.kind !== "binary") piece[pieceBytes - 1] = 0x0a;
    for (let left = total; left > 0; left -= pieceBytes) {
      const size = Math.min(left, pieceBytes);
      await this.end.until(
        `credit for ${this.offset + size}, have ${this.credit}`,
        () => this.credit >= this.offset + size || this.failure !== undefined,
      );
      if (this.failure !== undefined) return;
      this.write(piece.subarray(pieceBytes - size));
    }
  }

  /** Sends again what the satellite does not have [S-5]. */
  resend(from: number = this.received): void {
    for (const chunk of this.sent) {
      const isEmptyEnd = chunk.end === from && hasFlag(chunk, Flag.final);
      if (chunk.end > from || isEmptyEnd) this.end.sendBytes(chunk.frame);
    }
  }

  abort(reason?: string): void {
    this.end.send({ type: "abort", ref: this.ref, ...(reason !== undefined && { reason }) });
  }

  release(): void {
    this.end.send({ type: "release", ref: this.ref });
  }

  async untilSafe(offset: number = this.offset): Promise<void> {
    await this.end.until(`safe up to ${offset}, is ${this.safe}`, () => this.safe >= offset);
  }

  async untilEndSafe(): Promise<void> {
    await this.end.until(`the end of ${this.stream} safe`, () => this.isEndSafe);
  }

  async untilFailed(): Promise<ErrorMessage> {
    await this.end.until(`an error for writer ${this.ref}`, () => this.failure !== undefined);
    return this.failure as ErrorMessage;
  }

  take(message: SatelliteMessage): void {
    switch (message.type) {
      case "opened":
        if (this.stream !== 0 && this.stream !== message.stream) {
          this.end.breaches.push(
            `[C-3] writer ${this.ref} was opened as ${this.stream}, then as ${message.stream}`,
          );
        }
        this.stream = message.stream;
        this.received = message.received;
        this.#grow(message.safe, message.credit);
        break;
      case "ack":
        if (this.stream !== message.stream)
          this.end.breaches.push(`[W-4] an ack for a stream of somebody else`);
        this.#grow(message.offset, "credit" in message ? message.credit : 0);
        this.isEndSafe ||= message.end === true;
        break;
      case "taken":
        this.isTaken = true;
        break;
      case "pause":
        this.isPaused = true;
        break;
      case "continue":
        this.isPaused = false;
        break;
      case "error":
        this.failure = message;
        break;
      default:
        break;
    }
  }

  #grow(safe: number, credit: number): void {
    if (safe < this.safe) this.end.breaches.push(`[W-4] safe went back from ${this.safe} to ${safe}`);
    if (credit < this.credit) this.end.breaches.push(`[W-2] credit shrank from ${this.credit} to ${credit}`);
    if (safe > this.offset) this.end.breaches.push(`[W-4] ${safe} is safe, but only ${this.offset} was sent`);
    this.safe = safe;
    this.credit = credit;
  }
}

/** A stream, as one reader has seen it. */
export interface SeenStream {
  readonly id: number;
  readonly info: StreamInfo;
  readonly start: number;
  /** What this reader has of it, without repeats. */
  bytes: Buffer;
  /** End of what has come. */
  offset: number;
  /** Where the next chunk must begin on this connection. */
  expected: number;
  ended: "eof" | "interrupted" | "aborted" | undefined;
  reason: string | undefined;
  isWithdrawn: boolean;
  ackedTo: number;
  isEndAcked: boolean;
}

/** A reader. With `autoAck` it acknowledges whatever comes, as soon as it comes. */
export class RawReader {
  readonly end: RawEnd;
  readonly request: Extract<EndMessage, { type: "read" }>;
  autoAck: boolean;
  isAttached = false;
  isDone = false;
  failure: ErrorMessage | undefined;
  readonly streams: Map<number, SeenStream> = new Map();
  /** New bytes in order of arrival, over all streams. */
  readonly pieces: { stream: number; text: string; flags: number }[] = [];
  readonly gaps: { stream: number; offset: number }[] = [];
  #begun = new Set<number>();

  constructor(end: RawEnd, request: Extract<EndMessage, { type: "read" }>, autoAck: boolean) {
    this.end = end;
    this.request = request;
    this.autoAck = autoAck;
  }

  get ref(): number {
    return this.request.ref;
  }

  /** Everything that came, in order of arrival. */
  get text(): string {
    return this.pieces.map((piece) => piece.text).join("");
  }

  /** The streams that began and were not withdrawn, by id in the order in which they began. */
  get taken(): number[] {
    return [...this.streams.values()].filter(({ isWithdrawn }) => !isWithdrawn).map(({ id }) => id);
  }

  seen(writer: RawWriter): SeenStream {
    const seen = this.streams.get(writer.stream);
    if (seen === undefined) throw new Error(`reader ${this.ref} was not given stream ${writer.stream}`);
    return seen;
  }

  async untilText(text: string): Promise<void> {
    await this.end.until(
      `text ${JSON.stringify(text)}, have ${JSON.stringify(this.text)}`,
      () => this.text === text,
    );
  }

  async untilBytes(count: number): Promise<void> {
    await this.end.until(
      `${count} bytes, have ${this.text.length}`,
      () => [...this.streams.values()].reduce((sum, { bytes }) => sum + bytes.length, 0) >= count,
    );
  }

  async untilBegun(writer: RawWriter): Promise<SeenStream> {
    await this.end.until(`stream ${writer.stream}`, () => this.streams.has(writer.stream));
    return this.seen(writer);
  }

  async untilEnded(writer: RawWriter): Promise<SeenStream> {
    await this.end.until(
      `the end of ${writer.stream}`,
      () => this.streams.get(writer.stream)?.ended !== undefined,
    );
    return this.seen(writer);
  }

  async untilDone(): Promise<void> {
    await this.end.until(`done ${this.ref}`, () => this.isDone);
  }

  async untilFailed(): Promise<ErrorMessage> {
    await this.end.until(`an error for reader ${this.ref}`, () => this.failure !== undefined);
    return this.failure as ErrorMessage;
  }

  ack(stream: number, offset: number, isEnd: boolean = false): void {
    const seen = this.streams.get(stream);
    if (seen !== undefined) {
      seen.ackedTo = Math.max(seen.ackedTo, offset);
      seen.isEndAcked ||= isEnd;
    }
    this.end.send({ type: "ack", ref: this.ref, stream, offset, ...(isEnd && { end: true }) });
  }

  /** Acknowledges whatever has come, ends too, and from now on what comes. */
  ackAll(): void {
    this.autoAck = true;
    for (const seen of this.streams.values()) if (!seen.isWithdrawn && !seen.isEndAcked) this.#ackSeen(seen);
  }

  leave(): void {
    this.end.send({ type: "leave", ref: this.ref });
  }

  position(): { ref: number; streams: [number, number][] } {
    const open = [...this.streams.values()].filter(
      ({ isWithdrawn, isEndAcked }) => !isWithdrawn && !isEndAcked,
    );
    return { ref: this.ref, streams: open.map(({ id, offset }) => [id, offset]) };
  }

  expects(stream: number): boolean {
    return this.#begun.has(stream);
  }

  /** On a new connection every stream begins again [S-4]. */
  relinked(): void {
    this.#begun.clear();
  }

  take(message: SatelliteMessage): void {
    switch (message.type) {
      case "attached":
        this.isAttached = true;
        break;
      case "stream":
        this.#begin(message);
        break;
      case "withdrawn":
        this.#withdraw(message.stream);
        break;
      case "aborted":
        this.#takeAborted(message.stream, message.offset, message.reason);
        break;
      case "gap":
        this.gaps.push({ stream: message.stream, offset: message.offset });
        this.#skip(message.stream, message.offset);
        break;
      case "done":
        this.isDone = true;
        break;
      case "error":
        this.failure = message;
        break;
      default:
        break;
    }
  }

  takeChunk(chunk: Chunk): void {
    const seen = this.streams.get(chunk.stream);
    if (seen === undefined) return;
    if (this.isDone || this.failure)
      this.end.breaches.push(`[R-4] data for reader ${this.ref} after its end`);
    if (seen.isWithdrawn)
      this.end.breaches.push(`[L-5] stream ${chunk.stream} went on after it was withdrawn`);
    if (chunk.offset !== seen.expected) {
      this.end.breaches.push(
        `[R-2] stream ${chunk.stream}: expected offset ${seen.expected}, got ${chunk.offset}`,
      );
    }
    const isRepeat = chunk.end <= seen.offset && chunk.end > chunk.offset;
    if (!isRepeat) {
      if (seen.ended) this.end.breaches.push(`[R-2] stream ${chunk.stream} went on after its end`);
      const payload = Buffer.from(payloadOf(chunk)).subarray(Math.max(0, seen.offset - chunk.offset));
      seen.bytes = Buffer.concat([seen.bytes, payload]);
      this.pieces.push({ stream: chunk.stream, text: payload.toString("latin1"), flags: chunk.flags });
    }
    seen.expected = chunk.end;
    seen.offset = Math.max(seen.offset, chunk.end);
    if (hasFlag(chunk, Flag.final)) seen.ended = hasFlag(chunk, Flag.interrupted) ? "interrupted" : "eof";
    if (this.autoAck) this.#ackSeen(seen);
  }

  #begin(message: StreamBegins): void {
    const { type: _type, ref: _ref, stream, offset, ...info } = message;
    if (this.#begun.has(stream))
      this.end.breaches.push(`[R-2] stream ${stream} began twice on one connection`);
    this.#begun.add(stream);
    const seen = this.streams.get(stream);
    if (seen !== undefined && !seen.isWithdrawn) {
      seen.expected = offset;
      if (offset > seen.offset)
        this.end.breaches.push(`[L-11] stream ${stream} goes on at ${offset}, not ${seen.offset}`);
      return;
    }
    this.streams.set(stream, {
      id: stream,
      info,
      start: offset,
      bytes: Buffer.alloc(0),
      offset,
      expected: offset,
      ended: undefined,
      reason: undefined,
      isWithdrawn: false,
      ackedTo: offset,
      isEndAcked: false,
    });
  }

  #withdraw(stream: number): void {
    const seen = this.streams.get(stream);
    if (seen === undefined || seen.bytes.length > 0) {
      this.end.breaches.push(`[L-5] stream ${stream} was withdrawn, but had not begun or had sent something`);
    }
    if (seen !== undefined) seen.isWithdrawn = true;
    this.#begun.delete(stream);
  }

  #takeAborted(stream: number, offset: number, reason: string | undefined): void {
    const seen = this.streams.get(stream);
    if (seen === undefined) {
      this.end.breaches.push(`[R-2] stream ${stream} was aborted before it began`);
      return;
    }
    if (seen.offset !== offset && this.request.mode !== "tap") {
      this.end.breaches.push(`[L-9] stream ${stream} aborted at ${offset}, but ${seen.offset} had come`);
    }
    seen.ended = "aborted";
    seen.reason = reason;
    if (this.autoAck) this.#ackSeen(seen);
  }

  #skip(stream: number, offset: number): void {
    const seen = this.streams.get(stream);
    if (seen === undefined) return;
    if (this.request.mode !== "tap") this.end.breaches.push(`[L-14] a gap for a reader that is no tap`);
    seen.expected = offset;
    seen.offset = Math.max(seen.offset, offset);
  }

  #ackSeen(seen: SeenStream): void {
    this.ack(seen.id, seen.offset, seen.ended !== undefined);
  }
}
