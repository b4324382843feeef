import type { EndCause } from "../../cli/client/types.ts";
import { type Chunk, Flag, hasFlag, payloadOf } from "../../satellite/wire/frame.ts";
import type { StreamBegins } from "../../satellite/wire/messages.ts";
import type { ReaderEnd } from "./reader.ts";
import type { World } from "./world.ts";
import { TOKEN_BYTES, type WriterEnd } from "./writer.ts";

const NEWLINE = 0x0a;

/** One stream in the output of one process. Positions are those in what the writer wrote. */
export interface Track {
  readonly begins: StreamBegins;
  readonly writer: WriterEnd;
  /** Where the stream's offset 0 is; null: no chunk has told. */
  base: number | null;
  /** Stream offset that comes next. */
  offset: number;
  chunks: number;
  /** How often its reader had attached when it began. */
  reads: number;
  cause: EndCause | null;
}

/** What one process has put out, checked as it comes. */
export class Output {
  readonly tracks: Map<StreamBegins, Track> = new Map();
  /** Streams that have begun, by id, each with how often its reader had attached when it did. */
  readonly #begun: Map<number, number> = new Map();
  readonly #world: World;
  readonly #reader: ReaderEnd;
  /** Where each writer's bytes went on to, over all its streams. */
  readonly #reached: Map<WriterEnd, { position: number; stream: number }> = new Map();
  #last: { track: Track; flags: number; sentMs: number; reads: number } | null = null;

  constructor(world: World, reader: ReaderEnd) {
    this.#world = world;
    this.#reader = reader;
  }

  /** Streams of which something was put out. */
  get had(): Track[] {
    return [...this.tracks.values()].filter(({ chunks, cause }) => chunks > 0 || cause !== null);
  }

  /** Streams that have begun since it last attached, and not ended. */
  get unended(): Track[] {
    return [...this.tracks.values()].filter(
      ({ cause, reads }) => cause === null && reads === this.#reader.reads,
    );
  }

  /** @param reads how often it had attached when it was told */
  begins(stream: StreamBegins, reads: number): void {
    const isKnown = this.#begun.get(stream.stream) === reads && !this.#world.hasForgotten;
    if (isKnown) this.#violate("L-11", `stream ${stream.stream} begins twice`);
    this.#begun.set(stream.stream, reads);
    this.#track(stream).reads = reads;
  }

  withdrawn(stream: StreamBegins): void {
    this.#begun.delete(stream.stream);
    const track = this.tracks.get(stream);
    if (track !== undefined && track.chunks > 0)
      this.#violate("L-5", `stream ${stream.stream} is withdrawn late`);
    this.tracks.delete(stream);
  }

  gap(stream: StreamBegins, from: number, to: number): void {
    const track = this.#track(stream);
    const isForgotten = this.#world.hasLostPower && this.#reader.plan.mode === "follow"; // who had what lies between [S-11]
    const isAllowed = this.#reader.plan.mode === "tap" || this.#reader.sessionsLost > 0 || isForgotten;
    if (!isAllowed || to < from)
      this.#violate("L-11", `a gap in stream ${stream.stream} from ${from} to ${to}`);
    track.offset = to;
    track.base = null;
  }

  /** @param reads how often it had attached when it came */
  chunk(stream: StreamBegins, chunk: Chunk, reads: number): void {
    const track = this.#track(stream);
    const { writer } = track;
    const payload = payloadOf(chunk);
    const position = positionIn(payload);
    const end = position + payload.length;
    this.#world.log(() => `${this.#reader.name} puts out ${writer.name} ${position}–${end}`);
    if (!writer.input.subarray(position, end).equals(payload)) {
      this.#violate(
        "L-11",
        `stream ${stream.stream} has other bytes at ${chunk.offset} than ${writer.name} wrote`,
      );
    }
    if (chunk.offset !== track.offset) {
      this.#violate("L-11", `stream ${stream.stream} goes on at ${chunk.offset} instead of ${track.offset}`);
    }
    if (track.base !== null && track.base + chunk.offset !== position) {
      this.#violate("L-11", `${writer.name} goes on at ${position} instead of ${track.base + chunk.offset}`);
    }
    if (track.cause !== null) this.#violate("L-9", `stream ${stream.stream} goes on after its end`);
    if (track.base === null) this.#checkStart(track, chunk, position);
    track.base = position - chunk.offset;
    track.offset = chunk.end;
    this.#checkMerge(track, chunk, reads);
    track.chunks++;
    const reached = this.#reached.get(writer) ?? { position: 0, stream: 0 };
    const isOlder = stream.stream < reached.stream; // what another reader has left of an earlier stream
    // A writer that comes back after its grace, to a satellite that does not know what had gone through it, or was
    // forgotten when the power went, writes it again, as another stream [S-10] [S-11].
    const isExcused = this.#world.satellite.run > 1 || this.#reader.plan.mode === "peek";
    if (position < reached.position && !isOlder && !isExcused) {
      this.#violate("L-11", `${writer.name} is repeated from ${position}, after ${reached.position}`);
    }
    if (!isOlder) this.#reached.set(writer, { position: end, stream: stream.stream });
    if (!this.#reader.isSpectator) this.#world.model.covered(writer, position, end);
  }

  ends(stream: StreamBegins, offset: number, cause: EndCause): void {
    const track = this.#track(stream);
    const { writer } = track;
    this.#world.log(() => `${this.#reader.name} puts out the end of ${writer.name} at ${offset}: ${cause}`);
    if (track.cause !== null) this.#violate("L-9", `stream ${stream.stream} ends twice`);
    if (track.offset !== offset) {
      this.#violate("L-9", `stream ${stream.stream} ends at ${offset}, ${track.offset} has come`);
    }
    track.cause = cause;
    if (this.#last?.track === track) this.#last = null;
    if (cause === "aborted") {
      this.#checkAbort(track);
      if (!this.#reader.isSpectator) this.#world.model.abortCovered(writer);
      return;
    }
    const isWhole = track.base === null || track.base + offset === writer.writtenBytes;
    if (!writer.hasFinished || !isWhole) {
      this.#violate(
        "L-9",
        `${writer.name} ends cleanly at ${(track.base ?? 0) + offset} of ${writer.writtenBytes}`,
      );
    }
    if ((cause === "interrupted") !== writer.isInterrupted) {
      this.#violate("L-9", `${writer.name} ends as ${cause}`);
    }
    if (!this.#reader.isSpectator) this.#world.model.endCovered(writer);
  }

  #checkStart(track: Track, chunk: Chunk, position: number): void {
    const { mode } = this.#reader.plan;
    const { writer } = track;
    if (chunk.offset === 0 || mode === "peek" || this.#reader.sessionsLost > 0) return;
    if (writer.isBinary) {
      if (mode !== "tap") this.#violate("L-4", `binary ${writer.name} begins at ${chunk.offset}`);
    } else if (writer.input[position - 1] !== NEWLINE && this.#world.satellite.run === 1) {
      // (After a restart the start of the line may be with its last reader only.)
      this.#violate("L-12", `${writer.name} begins at ${position}, in mid-line`);
    }
  }

  /** Nothing comes between what belongs together. */
  #checkMerge(track: Track, chunk: Chunk, reads: number): void {
    const last = this.#last;
    const { sentMs } = chunk as Chunk & { sentMs: number };
    this.#last = { track, flags: chunk.flags, sentMs, reads };
    if (last === null || last.track === track || this.#reader.isSpectator) return;
    if (last.reads !== reads || (last.flags & Flag.final) !== 0 || last.track.cause !== null) return;
    if (last.track.writer.isBinary) {
      this.#violate("L-7", `${track.writer.name} comes in between binary ${last.track.writer.name}`);
    } else if (
      (last.flags & Flag.boundary) === 0 &&
      sentMs - last.sentMs < this.#world.plan.limits.midLineMs
    ) {
      this.#violate("L-6", `${track.writer.name} comes in mid-line of ${last.track.writer.name}`);
    }
    if (hasFlag(chunk, Flag.binary) && this.#reader.plan.mode === "plain") {
      this.#violate("L-5", `binary ${track.writer.name} is in a merge`);
    }
  }

  /** What has finished does not abort, but where the law says so. */
  #checkAbort({ writer, begins }: Track): void {
    const { model } = this.#world;
    const isExcused =
      this.#world.hasForgotten ||
      this.#world.hasLostPower || // that it was consumed may be forgotten
      model.isRemovable(writer) ||
      model.hasOnes(writer.plan.pipe) ||
      !writer.isBinary; // text goes on in another stream after the grace
    if (writer.outcome?.type === "finished" && !isExcused) {
      this.#violate("L-13", `${writer.name} has finished, but its stream ${begins.stream} aborts`);
    }
  }

  #track(stream: StreamBegins): Track {
    const known = this.tracks.get(stream);
    if (known !== undefined) return known;
    const writer = this.#world.writers.get(stream.name ?? "");
    if (writer === undefined) throw new Error(`stream ${stream.stream} has no name`);
    const track = {
      begins: stream,
      writer,
      base: null,
      offset: stream.offset,
      chunks: 0,
      reads: 0,
      cause: null,
    };
    this.tracks.set(stream, track);
    return track;
  }

  #violate(rule: string, text: string): void {
    this.#world.model.violate(rule, `${this.#reader.name} (${this.#reader.plan.mode}): ${text}`);
  }
}

function positionIn(payload: Uint8Array): number {
  const index = Buffer.from(payload.buffer, payload.byteOffset + 2, 5).toString("latin1");
  return Number.parseInt(index, 36) * TOKEN_BYTES;
}
