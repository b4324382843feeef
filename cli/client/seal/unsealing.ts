import { type Chunk, payloadOf } from "../../../satellite/wire/frame.ts";
import { limits } from "../../../satellite/wire/limits.ts";
import type { Mode, StreamBegins } from "../../../satellite/wire/messages.ts";
import type { DeliveredStream, EndCause, ReaderOptions } from "../types.ts";
import type { Keyring } from "./keyring.ts";
import { noKey, notSealed, tampered } from "./refusals.ts";
import type { StreamOpener } from "./stream-opener.ts";

const RUNNING_MAX = 2 * limits.streamsPerReaderMax;

/** A stream that has begun and not ended. */
interface Running {
  /** `null`: it is not sealed. */
  readonly opener: StreamOpener | null;
  hasSent: boolean;
}

/**
 * What a reader takes of its delivery, and as what (PROTOCOL.md §14): sealed streams opened, others only where they are
 * wanted, and nothing as complete that is not.
 */
export class Unsealing {
  readonly #keyring: Keyring | null;
  readonly #pipe: string;
  readonly #mode: Mode;
  readonly #takesPlain: boolean;
  readonly #running = new Map<StreamBegins, Running>();
  #hasEnded = false;

  constructor(keyring: Keyring | null, pipe: string, { mode = "plain", plain = false }: ReaderOptions) {
    this.#keyring = keyring;
    this.#pipe = pipe;
    this.#mode = mode;
    this.#takesPlain = plain || keyring === null;
  }

  /** The stream as it is shown. */
  shown(stream: StreamBegins): DeliveredStream {
    return this.#running.get(stream)?.opener?.shown ?? stream;
  }

  /** @throws SkypipeError `no-key`, `tampered` */
  begin(stream: StreamBegins): void | Promise<void> {
    if (stream.sealed !== undefined) return this.#beginSealed(stream);
    this.#add(stream, null);
  }

  async #beginSealed(stream: StreamBegins): Promise<void> {
    if (this.#keyring === null) throw noKey(); // [Z-10]
    const { StreamOpener } = await import("./stream-opener.ts");
    const opener = await StreamOpener.for(this.#keyring, this.#pipe, stream);
    this.#add(stream, opener);
  }

  /** Of a follower that came back, streams are here whose end nobody will tell; as many are never under way at once. */
  #add(stream: StreamBegins, opener: StreamOpener | null): void {
    this.#running.set(stream, { opener, hasSent: false });
    const [oldest] = this.#running.keys();
    if (this.#running.size > RUNNING_MAX && oldest !== undefined) this.#running.delete(oldest);
  }

  /**
   * What the chunk holds.
   *
   * @throws SkypipeError `tampered`, `not-sealed`
   */
  open(stream: StreamBegins, chunk: Chunk): Uint8Array {
    const running = this.#running.get(stream);
    if (running !== undefined) running.hasSent = true;
    if (running?.opener) return running.opener.open(chunk);
    this.#admitPlain();
    return payloadOf(chunk);
  }

  /** @throws SkypipeError `tampered`, `not-sealed` */
  end(stream: StreamBegins, cause: EndCause): void {
    const opener = this.#running.get(stream)?.opener;
    if (opener) opener.end(cause);
    else if (cause !== "aborted") this.#admitPlain();
    this.#running.delete(stream);
    this.#hasEnded = true;
  }

  /** Throws SkypipeError `tampered`: what has sent something does not go without an end. */
  withdraw(stream: StreamBegins): void {
    const running = this.#running.get(stream);
    if (running?.opener && running.hasSent) throw tampered("it was taken back");
    this.#running.delete(stream);
  }

  /** Throws SkypipeError `tampered`: only taps, and followers that were away for long, miss something. */
  gap(stream: StreamBegins): void {
    const mayMiss = this.#mode === "tap" || this.#mode === "follow";
    if (this.#running.get(stream)?.opener && !mayMiss) throw tampered("a piece of it is missing");
  }

  /** The satellite says that the delivery is complete. Throws SkypipeError `tampered` where nothing proves it. */
  done(): void {
    if (this.#mode === "peek") return;
    const isProven = this.#hasEnded && this.#running.size === 0;
    const isOpening = [...this.#running.values()].some(({ opener }) => opener !== null);
    if (isOpening || !(this.#takesPlain || isProven)) throw tampered("its end is missing");
  }

  /** [Z-11] */
  #admitPlain(): void {
    if (!this.#takesPlain) throw notSealed();
  }
}
