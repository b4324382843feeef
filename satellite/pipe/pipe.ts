import type { PipeRow } from "../wire/messages.ts";
import type { Reader } from "./reader.ts";
import type { Held } from "./room.ts";
import type { Stream } from "./stream.ts";

/** A named pipe: its streams in order of opening, and who reads. */
export class Pipe implements Held {
  readonly name: string;
  readonly streams: Map<number, Stream> = new Map();
  /** Streams that have not ended: running, or aborted with something unread. In order of opening. */
  readonly unended: Set<Stream> = new Set();
  /** Streams that nobody holds, or only readers that were lost long ago, in order of opening. */
  readonly free: Map<number, Stream> = new Map();
  /** In the order in which they came. */
  readonly readers: Set<Reader> = new Set();
  readonly spectators: Set<Reader> = new Set();
  heldBytes = 0;
  runningCount = 0;
  /** What came in since the pipe exists. */
  passedBytes = 0;
  /** Order of the youngest stream that was ever free. */
  #lastFreeOrder = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Neither streams nor readers: the pipe does not exist any more. */
  get isEmpty(): boolean {
    return this.streams.size === 0 && this.readers.size === 0 && this.spectators.size === 0;
  }

  /** Whether free streams are reserved for `one` readers [L-10]. */
  get isShared(): boolean {
    for (const reader of this.readers) if (reader.mode === "one") return true;
    return false;
  }

  /** Puts a stream that came back among the free ones, at its place. */
  setFree(stream: Stream): void {
    this.free.set(stream.id, stream);
    if (stream.order > this.#lastFreeOrder) {
      this.#lastFreeOrder = stream.order;
      return;
    }
    const sorted = [...this.free.values()].toSorted((a, b) => a.order - b.order);
    this.free.clear();
    for (const each of sorted) this.free.set(each.id, each);
  }

  row(nowMs: number): PipeRow {
    let bytes = 0;
    let oldestMs = nowMs;
    for (const stream of this.streams.values()) {
      bytes += stream.heldBytes;
      oldestMs = Math.min(oldestMs, stream.openedMs);
    }
    let taps = 0;
    for (const reader of this.spectators) if (reader.mode === "tap") taps++;
    return {
      name: this.name,
      streams: this.streams.size,
      bytes,
      oldestAgeS: Math.round((nowMs - oldestMs) / 1000),
      writers: this.runningCount,
      readers: this.readers.size,
      taps,
    };
  }
}
