const KiB = 1024;
const MiB = 1024 * KiB;

/** How large things get, in bytes unless said. Tests make them small. */
export interface Sizes {
  /** A segment that has grown to this is sealed. */
  readonly segmentBytes: number;
  /** One write: enough to keep a disk busy, little enough that acknowledgements keep coming. */
  readonly batchBytes: number;
  /** What one of several streams may have of it in its turn, so that no stream waits long for another. */
  readonly turnBytes: number;
  /** What an extent holds of its stream at most. The broker reads so much at once: then it reads nothing in vain. */
  readonly extentBytes: number;
  /** An extent goes on behind records of other streams, if they are not more than this. */
  readonly gapBytes: number;
  /** The journal is not rewritten before it has grown to this, and to a multiple of what is live in it. */
  readonly journalBytes: number;
  /** The journal takes its space in such steps, before it needs it: it can be written on a disk that is full. */
  readonly journalStepBytes: number;
  /** Dead bytes that are left alone. */
  readonly deadBytes: number;
  /** What one commit moves out of a segment at most. */
  readonly moveBytes: number;
  /** What is given up when the disk is full, so that there is room to move. */
  readonly reserveBytes: number;
  /** Files that are open at the same time (a number). */
  readonly openFiles: number;
}

export const sizes: Sizes = {
  segmentBytes: 64 * MiB,
  batchBytes: 8 * MiB,
  turnBytes: MiB,
  extentBytes: 256 * KiB,
  gapBytes: 16 * KiB,
  journalBytes: 4 * MiB,
  journalStepBytes: MiB,
  deadBytes: 64 * MiB,
  moveBytes: 4 * MiB,
  reserveBytes: 8 * MiB,
  openFiles: 64,
};
