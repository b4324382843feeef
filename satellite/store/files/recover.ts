import { WireError } from "../../wire/errors.ts";
import type { JsonValue } from "../../wire/fact.ts";
import type { Chunk } from "../../wire/frame.ts";
import type { KeptStream, Recovered } from "../../wire/recovered.ts";
import { assemble } from "./assemble.ts";
import { DOUBT } from "./directory.ts";
import type { Disk } from "./disk.ts";
import type { Extent } from "./extent.ts";
import type { Held } from "./held.ts";
import { JOURNAL, JOURNAL_ASIDE, Journal, type StreamLines } from "./journal.ts";
import { makeJournalFile } from "./journal-file.ts";
import { line } from "./journal-line.ts";
import { readFirst } from "./read.ts";
import { type FoundJournal, recoverJournal } from "./recover-journal.ts";
import { recoverSegment } from "./recover-segment.ts";
import { RESERVE } from "./reserve.ts";
import { indexName, numberIn, segmentName } from "./segment.ts";
import { Segments } from "./segments.ts";
import type { Sizes } from "./sizes.ts";

/** Everything that the store has. */
export interface State {
  readonly journal: Journal;
  readonly segments: Segments;
  readonly streams: Map<number, Held>;
  readonly hasReserve: boolean;
}

/** Finds out what there is in a directory, and mends what a crash has left half done. */
export async function recover(disk: Disk, sizes: Sizes): Promise<{ state: State; recovered: Recovered }> {
  const names = new Set(await disk.list());
  if (names.delete(JOURNAL_ASIDE)) await disk.unlink(JOURNAL_ASIDE);
  const isDoubtful = names.has(DOUBT);
  const found = names.has(JOURNAL) ? await recoverJournal(disk, isDoubtful) : await beginJournal(disk, names);
  const segments = new Segments(disk, sizes.openFiles);
  const { extents, lostBytes, damage } = await recoverSegments(disk, names, found, segments, sizes);
  await disk.sync(); // whatever is told from here on is told to last
  if (isDoubtful) await disk.unlink(DOUBT);
  const streams = new Map<number, Held>();
  for (const [id, told] of found.streams) streams.set(id, assemble(id, told, extents.get(id) ?? []));
  const journal = new Journal(disk, sizes, found.file, toJson(found.facts), linesOf(streams));
  const kept: KeptStream[] = [];
  for (const held of streams.values()) {
    // A fresh record told of it: it may go before the journal does.
    const released = found.streams.get(held.id)?.released ?? 0;
    if (held.released > released) journal.add(line.released(held.id, held.released));
    // Where a part of an extent is released, only its chunks tell which is the first that is not.
    const isCut = held.released > (held.extents[0]?.from ?? Number.POSITIVE_INFINITY);
    kept.push(describe(held, isCut ? await readFirst(held, segments) : undefined, isCut));
    if (!held.isDamaged) continue;
    damage.push(`stream ${held.id} has lost what follows offset ${held.to ?? 0}`);
    if (found.streams.get(held.id)?.isDamaged === false) journal.add(line.damaged(held.id));
  }
  const recovered = {
    facts: found.facts,
    streams: kept,
    lostTailBytes: found.lostBytes + lostBytes,
    damage: [...found.damage, ...damage],
  };
  return { state: { journal, segments, streams, hasReserve: names.has(RESERVE) }, recovered };
}

async function beginJournal(disk: Disk, names: ReadonlySet<string>): Promise<FoundJournal> {
  if ([...names].some((name) => numberIn(name, "segment") !== null)) {
    throw new WireError(
      "internal",
      "the data directory has segments, but its journal is missing: restore it, or move the directory away",
    );
  }
  const file = await makeJournalFile(disk, JOURNAL_ASIDE, []);
  await disk.rename(JOURNAL_ASIDE, JOURNAL);
  await disk.sync(); // before the first segment: one without the other would be refused
  return { file, facts: new Map(), streams: new Map(), lostBytes: 0, damage: [] };
}

interface FoundSegments {
  readonly extents: ReadonlyMap<number, Extent[]>;
  readonly lostBytes: number;
  readonly damage: string[];
}

async function recoverSegments(
  disk: Disk,
  names: ReadonlySet<string>,
  journal: FoundJournal,
  segments: Segments,
  sizes: Sizes,
): Promise<FoundSegments> {
  const extents = new Map<number, Extent[]>();
  const damage: string[] = [];
  let lostBytes = 0;
  const isWanted = (id: number): boolean => journal.streams.has(id);
  const isDoubtful = names.has(DOUBT);
  const synced = new Map<number, number>();
  // The newest first: each tells how much of the one before was on disk.
  for (const number of numbersOf(names, "segment").toReversed()) {
    segments.skip(number);
    const hasIndex = names.has(indexName(number));
    const syncedBytes = synced.get(number) ?? null;
    const found = await recoverSegment(disk, { number, hasIndex, syncedBytes, isWanted, isDoubtful }, sizes);
    if (found.segment !== null) {
      segments.add(found.segment);
      if (found.previous !== null) synced.set(found.previous.number, found.previous.bytes);
      lostBytes += found.lostBytes;
    } else if (syncedBytes === null) {
      lostBytes += found.lostBytes; // nothing in it was ever on disk: it was being made
      await disk.unlink(segmentName(number));
    } else {
      damage.push(`the header of segment ${number} is damaged: nothing in it can be read`);
    }
    damage.push(...found.damage);
    for (const { id, extent } of found.entries) {
      const list = extents.get(id);
      if (list === undefined) extents.set(id, [extent]);
      else list.push(extent);
    }
  }
  for (const number of numbersOf(names, "index")) {
    if (!names.has(segmentName(number))) await disk.unlink(indexName(number));
  }
  return { extents, lostBytes, damage };
}

function numbersOf(names: ReadonlySet<string>, kind: "segment" | "index"): number[] {
  const numbers = [...names].map((name) => numberIn(name, kind)).filter((number) => number !== null);
  return numbers.toSorted((a, b) => a - b);
}

function toJson(facts: ReadonlyMap<string, JsonValue>): Map<string, string> {
  return new Map([...facts].map(([key, value]) => [key, JSON.stringify(value)]));
}

function linesOf(streams: ReadonlyMap<number, Held>): StreamLines {
  return {
    count: () => streams.size,
    *lines() {
      for (const { id, released, isDamaged } of streams.values()) {
        yield line.stream(id, released);
        if (isDamaged) yield line.damaged(id);
      }
    },
  };
}

/** Where a stream begins and ends, for whoever goes on with it. `chunk`: its first one, where an extent `isCut`. */
function describe(held: Held, chunk: Chunk | undefined, isCut: boolean): KeptStream {
  const first = held.extents[0];
  const last = held.extents.at(-1);
  if (isCut && chunk === undefined) held.isDamaged = true;
  const { id, hasFinal: end, isDamaged: damaged } = held;
  const to = held.to ?? 0;
  if (first === undefined || last === undefined || (isCut && chunk === undefined)) {
    const nothing = { from: to, end: false, lastFlags: 0, lastOffset: to, firstArrival: 0, lastArrival: 0 };
    return { id, to, ...nothing, damaged };
  }
  return {
    id,
    from: chunk?.offset ?? first.from,
    to,
    end,
    lastFlags: last.lastFlags,
    lastOffset: last.lastFrom,
    firstArrival: chunk?.arrival ?? first.firstArrival,
    lastArrival: last.lastArrival,
    damaged,
  };
}
