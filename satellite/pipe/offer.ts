/** Who gets which stream: what a stream finds when it opens, and what a reader finds when it comes [L-3] [L-4] [L-5] [L-10]. */
import type { Context } from "./context.ts";
import {
  hasHad,
  isBeyondReach,
  isMergeable,
  isTakeable,
  joinFromNow,
  joinFromStart,
  peekAt,
  Standing,
  standingOf,
  take,
  withdraw,
} from "./join.ts";
import type { Pipe } from "./pipe.ts";
import { pump } from "./pump.ts";
import { Phase, type Reader } from "./reader.ts";
import type { Stream } from "./stream.ts";

/** A stream has opened: it goes to every reader whose delivery is open to it [L-4]. */
export function offer(ctx: Context, stream: Stream): void {
  const { pipe } = stream;
  const isShared = pipe.isShared;
  pipe.setFree(stream);
  for (const reader of pipe.readers) {
    if (reader.mode === "one") {
      if (reader.isWaiting && !stream.isHeld) begin(ctx, reader, stream, Phase.single);
    } else if (stream.isBinary ? reader.isWaiting || reader.mode === "follow" : reader.isOpenToText) {
      if (reader.isWaiting) reader.enter(ctx, stream.isBinary ? Phase.single : Phase.merge);
      joinFromStart(ctx, reader, stream, isShared);
    }
  }
  for (const reader of pipe.spectators) if (reader.mode === "tap") joinFromStart(ctx, reader, stream, true);
}

/** A reader has come: it gets what it can have already. */
export function welcome(ctx: Context, reader: Reader): void {
  const { pipe } = reader;
  if (reader.mode === "peek") {
    const oldest = pipe.streams.values().next().value;
    if (oldest !== undefined) peekAt(ctx, reader, oldest);
  } else if (reader.mode === "tap") {
    for (const stream of pipe.unended) if (stream.isRunning) joinFromNow(ctx, reader, stream, true);
  } else match(ctx, pipe);
  pump(ctx, reader);
}

/** Something has become available: the reader that has waited longest comes first [L-3]. */
export function match(ctx: Context, pipe: Pipe): void {
  for (const reader of pipe.readers) {
    if (reader.mode === "one") {
      if (reader.isWaiting) takeOne(ctx, reader);
    } else if (reader.isWaiting) beginPlain(ctx, reader);
    else if (reader.phase === Phase.merge) joinUnended(ctx, reader);
    if (!reader.isWaiting) pump(ctx, reader);
  }
}

/** A stream that counted as text turns out to be binary. Returns the readers whose merge it has left [L-5]. */
export function turnBinary(ctx: Context, stream: Stream): Reader[] {
  const left: Reader[] = [];
  for (const cursor of stream.cursors) {
    const { reader } = cursor;
    if (reader.mode !== "plain" || reader.phase === Phase.single) continue;
    const isOldest = [...reader.cursors.values()].every((other) => other.stream.order >= stream.order);
    if (cursor.isAnnounced || (!reader.hasBegun && isOldest)) {
      for (const other of reader.cursors.values()) if (other !== cursor) withdraw(ctx, other);
      reader.enter(ctx, Phase.single);
    } else {
      withdraw(ctx, cursor);
      left.push(reader);
    }
  }
  return left;
}

function beginPlain(ctx: Context, reader: Reader): void {
  for (const stream of reader.pipe.streams.values()) {
    const phase = deliveryOf(ctx, reader, stream);
    if (phase === null) continue;
    if (phase === Phase.merge) {
      reader.enter(ctx, Phase.merge);
      joinUnended(ctx, reader);
      if (!reader.hasRunning) reader.enter(ctx, Phase.closing); // nothing but what aborted streams left
    } else begin(ctx, reader, stream, phase);
    return;
  }
}

/** What a plain reader that waits would do with the stream: nothing, take it alone, or merge the running text [L-5]. */
function deliveryOf(ctx: Context, reader: Reader, stream: Stream): Phase | null {
  const standing = standingOf(ctx, stream);
  if (standing === Standing.fading || stream.isTaken || isBeyondReach(stream)) return null;
  if (isReserved(reader, stream, standing)) return null;
  if (reader.isFresh) return isMergeable(stream) && stream.isRunning ? Phase.merge : null; // [L-4]
  if (isMergeable(stream)) return Phase.merge;
  if (stream.isRunning) return stream.isIntact ? Phase.single : null;
  return isTakeable(ctx, stream) ? Phase.single : null;
}

/** Whether a stream that runs, or that nobody has, is for `one` readers alone: they wait for it, or one of them has it [L-10]. */
function isReserved(reader: Reader, stream: Stream, standing: Standing): boolean {
  return standing === Standing.free
    ? reader.pipe.isShared
    : standing === Standing.live && stream.isTakenWhole;
}

function begin(ctx: Context, reader: Reader, stream: Stream, phase: Phase): void {
  reader.enter(ctx, phase);
  if (standingOf(ctx, stream) === Standing.live) joinFromStart(ctx, reader, stream, false);
  else take(ctx, reader, stream, reader.mode === "one" || !stream.isRunning);
}

/** A `one` reader takes the oldest stream that nobody has, whatever its kind [L-7] [L-10]. */
function takeOne(ctx: Context, reader: Reader): void {
  if (reader.isFresh) return;
  for (const stream of reader.pipe.streams.values()) {
    if (!isTakeable(ctx, stream)) continue;
    begin(ctx, reader, stream, Phase.single);
    return;
  }
}

/** Joins what runs: text, and what is left of aborted text; a follower also binary streams that are all there [L-4] [L-7] [L-9]. */
function joinUnended(ctx: Context, reader: Reader): void {
  for (const stream of reader.pipe.unended) {
    if (hasHad(reader, stream) || stream.isTaken || isBeyondReach(stream)) continue;
    const standing = standingOf(ctx, stream);
    if (standing === Standing.fading) continue;
    if (isReserved(reader, stream, standing)) continue;
    if (stream.isBinary) joinBinary(ctx, reader, stream, standing);
    else joinText(ctx, reader, stream, standing);
  }
}

function joinBinary(ctx: Context, reader: Reader, stream: Stream, standing: Standing): void {
  if (reader.mode !== "follow" || reader.isFresh || !stream.isRunning || !stream.isIntact) return;
  if (standing === Standing.live) joinFromStart(ctx, reader, stream, false);
  else take(ctx, reader, stream, false);
}

function joinText(ctx: Context, reader: Reader, stream: Stream, standing: Standing): void {
  if (standing === Standing.live) {
    if (stream.isRunning) joinFromNow(ctx, reader, stream, false);
  } else if (!reader.isFresh) take(ctx, reader, stream, false);
  else if (stream.isRunning) joinFromNow(ctx, reader, stream, true);
}
