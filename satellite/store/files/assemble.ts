import { type Extent, isDead, isFinal, recount } from "./extent.ts";
import { Held } from "./held.ts";
import type { ToldStream } from "./recover-journal.ts";

/** Makes a stream of the extents that were found of it, in any order, some of them perhaps twice. */
export function assemble(id: number, told: ToldStream, found: readonly Extent[]): Held {
  const held = new Held(id);
  held.isDamaged = told.isDamaged;
  const extents = found.toSorted((a, b) => a.from - b.from || reachOf(b) - reachOf(a));
  held.released = told.released;
  for (const { fresh, from } of extents) if (fresh) held.released = Math.max(held.released, from);
  let last: Extent | undefined;
  for (const extent of extents) {
    if (isDead(extent, held.released)) continue;
    const start: number = last?.to ?? held.released;
    if (last !== undefined && reachOf(extent) <= reachOf(last)) continue; // moved, and not deleted yet
    if (extent.from > start) {
      held.isDamaged = true;
      break;
    }
    held.extents.push(extent);
    recount(extent, held.released);
    last = extent;
  }
  held.to = last?.to ?? (held.released > 0 ? held.released : null);
  held.hasFinal = last !== undefined && isFinal(last);
  held.writtenTo = last?.to ?? null;
  return held;
}

/** The final chunk may be empty, and reaches further all the same. */
function reachOf(extent: Extent): number {
  return extent.to + (isFinal(extent) ? 0.5 : 0);
}
