/** What must hold, whatever happens (PROTOCOL.md §8). */
import type { ReaderEnd } from "./reader.ts";
import type { Seen } from "./witness.ts";
import type { World } from "./world.ts";
import type { WriterEnd } from "./writer.ts";

export interface Violation {
  readonly rule: string;
  readonly text: string;
}

/** Parts of what somebody wrote, as pairs of offsets, in order and apart. */
class Cover {
  #parts: [number, number][] = [];
  hasEnd = false;
  /** Somebody was told that it ends as aborted. */
  hasAbort = false;

  add(from: number, to: number): void {
    const before = this.#parts.filter((part) => part[1] < from);
    const after = this.#parts.filter((part) => part[0] > to);
    const touched = this.#parts.filter((part) => part[1] >= from && part[0] <= to);
    const low = Math.min(from, ...touched.map((part) => part[0]));
    const high = Math.max(to, ...touched.map((part) => part[1]));
    this.#parts = [...before, [low, high], ...after];
  }

  /** The first byte before `end` that is missing; null: none is. */
  missing(end: number): number | null {
    if (end === 0) return null;
    const first = this.#parts[0];
    if (first === undefined || first[0] > 0) return 0;
    return first[1] >= end ? null : first[1];
  }
}

const QUIET_MS = 15_000;

/** It and the satellite hear each other, nothing has come for a while, and no binary stream that runs holds up the others. */
function isAtRest({ greetedMs, lastPutMs, wire, seen, output, world }: ReaderEnd): boolean {
  if (greetedMs === null || world.clock.nowMs < Math.max(greetedMs, lastPutMs) + QUIET_MS) return false;
  if (wire?.run !== world.satellite.run || wire.up.isDead || wire.down.isDead || seen.lostMs !== null)
    return false;
  return output.unended.every(({ writer }) => !writer.isBinary || writer.outcome?.type === "finished");
}

const READER_CODES = new Set(["replaced", "behind", "expired", "removed", "not-found"]);

export class Model {
  readonly violations: Violation[] = [];
  readonly #world: World;
  readonly #covers: Map<WriterEnd, Cover> = new Map();
  readonly #removed: Set<string> = new Set();
  readonly #cut: Set<string> = new Set();

  constructor(world: World) {
    this.#world = world;
  }

  violate(rule: string, text: string): void {
    this.violations.push({ rule, text });
    this.#world.log(() => `VIOLATION of ${rule}: ${text}`);
  }

  /** Somebody has put out this part of what the writer wrote. */
  covered(writer: WriterEnd, from: number, to: number): void {
    this.#cover(writer).add(from, to);
  }

  endCovered(writer: WriterEnd): void {
    this.#cover(writer).hasEnd = true;
  }

  abortCovered(writer: WriterEnd): void {
    this.#cover(writer).hasAbort = true;
  }

  removed(pipe: string): void {
    this.#removed.add(pipe);
  }

  isRemovable({ plan }: WriterEnd): boolean {
    return this.#removed.has(plan.pipe) || plan.ttlMs !== null;
  }

  hasOnes(pipe: string): boolean {
    return this.#readersOf(pipe).some(({ plan }) => plan.mode === "one");
  }

  writerIsOver(writer: WriterEnd): void {
    const { outcome, plan } = writer;
    if (outcome?.type === "finished") {
      if (!writer.hasFinished) this.violate("L-13", `${writer.name} is told that it has finished`);
      const cover = this.#cover(writer);
      if (
        plan.sync &&
        !this.mayHaveCut(plan.pipe) && // what was cut away reached nobody [L-14]
        (!cover.hasEnd || cover.missing(writer.writtenBytes) !== null) &&
        !this.#world.hasForgotten
      ) {
        this.violate("W-6", `${writer.name} is told that all of it is taken, and it is not`);
      }
      return;
    }
    const code = outcome?.code ?? "";
    const isExcused =
      (code === "removed" && this.isRemovable(writer)) ||
      (code === "expired" &&
        (writer.isBinary || plan.sync) &&
        (writer.disconnects > 0 || this.#world.hasForgotten)) ||
      (code === "aborted" && (writer.isBinary || this.hasOnes(plan.pipe) || this.#world.hasForgotten));
    if (!isExcused)
      this.violate(
        "L-11",
        `${writer.name} (${plan.kind}) fails: ${code}: ${outcome?.type === "failed" ? outcome.text : ""}`,
      );
  }

  readerIsOver(reader: ReaderEnd): void {
    const { outcome, plan, output } = reader;
    if (outcome === null) return;
    if (outcome.type === "failed") {
      this.#readerFails(reader, outcome.code, outcome.text);
      return;
    }
    if (reader.isLeaving || reader.isSpectator) return;
    const had = output.had;
    for (const { cause, begins } of had) {
      if (cause === null)
        this.violate("R-4", `${reader.name} is done before stream ${begins.stream} has ended`);
    }
    if (outcome.aborted !== had.some(({ cause }) => cause === "aborted")) {
      this.violate("L-9", `${reader.name} is done, aborted: ${outcome.aborted}`);
    }
    if (plan.mode === "one" && had.length !== 1)
      this.violate("L-7", `${reader.name} (one) has ${had.length} streams`);
    if (plan.mode === "follow") this.violate("L-7", `${reader.name} (follow) is done`);
    if (plan.mode === "plain") this.#checkDelivery(reader);
  }

  /** When everything has settled: what was promised was there. */
  settled(): void {
    for (const writer of this.#world.writers.values()) this.#checkKept(writer);
  }

  /** Long after the last fault, before anybody leaves: what has begun for a reader, and finished for its writer, has ended for it too. */
  attended(): void {
    this.#checkWaiting();
    for (const reader of this.#world.readers) {
      if (reader.isOver || reader.isLeaving || reader.isSpectator || !isAtRest(reader)) continue;
      for (const { begins, writer } of reader.output.unended) {
        if (writer.outcome?.type === "finished")
          this.violate(
            "L-11",
            `${reader.name} (${reader.plan.mode}) gets no end of ${writer.name}, stream ${begins.stream}`,
          );
      }
    }
  }

  /** At that time, where all who read a pipe have waited for long, and have had nothing, nothing is there. */
  #checkWaiting(): void {
    const { readers, satellite } = this.#world;
    const rows = satellite.ask({ type: "list", ref: 1 }).flatMap((answer) => {
      return answer.type === "listed" ? answer.pipes : [];
    });
    for (const { name, streams, readers: count, writers } of rows) {
      if (streams === 0 || writers > 0 || this.hasOnes(name)) continue;
      const waiting = readers.filter(({ plan, isOver, isLeaving, isSpectator }) => {
        return plan.pipe === name && !plan.fresh && !isOver && !isLeaving && !isSpectator;
      });
      const doWait = waiting.every((reader) => isAtRest(reader) && reader.output.tracks.size === 0);
      if (waiting.length > 0 && waiting.length === count && doWait) {
        const names = waiting.map((reader) => reader.name).join(", ");
        this.violate("L-2", `${streams} streams are in ${name}, for which ${names} may have waited`);
      }
    }
  }

  /** Before the last readers go. */
  attendedTo(): void {
    for (const reader of this.#world.readers) this.#checkBroadcast(reader);
  }

  #checkKept(writer: WriterEnd): void {
    if (this.#world.hasForgotten || this.isRemovable(writer)) return;
    const { name, outcome, plan } = writer;
    const hasFinished = outcome?.type === "finished";
    // Of a binary stream that aborts nothing is promised; a stream that `one` took may have been let go.
    if (!hasFinished && (writer.isBinary || writer.outcome?.type === "failed")) return;
    if (this.hasOnes(plan.pipe) && this.#wasLetGo(writer)) return;
    if (this.mayHaveCut(plan.pipe)) return;
    const cover = this.#cover(writer);
    const promised = hasFinished ? writer.writtenBytes : writer.safeBytes;
    const missing = cover.missing(promised);
    if (missing !== null) {
      this.violate("L-13", `${name}: ${promised} bytes were safe, but nobody got those from ${missing}`);
    } else if (hasFinished && !cover.hasEnd && !(cover.hasAbort && this.#world.hasLostPower)) {
      // (Power that goes may take with it that the stream was aborted, and told so to the only one who had it [S-11].)
      this.violate("L-8", `${name}: its end was safe, but nobody got it`);
    }
  }

  /** A reader was cut: it leaves nothing [L-14]. */
  cut(pipe: string): void {
    this.#cut.add(pipe);
  }

  /** One that keeps no journal does not tell whom it cuts while they are away; nor does any when they expire that moment. */
  mayHaveCut(pipe: string): boolean {
    if (this.#cut.has(pipe)) return true;
    const { store, limits } = this.#world.plan;
    const roomBytes = Math.min(limits.maxLagBytes, limits.maxBufferBytes / 2);
    if (store !== "memory" && this.#writtenBytes < roomBytes) return false;
    return this.#readersOf(pipe).some(
      (reader) => !reader.isSpectator && (reader.wasKilled || (store === "memory" && reader.disconnects > 0)),
    );
  }

  /** More than half of the room: its head may be let go [L-10]. */
  #wasLetGo(writer: WriterEnd): boolean {
    const { maxBufferBytes } = this.#world.plan.limits;
    return writer.writtenBytes * 2 > maxBufferBytes || this.#writtenBytes * 4 > maxBufferBytes;
  }

  get #writtenBytes(): number {
    return [...this.#world.writers.values()].reduce((sum, each) => sum + each.writtenBytes, 0);
  }

  #readerFails(reader: ReaderEnd, code: string, text: string): void {
    const isKnown = READER_CODES.has(code);
    const isExcused =
      (code === "not-found" && reader.plan.mode === "peek") ||
      (code === "behind" && this.#readersOf(reader.plan.pipe).length > 1) ||
      (code === "replaced" && reader.disconnects > 0) ||
      (code === "expired" && reader.disconnects > 0);
    if (!isKnown || !isExcused)
      this.violate("L-12", `${reader.name} (${reader.plan.mode}) fails: ${code}: ${text}`);
  }

  /** One delivery: one stream alone, or running text merged, with everything that opened meanwhile. */
  #checkDelivery(reader: ReaderEnd): void {
    const { had } = reader.output;
    if (had.length > 1) {
      for (const { writer, chunks } of had) {
        if (writer.isBinary && (chunks > 0 || writer.plan.tellsKind))
          this.violate("L-5", `${reader.name} has binary ${writer.name} and something else`);
      }
    }
    if (reader.sessionsLost > 0 || this.#world.hasForgotten) return;
    const { witness } = this.#world.satellite;
    const streams = had.flatMap(({ begins }) => witness.streams.get(begins.stream) ?? []);
    for (const seen of streams) {
      const wasEnded = seen.endedAt !== null && seen.endedAt < reader.seen.at && !seen.isAborted;
      if (wasEnded && had.length > 1) {
        this.violate(
          "L-5",
          `${reader.name} has ${seen.writer.name}, which had ended before it came, and something else`,
        );
      }
    }
    this.#checkMerge(reader, streams);
  }

  /** What opens while a merge runs joins it; what opens when it is closed does not [L-7]. */
  #checkMerge(reader: ReaderEnd, streams: readonly Seen[]): void {
    const { witness } = this.#world.satellite;
    if (this.#world.satellite.run > 1 || this.isTroubled(reader.plan.pipe)) return; // a restart may forget an end
    if (this.#mayHaveLost(reader.plan.pipe)) return;
    for (const seen of witness.streams.values()) {
      const isSame = seen.writer.plan.pipe === reader.plan.pipe && !seen.writer.isBinary;
      if (!isSame || seen.openedAt <= reader.seen.at) continue;
      const begun = streams.filter(
        (other) => (reader.seen.begun.get(other.id) ?? Number.POSITIVE_INFINITY) < seen.openedAt,
      );
      if (begun.length === 0 || begun.some((other) => other.writer.isBinary)) continue;
      const isOpen = begun.some((other) => isRunningAt(other, seen.openedAt) && wasRunning(other, reader));
      const isIn = streams.includes(seen);
      if (isOpen && !isIn)
        this.violate(
          "L-7",
          `${seen.writer.name} opened while the merge of ${reader.name} ran, and is not in it`,
        );
      const isClosed = [...witness.streams.values()].every(
        (other) =>
          other === seen ||
          other.writer.plan.pipe !== reader.plan.pipe ||
          (other.endedAt ?? Number.POSITIVE_INFINITY) < seen.openedAt,
      );
      if (isClosed && isIn && streams.length > 1)
        this.violate("L-7", `${seen.writer.name} opened when ${reader.name} was closed, and is in it`);
    }
  }

  /** One that keeps no journal does not tell when a writer that is away is lost. */
  #mayHaveLost(pipe: string): boolean {
    if (this.#world.plan.store !== "memory") return false;
    return [...this.#world.writers.values()].some(
      ({ plan, disconnects }) => plan.pipe === pipe && disconnects > 0,
    );
  }

  isTroubled(pipe: string): boolean {
    return this.#removed.has(pipe);
  }

  /** A follower that stays gets all of the text that opens while it is attached [L-4]. */
  #checkBroadcast(reader: ReaderEnd): void {
    if (reader.plan.mode !== "follow" || reader.seen.session !== 0 || reader.sessionsLost > 0) return;
    if (reader.isDead || reader.isLeaving || reader.outcome !== null || this.#world.hasForgotten) return;
    for (const seen of this.#world.satellite.witness.streams.values()) {
      const { writer } = seen;
      if (writer.plan.pipe !== reader.plan.pipe || writer.isBinary || this.isRemovable(writer)) continue;
      if (seen.openedAt <= reader.seen.at || reader.seen.at === 0) continue;
      const track = reader.output.had.find(({ begins }) => begins.stream === seen.id);
      const isWhole = track !== undefined && track.begins.offset === 0 && track.cause !== null;
      if (!isWhole)
        this.violate(
          "L-4",
          `${reader.name} (follow) has not got all of ${writer.name}, which opened after it came`,
        );
    }
  }

  #readersOf(pipe: string): ReaderEnd[] {
    return this.#world.readers.filter(({ plan }) => plan.pipe === pipe);
  }

  #cover(writer: WriterEnd): Cover {
    let cover = this.#covers.get(writer);
    if (cover === undefined) {
      cover = new Cover();
      this.#covers.set(writer, cover);
    }
    return cover;
  }
}

function isRunningAt(seen: Seen, at: number): boolean {
  return seen.openedAt < at && (seen.endedAt === null || seen.endedAt > at);
}

/** It ran when the reader came. */
function wasRunning(seen: Seen, reader: ReaderEnd): boolean {
  return seen.endedAt === null || seen.endedAt > reader.seen.at;
}
