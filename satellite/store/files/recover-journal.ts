import { WireError } from "../../wire/errors.ts";
import type { JsonValue } from "../../wire/fact.ts";
import type { Disk } from "./disk.ts";
import { refuseNewer } from "./header.ts";
import { JOURNAL } from "./journal.ts";
import { JournalFile } from "./journal-file.ts";
import { headIn, linesIn } from "./journal-line.ts";

/** What the journal says of a stream. */
export interface ToldStream {
  released: number;
  isDamaged: boolean;
}

export interface FoundJournal {
  readonly file: JournalFile;
  readonly facts: Map<string, JsonValue>;
  readonly streams: Map<number, ToldStream>;
  readonly lostBytes: number;
  readonly damage: string[];
}

/**
 * Reads the journal, and cuts off what was torn. `isDoubtful`: what it shows may not be on disk, and is written again
 * before a sync is believed.
 */
export async function recoverJournal(disk: Disk, isDoubtful: boolean): Promise<FoundJournal> {
  const file = await disk.open(JOURNAL);
  const bytes = await file.read(0, await file.size());
  const head = headIn(bytes);
  if (head === null) {
    throw new WireError(
      "internal",
      "the first line of the journal is damaged: restore the data directory, or move it away",
    );
  }
  refuseNewer(head.version);
  const facts = new Map<string, JsonValue>();
  const streams = new Map<number, ToldStream>();
  const damage: string[] = [];
  let cut = head.end;
  for (const { at, end, entry } of linesIn(bytes, head.end, head.salt)) {
    if (entry !== null) apply(entry, facts, streams);
    else if (wasSynced(bytes, at, head.salt))
      damage.push(`the journal is damaged at byte ${at}: a line is lost`);
    else break;
    cut = end;
  }
  const lostBytes = Math.max(0, endOfContent(bytes) - cut);
  if (lostBytes > 0) await file.truncate(cut);
  if (isDoubtful) await file.write(0, [bytes.subarray(0, cut)]);
  await file.sync(); // a process that was killed has left some of it with the operating system
  const allocated = lostBytes > 0 ? cut : bytes.length;
  return { file: new JournalFile(file, head.salt, cut, allocated), facts, streams, lostBytes, damage };
}

/**
 * Whether a line behind `at` tells that what is there was on disk. Then a crash has not torn the line that is bad: it
 * was damaged since, which costs nothing but itself. Else the journal is cut there.
 */
function wasSynced(bytes: Buffer, at: number, salt: number): boolean {
  for (const { entry } of linesIn(bytes, at, salt)) {
    if (entry?.[0] === "synced" && Number(entry[1]) > at) return true;
  }
  return false;
}

/** Zeros at the end are space that was taken before it is needed. */
function endOfContent(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}

function apply(
  entry: readonly JsonValue[],
  facts: Map<string, JsonValue>,
  streams: Map<number, ToldStream>,
): void {
  const [what, first, second] = entry;
  const id = Number(first);
  const stream = streams.get(id);
  switch (what) {
    case "facts":
      for (let at = 1; at + 1 < entry.length; at += 2) {
        const [key, value] = entry.slice(at) as [string, JsonValue];
        if (value === null) facts.delete(key);
        else facts.set(key, value);
      }
      return;
    case "stream":
      if (stream === undefined) streams.set(id, { released: Number(second), isDamaged: false });
      return;
    case "released":
      if (stream !== undefined) stream.released = Math.max(stream.released, Number(second));
      return;
    case "damaged":
      if (stream !== undefined) stream.isDamaged = true;
      return;
    case "removed":
      streams.delete(id);
      return;
    default: // `synced`, and what later programs of this version add
  }
}
