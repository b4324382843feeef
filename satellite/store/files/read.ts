import { type Chunk, Flag, hasFlag } from "../../wire/frame.ts";
import { DamageError } from "../store.ts";
import type { Extent } from "./extent.ts";
import type { Held } from "./held.ts";
import { chainIn, chunkOf } from "./record.ts";
import type { Segments } from "./segments.ts";
import type { Sizes } from "./sizes.ts";

/** Whole chunks of a stream from `offset`, from disk and from what is not there yet (see Store.read). */
export async function readChunks(
  held: Held,
  segments: Segments,
  offset: number,
  bytesMax: number,
  sizes: Sizes,
): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  const until = offset + bytesMax;
  let at = offset;
  // Each turn looks anew: what was in memory may have gone to disk, and what was on disk may have been moved.
  for (;;) {
    const inMemory = held.tail.read(at, until - at).filter(({ end }) => chunks.length === 0 || end <= until);
    if (inMemory.length > 0) return [...chunks, ...neededOf(held, inMemory)];
    const extents = runFrom(held, at, until, sizes);
    if (extents === null) return chunks;
    let more: Chunk[];
    try {
      more = await readRun(held, segments, extents, at);
    } catch (error) {
      if (extents.some(({ isGone }) => isGone)) continue; // it was moved, or is not needed any more
      if (chunks.length > 0) return chunks;
      throw error;
    }
    for (const chunk of more) {
      if (chunk.end > until && chunks.length > 0) return chunks;
      chunks.push(chunk);
      at = chunk.end;
    }
    const isDone = at >= until && !mayEndAt(held, at);
    if (more.length === 0 || isDone || hasFlag(more.at(-1) as Chunk, Flag.final)) return chunks;
  }
}

/** Only the first of them can be released already. */
function neededOf(held: Held, chunks: Chunk[]): Chunk[] {
  const [first] = chunks;
  return first !== undefined && held.isNeeded(first.end, first.flags) ? chunks : [];
}

/** Whether an empty chunk may follow. */
function mayEndAt(held: Held, offset: number): boolean {
  return held.hasFinal && held.to === offset;
}

/** Extents that lie side by side and have what is between `from` and `until`; null: there is nothing at `from`. */
function runFrom(held: Held, from: number, until: number, sizes: Sizes): Extent[] | null {
  const place = held.find(from);
  const first = held.extents[place];
  if (first === undefined || from > first.to || (from === first.to && !mayEndAt(held, from))) return null;
  const run = [first];
  let last = first;
  for (let next = held.extents[place + 1]; next !== undefined; next = held.extents[place + run.length]) {
    const gap = next.position - last.position - last.span;
    if (next.segment !== first.segment || gap < 0 || gap > sizes.gapBytes) break;
    if (next.from !== last.to || next.from >= until) break;
    run.push(next);
    last = next;
  }
  return run;
}

/** The chunks in a run of extents from `offset` on; none if no chunk begins there. Throws if it is damaged there. */
async function readRun(
  held: Held,
  segments: Segments,
  run: readonly Extent[],
  offset: number,
): Promise<Chunk[]> {
  const first = run[0] as Extent;
  const last = run.at(-1) as Extent;
  const { segment, position } = first;
  const buffer = await segments.read(segment, position, last.position + last.span - position);
  const chunks: Chunk[] = [];
  for (const record of chainIn(buffer, segment.salt, held.id, offset)) {
    if (record.to > last.to) break;
    if (chunks.length === 0 && (record.from !== offset || !held.isNeeded(record.to, record.flags))) return [];
    chunks.push(chunkOf(buffer, record));
  }
  if (chunks.length === 0)
    throw new DamageError(held.id, offset, `segment ${segment.number} does not have it`);
  return chunks;
}

/** The first chunk that is needed; undefined if it is damaged. The stream has something on disk, and nothing else. */
export async function readFirst(held: Held, segments: Segments): Promise<Chunk | undefined> {
  const extent = held.extents[0] as Extent;
  const { segment, position, span } = extent;
  const buffer = await segments.read(segment, position, span);
  const start = Math.min(Math.max(extent.from, held.released), extent.to);
  for (const record of chainIn(buffer, segment.salt, held.id, start)) {
    if (held.isNeeded(record.to, record.flags)) return chunkOf(buffer, record);
  }
  return undefined;
}
