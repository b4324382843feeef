/** A broker on a stage: a store in memory, a clock that the test turns, and ends that speak the protocol. */
import { Broker } from "../../satellite/pipe/broker.ts";
import type { BrokerEffect, BrokerEvent } from "../../satellite/pipe/effects.ts";
import { MemoryStore } from "../../satellite/store/memory.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import type { JsonValue } from "../../satellite/wire/fact.ts";
import { type Chunk, Flag, hasFlag, payloadOf } from "../../satellite/wire/frame.ts";
import { type Limits, limits } from "../../satellite/wire/limits.ts";
import {
  type EndMessage,
  type Hello,
  type Mode,
  type Open,
  PositionState,
  type ReaderPosition,
  type SatelliteMessage,
} from "../../satellite/wire/messages.ts";
import type { KeptStream } from "../../satellite/wire/recovered.ts";
import { ALL } from "../../satellite/wire/rights.ts";

/** What the store was told of a stream, and what it has of it. */
interface KeptChunks {
  readonly as: Parameters<MemoryStore["create"]>[0];
  readonly chunks: readonly Chunk[];
}

interface Disk {
  readonly facts: ReadonlyMap<string, JsonValue>;
  readonly kept: ReadonlyMap<number, KeptChunks>;
}

export class Stage {
  readonly limits: Limits;
  broker: Broker;
  store: MemoryStore = new MemoryStore();
  nowMs = 1_000_000;
  /** While true, nothing that is appended becomes durable. */
  holdsDurable = false;
  readonly #ends: Map<number, End> = new Map();
  readonly #events: BrokerEvent[] = [];
  #heldDurable: BrokerEvent[] = [];
  #facts: Map<string, JsonValue> = new Map();
  #kept: Map<number, KeptChunks> = new Map();
  #connections = 0;
  #busy = false;
  wakeMs: number | null = null;
  /** Everything that the broker has asked for. */
  readonly effects: BrokerEffect[] = [];

  constructor(changed: Partial<Limits> = {}) {
    this.limits = { ...limits, ...changed };
    this.broker = this.#newBroker();
    this.#listen();
  }

  /**
   * The satellite is killed and starts again: with what its journal and its store have, and without connections. What
   * the journal `forgets`, by key, was lost with the power.
   */
  restart(forgets: (key: string) => boolean = () => false): void {
    for (const key of this.#facts.keys()) if (forgets(key)) this.#facts.delete(key);
    for (const end of this.#ends.values()) end.connectionNumber = 0;
    this.#ends.clear();
    this.#heldDurable = [];
    this.broker = this.#newBroker();
    this.handle({ type: "tick" });
  }

  /** What the disk has: all that is there again after `restartFrom`. */
  get disk(): Disk {
    return { facts: structuredClone(this.#facts), kept: new Map(this.#kept) };
  }

  /** The power goes, and takes what came after `disk` with it. */
  restartFrom(disk: Disk): void {
    this.#facts = new Map(disk.facts);
    this.#kept = new Map(disk.kept);
    this.store = new MemoryStore();
    for (const { as, chunks } of this.#kept.values()) {
      this.store.create(as);
      for (const chunk of chunks) this.store.append(chunk);
    }
    this.#listen();
    this.restart();
  }

  /** What the journal says. */
  fact(key: string): JsonValue | undefined {
    return this.#facts.get(key);
  }

  #listen(): void {
    this.store.onDurable = (stream, offset, end) => {
      const event: BrokerEvent = { type: "durable", stream, offset, end };
      if (this.holdsDurable) this.#heldDurable.push(event);
      else this.handle(event);
    };
  }

  #newBroker(): Broker {
    const streams = [...this.#kept].flatMap(([id, { chunks }]) => keptOf(id, chunks));
    return new Broker({
      limits: this.limits,
      software: "skypipe/test",
      storeName: "memory",
      startedMs: this.nowMs,
      equal: (a, b) => a === b,
      recovered: { facts: structuredClone(this.#facts), streams, lostTailBytes: 0, damage: [] },
    });
  }

  /** A new end, greeted. */
  end(options: { autoAck?: boolean } = {}): End {
    const end = new End(this, options.autoAck ?? true);
    end.connect();
    return end;
  }

  connection(end: End): number {
    const connection = ++this.#connections;
    this.#ends.set(connection, end);
    return connection;
  }

  handle(event: BrokerEvent): void {
    this.#events.push(event);
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      for (const effect of this.broker.handle(next, this.nowMs)) {
        this.effects.push(effect);
        this.#carryOut(effect);
      }
    }
    this.#busy = false;
  }

  /** From now on nothing that the broker sends over this connection arrives. */
  deafen(connection: number): void {
    this.#ends.delete(connection);
  }

  /** Lets time pass, with a tick whenever the broker asked for one. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    while (this.wakeMs !== null && this.wakeMs <= untilMs) {
      this.nowMs = Math.max(this.wakeMs, this.nowMs);
      this.wakeMs = null;
      this.handle({ type: "tick" });
    }
    this.nowMs = untilMs;
    this.handle({ type: "tick" });
  }

  releaseDurable(): void {
    this.holdsDurable = false;
    const events = this.#heldDurable;
    this.#heldDurable = [];
    for (const event of events) this.handle(event);
  }

  /** Waits until reads from the store have been answered. */
  async settle(): Promise<void> {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }

  async #load(effect: Extract<BrokerEffect, { type: "load" }>): Promise<void> {
    const { broker } = this;
    const chunks = await this.store.read(effect.stream, effect.offset, effect.bytesMax);
    if (broker === this.broker) this.handle({ type: "loaded", load: effect.load, chunks });
  }

  #carryOut(effect: BrokerEffect): void {
    switch (effect.type) {
      case "send":
        return this.#ends.get(effect.connection)?.take(effect.connection, effect.message);
      case "forward":
        return this.#ends.get(effect.connection)?.takeChunk(effect.connection, effect.chunk);
      case "close":
        return this.#ends.get(effect.connection)?.closed(effect.connection, effect.code);
      case "create": {
        const as = { id: effect.stream, pipe: effect.pipe, openedMs: effect.openedMs, ...effect.info };
        this.#kept.set(effect.stream, { as, chunks: [] });
        return this.store.create(as);
      }
      case "append":
        this.#keep(effect.chunk.stream, (chunks) => [...chunks, effect.chunk]);
        return this.store.append(effect.chunk);
      case "load":
        return void this.#load(effect);
      case "release":
        this.#release(effect.stream, effect.offset);
        return this.store.release(effect.stream, effect.offset);
      case "drop":
        this.#kept.delete(effect.stream);
        return this.store.remove(effect.stream);
      case "issue":
        return; // nobody shares anything here
      case "wake":
        this.wakeMs = effect.atMs;
        return;
      case "note":
        for (const { key, value } of structuredClone(effect.facts)) {
          if (value === null) this.#facts.delete(key);
          else this.#facts.set(key, value);
        }
    }
  }

  #release(stream: number, offset: number): void {
    this.#keep(stream, (chunks) => {
      return chunks.filter((chunk) => chunk.end > offset || hasFlag(chunk, Flag.final));
    });
  }

  #keep(stream: number, change: (chunks: readonly Chunk[]) => readonly Chunk[]): void {
    const kept = this.#kept.get(stream);
    if (kept !== undefined) this.#kept.set(stream, { as: kept.as, chunks: change(kept.chunks) });
  }
}

interface Sent {
  readonly chunk: Chunk;
}

/** A writer of an end: it keeps what it sent until it is safe, as [W-3] says. */
export interface TestWriter {
  readonly ref: number;
  stream: number;
  offset: number;
  safe: number;
  credit: number;
  endSafe: boolean;
  taken: boolean;
  error: string | null;
  readonly sent: Sent[];
}

/** What a reader of an end has got. */
export interface TestReader {
  readonly ref: number;
  text: string;
  /** Every chunk, as `stream:text`. */
  readonly pieces: string[];
  readonly streams: number[];
  /** stream id → how it ended. */
  readonly ends: Map<number, string>;
  readonly received: Map<number, number>;
  readonly began: Map<number, number>;
  readonly acked: Map<number, number>;
  readonly endAcked: Set<number>;
  readonly waitingAcks: { stream: number; offset: number; end: boolean }[];
  readonly gaps: number[];
  readonly withdrawn: number[];
  done: boolean;
  error: string | null;
}

export class End {
  readonly stage: Stage;
  readonly log: SatelliteMessage[] = [];
  autoAck: boolean;
  /** Chunks stay here for now. */
  holdsBack = false;
  readonly #heldBack: Chunk[] = [];
  connectionNumber = 0;
  closedWith: string | null = null;
  readonly writers: Map<number, TestWriter> = new Map();
  readonly readers: Map<number, TestReader> = new Map();
  readonly #readerOf: Map<number, TestReader> = new Map();
  #refs = 0;
  session = "";
  secret = "";

  constructor(stage: Stage, autoAck: boolean) {
    this.stage = stage;
    this.autoAck = autoAck;
  }

  connect(resume?: Hello["resume"], secret: string = `secret-${this.stage.connection(this)}`): void {
    this.connectionNumber = this.stage.connection(this);
    this.closedWith = null;
    const message: Hello = { type: "hello", protocol: 1, software: "skypipe/test" };
    if (resume !== undefined) message.resume = resume;
    this.stage.handle({
      type: "hello",
      connection: this.connectionNumber,
      message,
      rights: ALL,
      secret,
    });
  }

  /** The connection breaks. */
  cut(): void {
    this.stage.handle({ type: "lost", connection: this.connectionNumber });
    this.connectionNumber = 0;
  }

  /** Comes back to its session and sends again what the satellite has not received [S-5]. */
  resume(): void {
    const readers = [...this.readers.values()].map((reader) => ({
      ref: reader.ref,
      streams: [...reader.received].map(([stream, received]): ReaderPosition["streams"][number] => [
        stream,
        received,
        reader.acked.get(stream) ?? reader.began.get(stream) ?? 0,
        reader.ends.has(stream) ? PositionState.ended : PositionState.inside,
      ]),
    }));
    const writers = [...this.writers.values()].map((writer) => ({ ref: writer.ref, from: fromOf(writer) }));
    this.connect({ session: this.session, secret: this.secret, writers, readers });
  }

  say(message: Exclude<EndMessage, Hello>): void {
    if (this.connectionNumber === 0) return;
    this.stage.handle({ type: "message", connection: this.connectionNumber, message });
  }

  open(pipe: string, options: Partial<Open> = {}): TestWriter {
    const ref = ++this.#refs;
    const writer: TestWriter = {
      ref,
      stream: 0,
      offset: 0,
      safe: 0,
      credit: 0,
      endSafe: false,
      taken: false,
      error: null,
      sent: [],
    };
    this.writers.set(ref, writer);
    this.say({ type: "open", ref, pipe, ...options });
    return writer;
  }

  /** Sends one chunk: lines by default. */
  write(writer: TestWriter, text: string, flags: number = Flag.boundary | Flag.line): void {
    const chunk = encodeChunk(writer.stream, writer.offset, flags, Buffer.from(text));
    writer.sent.push({ chunk });
    writer.offset = chunk.end;
    this.sendChunk(chunk);
  }

  /** Sends what was held back. */
  sendHeldBack(): void {
    this.holdsBack = false;
    for (const chunk of this.#heldBack) this.sendChunk(chunk);
  }

  sendChunk(chunk: Chunk): void {
    if (this.holdsBack) {
      this.#heldBack.push(chunk);
      return;
    }
    if (this.connectionNumber !== 0) {
      this.stage.handle({ type: "chunk", connection: this.connectionNumber, chunk: { ...chunk } });
    }
  }

  /** EOF, alone or with a last piece of text. */
  finish(writer: TestWriter, text = "", flags = 0): void {
    const line = text === "" ? 0 : Flag.boundary | Flag.line;
    this.write(writer, text, Flag.final | line | flags);
  }

  read(
    pipe: string,
    mode: Mode = "plain",
    options: { fresh?: boolean; limitBytes?: number } = {},
  ): TestReader {
    const ref = ++this.#refs;
    const reader: TestReader = {
      ref,
      text: "",
      pieces: [],
      streams: [],
      ends: new Map(),
      received: new Map(),
      began: new Map(),
      acked: new Map(),
      endAcked: new Set(),
      waitingAcks: [],
      gaps: [],
      withdrawn: [],
      done: false,
      error: null,
    };
    this.readers.set(ref, reader);
    this.say({ type: "read", ref, pipe, mode, ...options });
    return reader;
  }

  /** Acknowledges what was held back. */
  ackAll(reader: TestReader): void {
    for (let next = reader.waitingAcks.shift(); next !== undefined; next = reader.waitingAcks.shift()) {
      this.#ack(reader, next.stream, next.offset, next.end);
    }
  }

  take(connection: number, message: SatelliteMessage): void {
    if (connection !== this.connectionNumber) return;
    this.log.push(message);
    if ("ref" in message && message.ref !== undefined) {
      const writer = this.writers.get(message.ref);
      const reader = this.readers.get(message.ref);
      if (writer !== undefined) this.#tellWriter(writer, message);
      if (reader !== undefined) this.#tellReader(reader, message);
    }
    if (message.type === "welcome") {
      if (!message.resumed) {
        for (const each of [...this.writers.values(), ...this.readers.values()]) each.error ??= "expired";
      }
      this.session = message.session;
      this.secret = message.secret;
    }
  }

  takeChunk(connection: number, chunk: Chunk): void {
    const reader = this.#readerOf.get(chunk.stream);
    if (connection !== this.connectionNumber || reader === undefined) return;
    const isFinal = hasFlag(chunk, Flag.final);
    const received = reader.received.get(chunk.stream) ?? 0;
    if (chunk.end > received || (chunk.end === chunk.offset && !reader.ends.has(chunk.stream))) {
      if (chunk.offset !== received)
        throw new Error(`a gap in stream ${chunk.stream} at ${received}: ${chunk.offset}`);
      const text = Buffer.from(payloadOf(chunk)).toString();
      reader.text += text;
      reader.pieces.push(`${chunk.stream}:${text}`);
      reader.received.set(chunk.stream, chunk.end);
    }
    if (isFinal) reader.ends.set(chunk.stream, hasFlag(chunk, Flag.interrupted) ? "interrupted" : "eof");
    this.#ackLater(reader, chunk.stream, chunk.end, isFinal);
  }

  closed(connection: number, code: string): void {
    if (connection !== this.connectionNumber) return;
    this.closedWith = code;
    this.connectionNumber = 0;
  }

  #ackLater(reader: TestReader, stream: number, offset: number, end: boolean): void {
    if (this.autoAck) this.#ack(reader, stream, offset, end);
    else reader.waitingAcks.push({ stream, offset, end });
  }

  #ack(reader: TestReader, stream: number, offset: number, end: boolean): void {
    reader.acked.set(stream, Math.max(offset, reader.acked.get(stream) ?? 0));
    if (end) reader.endAcked.add(stream);
    this.say({ type: "ack", ref: reader.ref, stream, offset, ...(end ? { end: true } : {}) });
  }

  #tellWriter(writer: TestWriter, message: SatelliteMessage): void {
    if (message.type === "opened") {
      writer.stream = message.stream;
      writer.safe = message.safe;
      writer.credit = message.credit;
      for (const { chunk } of writer.sent) {
        if (chunk.end > Math.max(message.received, message.safe) || hasFlag(chunk, Flag.final))
          this.sendChunk(chunk);
      }
    } else if (message.type === "ack" && "credit" in message) {
      writer.safe = message.offset;
      writer.credit = message.credit;
      writer.endSafe ||= message.end ?? false;
    } else if (message.type === "taken") writer.taken = true;
    else if (message.type === "error") writer.error = message.code;
  }

  #tellReader(reader: TestReader, message: SatelliteMessage): void {
    if (message.type === "stream") {
      this.#readerOf.set(message.stream, reader);
      if (!reader.streams.includes(message.stream)) {
        reader.streams.push(message.stream);
        reader.received.set(message.stream, message.offset);
        reader.began.set(message.stream, message.offset);
      } else if (reader.ends.has(message.stream)) {
        this.#ackLater(reader, message.stream, reader.received.get(message.stream) ?? 0, true); // [S-5]
      }
    } else if (message.type === "aborted") {
      reader.ends.set(message.stream, message.code);
      this.#ackLater(reader, message.stream, message.offset, true);
    } else if (message.type === "gap") {
      reader.gaps.push(message.offset);
      reader.received.set(message.stream, message.offset);
    } else if (message.type === "withdrawn") {
      reader.withdrawn.push(message.stream);
      reader.received.delete(message.stream);
    } else if (message.type === "done") reader.done = true;
    else if (message.type === "error") reader.error = message.code;
  }
}

/** Where the first chunk begins that is not safe; the final one is kept until the end is safe [W-3]. */
function fromOf({ sent, safe, offset }: TestWriter): number {
  const first = sent.find(({ chunk }) => chunk.end > safe || hasFlag(chunk, Flag.final));
  return first?.chunk.offset ?? offset;
}

function keptOf(id: number, chunks: readonly Chunk[]): KeptStream[] {
  const [first, last] = [chunks[0], chunks.at(-1)];
  if (first === undefined || last === undefined) return [];
  return [
    {
      id,
      from: first.offset,
      to: last.end,
      end: hasFlag(last, Flag.final),
      lastFlags: last.flags,
      lastOffset: last.offset,
      firstArrival: first.arrival,
      lastArrival: last.arrival,
      damaged: false,
    },
  ];
}
