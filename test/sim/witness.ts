/** What the satellite was told and has told, for the model: what it knew, and when. */
import type { BrokerEvent } from "../../satellite/pipe/effects.ts";
import type { Fact } from "../../satellite/wire/fact.ts";
import { type Chunk, Flag, hasFlag } from "../../satellite/wire/frame.ts";
import type { SatelliteMessage } from "../../satellite/wire/messages.ts";
import { checkClaims } from "./claims.ts";
import type { SimEnd } from "./end.ts";
import { ReaderEnd } from "./reader.ts";
import type { Wire } from "./wire.ts";
import type { World } from "./world.ts";
import { WriterEnd } from "./writer.ts";

/** The ref of the one writer or reader that an end has. */
const ATTACHMENT = 1;

/** One stream, as the satellite has told of it. */
export interface Seen {
  readonly id: number;
  readonly writer: WriterEnd;
  readonly openedAt: number;
  /** Its end or its abort has come; null: not, or forgotten by a restart. */
  endedAt: number | null;
  isAborted: boolean;
  /** Its writer has been told that it failed, or it is gone: what still comes of it is not kept. */
  isShut: boolean;
  /** It was dropped, or a restart has not found it. */
  isGone: boolean;
  /** One reader, alone, has acknowledged its end: nobody else may begin it. */
  takenBy: ReaderEnd | null;
  readonly begunBy: Set<ReaderEnd>;
  /** Who has acknowledged its end. */
  readonly hadBy: Set<ReaderEnd>;
  head: number;
  safe: number;
  stored: { from: number; to: number } | null;
}

export class Witness {
  readonly #world: World;
  /** Counts what happens: two things never happen at the same moment. */
  at = 0;
  streams: Map<number, Seen> = new Map();
  /** Streams of earlier lives of a satellite that forgets. */
  readonly past: Seen[] = [];
  /** An end that is being acknowledged: it counts when that is noted. */
  #taking: { seen: Seen; by: ReaderEnd } | null = null;
  /** Who has just asked for a stream, or for what is in a pipe. */
  #opening: WriterEnd | null = null;
  #reading: ReaderEnd | null = null;
  #storedBytes = 0;
  #allowedBytes = 0;

  constructor(world: World) {
    this.#world = world;
    this.#allowedBytes = world.plan.limits.maxBufferBytes;
  }

  /** The satellite has started, with what its store had kept. */
  restarted(
    kept: readonly { id: number; from: number; to: number; end: boolean }[],
    isLasting: boolean,
  ): void {
    this.at++;
    this.#forget();
    const ends = new Map(kept.map((stream) => [stream.id, stream]));
    if (!isLasting) {
      this.past.push(...this.streams.values());
      this.streams = new Map();
    }
    this.#storedBytes = 0;
    for (const seen of this.streams.values()) {
      const found = ends.get(seen.id);
      if (!seen.isAborted && found?.end !== true) seen.endedAt = null;
      seen.stored = found === undefined ? null : { from: found.from, to: found.to };
      seen.isGone = found === undefined;
      seen.isShut = false;
      seen.head = found?.to ?? 0;
      seen.safe = seen.head;
      this.#storedBytes += found === undefined ? 0 : found.to - found.from;
    }
    this.#allowedBytes = Math.max(this.#world.plan.limits.maxBufferBytes, this.#storedBytes);
    for (const end of this.#world.ends) this.#lost(end);
  }

  /** The power went: what was known last may be forgotten. */
  powerLost(): void {
    for (const seen of this.streams.values()) {
      seen.takenBy = null;
      seen.endedAt = null;
    }
  }

  before(event: BrokerEvent & { connection: number }, wire: Wire | undefined): void {
    this.at++;
    this.#forget();
    if (wire === undefined || wire.number !== event.connection || wire.end.currentWire !== wire) return;
    if (event.type === "chunk") this.#chunk(event.chunk);
    else if (event.type === "lost") this.#lost(wire.end);
    else if (event.type === "message") this.#message(wire, event.message);
  }

  #lost(end: SimEnd): void {
    end.currentWire = null;
    if (end instanceof ReaderEnd) end.seen.lostMs ??= this.#world.clock.nowMs;
  }

  #forget(): void {
    this.#opening = null;
    this.#reading = null;
    this.#taking = null;
  }

  #chunk(chunk: Chunk): void {
    const seen = this.streams.get(chunk.stream);
    if (seen === undefined || seen.isShut) return;
    seen.head = Math.max(seen.head, chunk.end);
    if (hasFlag(chunk, Flag.final)) seen.endedAt ??= this.at;
    this.#checkMemory();
  }

  #message(wire: Wire, message: Extract<BrokerEvent, { type: "message" }>["message"]): void {
    const { end } = wire;
    this.#opening = message.type === "open" && end instanceof WriterEnd ? end : null;
    this.#reading = message.type === "read" && end instanceof ReaderEnd ? end : null;
    if (end instanceof ReaderEnd) end.seen.isOver ||= message.type === "leave" || message.type === "bye";
    if (message.type === "ack" && message.end === true && end instanceof ReaderEnd) {
      const seen = this.streams.get(message.stream);
      const begunAt = end.seen.begun.get(message.stream);
      // (An ack that crosses with the error that ends its reader counts for nothing [C-3].)
      if (seen === undefined || begunAt === undefined || end.isSpectator || end.seen.isOver) return;
      seen.hadBy.add(end);
      const wasEnded = seen.endedAt !== null && seen.endedAt < end.seen.at && !seen.isAborted;
      const isAlone = seen.begunBy.size === 1;
      if (isAlone && (wasEnded || end.plan.mode === "one")) this.#taking = { seen, by: end };
    } else if (message.type === "abort" && end instanceof WriterEnd) {
      for (const seen of this.streams.values()) {
        if (seen.writer !== end || seen.endedAt !== null) continue;
        seen.endedAt = this.at;
        seen.isAborted = true;
      }
    }
  }

  sends(wire: Wire, message: SatelliteMessage): void {
    this.at++;
    const { end } = wire;
    if (message.type === "welcome") {
      if (end.wire === wire) end.currentWire = wire;
      if (end.wire === wire && end instanceof ReaderEnd) end.seen.lostMs = null;
    }
    if (message.type === "error" && (message.code === "internal" || message.code === "protocol")) {
      this.#world.model.violate("protocol", `${end.name} gets error ${message.code}: ${message.message}`);
    }
    if (end instanceof WriterEnd) this.#toWriter(end, message);
    else if (end instanceof ReaderEnd) this.#toReader(end, message);
  }

  #toWriter(writer: WriterEnd, message: SatelliteMessage): void {
    if (message.type === "opened") {
      const known = this.streams.get(message.stream);
      if (known !== undefined && known.writer !== writer) {
        this.#world.model.violate(
          "S-11",
          `stream ${message.stream} of ${known.writer.name} is given to ${writer.name} too`,
        );
      }
      const seen = known ?? this.#open(message.stream, writer);
      seen.isGone &&= message.received < message.safe;
      seen.head = Math.max(seen.head, message.received);
      seen.safe = Math.max(seen.safe, message.safe);
    } else if (message.type === "ack" && "credit" in message) {
      const seen = this.streams.get(message.stream);
      if (seen === undefined) return;
      if (message.offset > seen.head && !seen.isGone) {
        this.#world.model.violate(
          "W-4",
          `${writer.name}: ${message.offset} is safe of ${seen.head} received`,
        );
      }
      seen.safe = Math.max(seen.safe, message.offset);
    } else if (message.type === "error" && message.ref === ATTACHMENT) {
      for (const seen of this.streams.values()) seen.isShut ||= seen.writer === writer;
    }
  }

  #open(id: number, writer: WriterEnd): Seen {
    for (const other of this.streams.values()) {
      if (other.writer !== writer || other.endedAt !== null) continue;
      other.endedAt = this.at; // its session has expired: this one goes on for it
      other.isAborted = true;
    }
    const seen: Seen = {
      id,
      writer,
      openedAt: this.#opening === writer ? this.at : 0, // else it was opened before, unseen
      endedAt: null,
      isAborted: false,
      isShut: false,
      isGone: false,
      takenBy: null,
      begunBy: new Set(),
      hadBy: new Set(),
      head: 0,
      safe: 0,
      stored: null,
    };
    this.streams.set(id, seen);
    return seen;
  }

  #toReader(reader: ReaderEnd, message: SatelliteMessage): void {
    if (message.type === "aborted") this.#aborted(message.stream);
    if (message.type === "error") {
      reader.seen.isOver ||= message.ref === ATTACHMENT;
      if (message.code === "behind") this.#world.model.cut(reader.plan.pipe);
    }
    if (message.type === "attached") this.#attached(reader);
    else if (message.type === "stream") {
      const seen = this.streams.get(message.stream);
      if (seen === undefined || reader.seen.begun.has(message.stream)) return;
      reader.seen.begun.set(message.stream, this.at);
      if (reader.isSpectator) return;
      const mayHaveCopy = seen.endedAt === null || seen.endedAt >= reader.seen.at;
      if (seen.takenBy !== null && seen.takenBy !== reader && !mayHaveCopy) {
        const { takenBy, writer } = seen;
        this.#world.model.violate(
          "L-3",
          `${reader.name} is given the stream ${seen.id} of ${writer.name}, whose end ${takenBy.name} has acknowledged`,
        );
      }
      checkClaims(this.#world, reader, seen);
      seen.begunBy.add(reader);
    } else if (message.type === "withdrawn") {
      this.streams.get(message.stream)?.begunBy.delete(reader);
      reader.seen.begun.delete(message.stream);
    }
  }

  #attached({ seen, sessionsLost }: ReaderEnd): void {
    if (seen.session === sessionsLost) return;
    seen.begun.clear();
    seen.at = this.at;
    seen.atMs = this.#world.clock.nowMs;
    seen.session = sessionsLost;
  }

  #aborted(id: number): void {
    const seen = this.streams.get(id);
    if (seen === undefined) return;
    seen.endedAt ??= this.at;
    seen.isAborted = true;
  }

  durable(stream: number, offset: number): void {
    const seen = this.streams.get(stream);
    if (seen !== undefined) seen.safe = Math.max(seen.safe, Math.min(offset, seen.head));
  }

  /** Everything that followed from the event is done. */
  after(): void {
    if (this.#taking !== null) this.#taking.seen.takenBy = this.#taking.by;
    this.#taking = null;
  }

  /** Who is cut while away is told only later; who has come may be told only after a restart. */
  notes(facts: readonly Fact[]): void {
    this.after();
    for (const { key, value } of facts) {
      if (key.startsWith("stream/") && (value as { failure?: object } | null)?.failure !== undefined) {
        this.#aborted(Number(key.slice(7)));
      }
      if (!key.startsWith("reader/") || value === null) continue;
      if (this.#reading !== null) this.#attached(this.#reading);
      const { pipe, failure } = value as { pipe: string; failure?: { code: string } };
      if (failure?.code === "behind") this.#world.model.cut(pipe);
    }
  }

  appends(chunk: Chunk): void {
    const seen = this.streams.get(chunk.stream);
    if (seen === undefined) return;
    this.#storedBytes += chunk.end - chunk.offset;
    seen.stored ??= { from: chunk.offset, to: chunk.offset };
    seen.stored.to = chunk.end;
    if (this.#storedBytes > this.#allowedBytes) {
      this.#world.model.violate("L-15", `${this.#storedBytes} bytes are stored, of ${this.#allowedBytes}`);
    }
  }

  releases(stream: number, offset: number): void {
    const seen = this.streams.get(stream);
    if (seen === undefined || seen.stored === null) return;
    const from = Math.min(Math.max(offset, seen.stored.from), seen.stored.to);
    this.#storedBytes -= from - seen.stored.from;
    seen.stored.from = from;
    if (from === seen.stored.to) seen.stored = null;
  }

  drops(stream: number): void {
    const seen = this.streams.get(stream);
    if (seen !== undefined && seen.stored !== null) this.#storedBytes -= seen.stored.to - seen.stored.from;
    if (seen !== undefined) {
      seen.stored = null;
      seen.isGone = true;
      seen.isShut = true;
      seen.head = 0;
      seen.safe = 0;
    }
  }

  /** What was received and is not safe yet is in memory: no more than the windows allow. */
  #checkMemory(): void {
    let bytes = 0;
    // (Of one that aborted the writer is told no more.)
    for (const seen of this.streams.values())
      if (!seen.isAborted && !seen.isShut) bytes += Math.max(0, seen.head - seen.safe);
    const { budgetBytes, windowBytesMin } = this.#world.plan.limits;
    if (bytes > Math.max(budgetBytes * 2, windowBytesMin)) {
      this.#world.model.violate("W-5", `${bytes} bytes are unsafe in memory, the budget is ${budgetBytes}`);
    }
  }
}
