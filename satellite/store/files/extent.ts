/** Extents: where records of one stream that follow each other lie in one segment. */
import { Flag } from "../../wire/frame.ts";
import { RECORD_BYTES_MIN, type RecordHead } from "./record.ts";
import type { Segment } from "./segment.ts";
import type { Sizes } from "./sizes.ts";

export interface Extent {
  readonly segment: Segment;
  /** Where its first record begins, in the segment. */
  readonly position: number;
  /** To the end of its last record; records of other streams may lie between its own. */
  span: number;
  /** Bytes of its own records. */
  ownBytes: number;
  /** What of that counts as live in the segment. */
  liveBytes: number;
  readonly from: number;
  to: number;
  /** What is released before this offset does not make it deader: that did not come along when it was moved. */
  readonly base: number;
  /** It begins with a record that is fresh. */
  readonly fresh: boolean;
  readonly firstArrival: number;
  lastArrival: number;
  lastFlags: number;
  /** Where its last chunk begins, in the stream. */
  lastFrom: number;
  /** Its stream does not refer to it any more. */
  isGone: boolean;
}

/** The extent of one record, which lies at `position` in the segment. */
export function extentOf(
  segment: Segment,
  position: number,
  record: Omit<RecordHead, "at">,
  base: number = record.from,
): Extent {
  return {
    segment,
    position,
    span: record.bytes,
    ownBytes: record.bytes,
    liveBytes: 0,
    from: record.from,
    to: record.to,
    base,
    fresh: record.fresh,
    firstArrival: record.arrival,
    lastArrival: record.arrival,
    lastFlags: record.flags,
    lastFrom: record.from,
    isGone: false,
  };
}

/** Lets `extent` go on with a record behind it, if that makes it neither too large nor too thin. */
export function extend(
  extent: Extent,
  segment: Segment,
  position: number,
  record: Omit<RecordHead, "at">,
  sizes: Sizes,
): boolean {
  const gap = position - extent.position - extent.span;
  if (extent.segment !== segment || gap < 0 || gap > sizes.gapBytes) return false;
  if (record.fresh || record.from !== extent.to || isFinal(extent)) return false;
  if (record.to - extent.from > sizes.extentBytes) return false;
  if (position + record.bytes - extent.position > sizes.extentBytes * 2) return false;
  extent.span += gap + record.bytes;
  extent.ownBytes += record.bytes;
  extent.to = record.to;
  extent.lastArrival = record.arrival;
  extent.lastFlags = record.flags;
  extent.lastFrom = record.from;
  return true;
}

export function isFinal(extent: Extent): boolean {
  return (extent.lastFlags & Flag.final) !== 0;
}

/** Whether all of it is released. The final chunk never is. */
export function isDead(extent: Extent, released: number): boolean {
  return extent.to <= released && !isFinal(extent);
}

/** Counts in its segment what `released` leaves of it: in proportion, so that nothing has to be read for it. */
export function recount(extent: Extent, released: number): void {
  const { ownBytes, base, to } = extent;
  let live = ownBytes;
  if (released >= to && base < to) live = 0;
  else if (released > base) live = Math.ceil((ownBytes * (to - released)) / (to - base));
  if (isFinal(extent)) live = Math.max(live, RECORD_BYTES_MIN + to - extent.lastFrom);
  extent.segment.liveBytes += live - extent.liveBytes;
  extent.liveBytes = live;
}

/** Its stream does not refer to it any more, its segment does not count it. */
export function discount(extent: Extent): void {
  extent.isGone = true;
  extent.segment.liveBytes -= extent.liveBytes;
  extent.liveBytes = 0;
}
