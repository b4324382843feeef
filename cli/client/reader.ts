import { Readable } from "node:stream";
import type { Mode, StreamBegins } from "../../satellite/wire/messages.ts";
import { SkypipeError, toSkypipeError } from "./errors.ts";
import type { EndCause, Receiving, Sink } from "./types.ts";

/**
 * A delivery as a stream of Node. What your code has taken from it is acknowledged; what it leaves behind stays in the
 * pipe. `error` with code `aborted` comes after the bytes, `end` when the delivery is complete. `destroy()` leaves.
 * Events besides those of a Readable: `attached`, `stream` (StreamBegins), `streamEnd` (StreamBegins, EndCause,
 * reason?: string), `gap` (StreamBegins, from: number, to: number).
 */
export class PipeReader extends Readable {
  readonly #receiving: Receiving;
  #onTaken: () => void = () => {};

  /** @internal */
  constructor(mode: Mode, receive: (sink: Sink) => Receiving) {
    // With a mark of one byte `_read` is called when everything was taken, and not before.
    super({ highWaterMark: 1 });
    this.#receiving = receive({
      begin: (stream) => void this.emit("stream", stream),
      chunk: async (_stream, bytes) => this.#give(bytes),
      end: (stream, cause, reason) => this.#ended(stream, cause, reason),
      gap: (stream, from, to) => void this.emit("gap", stream, from, to),
    });
    this.#receiving.attached.then(
      () => this.emit("attached"),
      () => {}, // told by `done` as well
    );
    this.#receiving.done.then(
      // A follower and a tap only note it: they outlive their streams (DESIGN.md §2.9).
      ({ aborted }) => this.#done(aborted && mode !== "follow" && mode !== "tap"),
      (error: unknown) => this.destroy(toSkypipeError(error)),
    );
  }

  override _read(): void {
    this.#onTaken();
  }

  override _destroy(error: Error | null, closed: (error?: Error | null) => void): void {
    void this.#leave(() => closed(error));
  }

  async #leave(left: () => void): Promise<void> {
    await this.#receiving.leave();
    left();
  }

  #give(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#onTaken = resolve;
      this.push(bytes);
    });
  }

  #ended(stream: StreamBegins, cause: EndCause, reason?: string): void {
    this.emit("streamEnd", stream, cause, reason);
  }

  #done(isAborted: boolean): void {
    if (!isAborted) this.push(null);
    else
      this.destroy(
        new SkypipeError("aborted", "A stream was aborted: its writer was lost, and its end with it."),
      );
  }
}
