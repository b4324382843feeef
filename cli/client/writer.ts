import { Writable } from "node:stream";
import type { Kind } from "../../satellite/wire/messages.ts";

/**
 * `finish` says that every byte and the end are safe (and taken, with `sync`). `destroy()` aborts the stream.
 * Events besides those of a Writable: `open` (stream: number), `pause` (reason: string), `continue`,
 * `safe` (bytes: number, of all that was written).
 */
export abstract class PipeWriter extends Writable {
  /** May be set until the first write; `undefined` until then where nobody said. */
  abstract kind: Kind | undefined;
  /** Ends a text stream with cause *interrupted*, after what was written; aborts a binary one. */
  abstract interrupt(): void;
}
