/** Whose a stream is when a newcomer is given it. */
import type { ReaderEnd } from "./reader.ts";
import type { Seen } from "./witness.ts";
import type { World } from "./world.ts";

/** Checks that nobody else has a claim to what the reader is given, as far as the satellite has told. */
export function checkClaims(world: World, reader: ReaderEnd, seen: Seen): void {
  const { begunBy } = seen;
  if (world.hasLostPower || world.hasForgotten || begunBy.has(reader)) return;
  checkReserved(world, reader, seen);
  checkTakeover(world, reader, seen);
}

/** What a `one` reader has is reserved from those who come later [L-10]. */
function checkReserved({ model }: World, reader: ReaderEnd, stream: Seen): void {
  const { id, writer, openedAt, begunBy } = stream;
  if (openedAt > reader.seen.at) return; // it has a copy
  for (const holder of begunBy) {
    const { plan, seen } = holder;
    if (plan.mode !== "one" || seen.lostMs !== null || isPast(holder, stream)) continue;
    if ((seen.begun.get(id) ?? 0) > reader.seen.at) continue; // it came before, with `fresh`, and has a copy too
    model.violate(
      "L-10",
      `${reader.name} is given the stream ${id} of ${writer.name}, which ${holder.name} (one) has`,
    );
  }
}

/** What readers have who were lost less than `takeoverMs` ago is theirs [L-12]. Who has left, or had it, makes others copies. */
function checkTakeover(world: World, reader: ReaderEnd, stream: Seen): void {
  const { id, writer, begunBy } = stream;
  const { model, plan, clock } = world;
  const { pipe, fresh } = reader.plan;
  if (begunBy.size === 0 || fresh || model.hasOnes(pipe) || model.mayHaveCut(pipe)) return;
  for (const holder of begunBy) {
    const { lostMs } = holder.seen;
    if (lostMs === null || holder.plan.fresh || isPast(holder, stream)) return;
    // One that came before has joined it while it was live.
    if (reader.seen.atMs <= lostMs || clock.nowMs >= lostMs + plan.limits.takeoverMs) return;
  }
  // Somebody who is there may have joined it, and wait for the start of a line.
  const mayHave = (other: ReaderEnd): boolean =>
    other !== reader && !begunBy.has(other) && !other.isSpectator && other.plan.pipe === pipe;
  if (world.readers.some((other) => mayHave(other) && !other.seen.isOver && other.seen.lostMs === null))
    return;
  model.violate("L-12", `${reader.name} takes over the stream ${id} of ${writer.name} too early`);
}

/** It has left, has had it, or has come back in another session. */
function isPast(holder: ReaderEnd, { id, hadBy }: Seen): boolean {
  return holder.seen.isOver || !holder.seen.begun.has(id) || hadBy.has(holder);
}
