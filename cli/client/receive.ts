import type { WireError } from "../../satellite/wire/errors.ts";
import type { StreamBegins } from "../../satellite/wire/messages.ts";
import { SEAL_BYTES } from "../../satellite/wire/sealing.ts";
import type { Notice } from "./effects.ts";
import { toSkypipeError } from "./errors.ts";
import type { Link } from "./link.ts";
import type { Keyring } from "./seal/keyring.ts";
import { tampered } from "./seal/refusals.ts";
import { Unsealing } from "./seal/unsealing.ts";
import type { ReaderOptions, Received, Receiving, Sink } from "./types.ts";

/** How long a reader that leaves waits for the satellite to say that it has. */
const LEAVE_MS = 2_000;

/** What the sink has taken is told at the latest when it is so much, or after so long. */
const TOLD_BYTES = 256 * 1024;
const TOLD_MS = 2;
/** Of what comes first everything is told at once. */
const SMALL_START_BYTES = 1024 * 1024;

/** A reader: hands what comes to its sink, in order, and says when that has it. The link is its own. */
export class Delivery implements Receiving {
  readonly done: Promise<Received>;
  readonly attached: Promise<void>;
  readonly #link: Link;
  readonly #ref: number;
  readonly #sink: Sink;
  readonly #unsealing: Unsealing;
  /** What a peek still shows: sealed, more has to be asked for than is shown. */
  #leftBytes = Number.POSITIVE_INFINITY;
  #queue: Notice[] = [];
  /** What the sink has, and the session does not know of. */
  #taken: { stream: StreamBegins; offset: number; notices: number } | null = null;
  #takenBytes = 0;
  /** Until then little may be told late: the window is small. */
  #receivedBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #isPumping = false;
  #isLeaving = false;
  #isSettled = false;
  /** Something sealed has begun. */
  #hasSealed = false;
  #settle: { done(received: Received): void; fail(error: unknown): void } = {
    done: () => {},
    fail: () => {},
  };
  #hasAttached: () => void = () => {};

  constructor(
    link: Link,
    { pipe, options, keyring }: { pipe: string; options: ReaderOptions; keyring: Keyring | null },
    sink: Sink,
  ) {
    this.#link = link;
    this.#sink = sink;
    this.#unsealing = new Unsealing(keyring, pipe, options);
    this.done = new Promise((done, fail) => {
      this.#settle = { done, fail };
    });
    this.attached = new Promise((resolve, reject) => {
      this.#hasAttached = resolve;
      this.done.then(() => resolve(), reject);
    });
    this.attached.catch(() => {}); // told by `done` as well
    this.#ref = link.listen((notice) => this.#noticed(notice));
    const { plain: _, ...asked } = options;
    if (keyring !== null && asked.limitBytes !== undefined) {
      this.#leftBytes = asked.limitBytes;
      asked.limitBytes = Math.min(asked.limitBytes * (SEAL_BYTES + 1), Number.MAX_SAFE_INTEGER);
    }
    link.dispatch({ type: "read", ref: this.#ref, pipe, options: asked });
  }

  async leave(): Promise<void> {
    if (this.#isSettled) return;
    this.#isLeaving = true;
    const isDone = this.#queue.some(({ type }) => type === "done");
    this.#queue = [];
    this.#tellConsumed();
    this.#link.dispatch({ type: "leave", ref: this.#ref });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LEAVE_MS);
    });
    if (!isDone) await Promise.race([this.done.catch(() => {}), late]);
    clearTimeout(timer);
    await this.#end(() => this.#settle.done({ aborted: false }));
  }

  #noticed(notice: Notice): void {
    switch (notice.type) {
      case "attached":
        this.#hasAttached();
        break;
      case "failed":
        void this.#end(() => this.#settle.fail(this.#failureOf(notice.error)));
        break;
      default:
        // The sink may be busy for long with what it has; nothing more is for it.
        if (this.#isLeaving && notice.type === "done") void this.#handOver(notice);
        if (this.#isLeaving) return;
        if (notice.type === "begin") this.#hasSealed ||= notice.stream.sealed !== undefined;
        this.#queue.push(notice);
        // Not at once: what one read of the socket gave is acknowledged together.
        if (!this.#isPumping) queueMicrotask(() => void this.#pump());
    }
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (this.#queue.length > 0) {
        const batch = this.#queue;
        this.#queue = [];
        for (const [index, notice] of batch.entries()) {
          const pending = this.#handOver(notice);
          if (pending !== undefined) {
            this.#tellConsumed();
            await pending;
          }
          if (this.#isLeaving || this.#isSettled) return;
          if (this.#leftBytes <= 0) {
            this.#queue.unshift(...batch.slice(index + 1));
            return void this.leave();
          }
          this.#consumed(notice);
        }
        this.#settleUp();
      }
    } catch (error) {
      this.#tellConsumed();
      this.#link.dispatch({ type: "leave", ref: this.#ref });
      await this.#end(() => this.#settle.fail(error));
    } finally {
      this.#isPumping = false;
    }
  }

  /** What breaks the protocol in the middle of a sealed stream has lost or changed something of it [Z-9]. */
  #failureOf(error: WireError): Error {
    const isBreach = error.code === "protocol" || error.code === "too-large";
    return isBreach && this.#hasSealed ? tampered(error.message, error) : toSkypipeError(error);
  }

  #handOver(notice: Notice): void | Promise<void> {
    const sink = this.#sink;
    const unsealing = this.#unsealing;
    switch (notice.type) {
      case "begin": {
        const begun = unsealing.begin(notice.stream);
        const tell = (): void => sink.begin?.(unsealing.shown(notice.stream));
        return begun === undefined ? tell() : begun.then(tell);
      }
      case "chunk": {
        const bytes = unsealing.open(notice.stream, notice.chunk);
        this.#leftBytes -= bytes.length;
        if (bytes.length === 0) return undefined; // a seal with nothing in it
        return sink.chunk(unsealing.shown(notice.stream), bytes, notice.chunk.flags);
      }
      case "end": {
        const shown = unsealing.shown(notice.stream);
        unsealing.end(notice.stream, notice.cause);
        return sink.end?.(shown, notice.cause, notice.reason);
      }
      case "gap":
        unsealing.gap(notice.stream);
        return sink.gap?.(unsealing.shown(notice.stream), notice.from, notice.to);
      case "withdrawn": {
        const shown = unsealing.shown(notice.stream);
        unsealing.withdraw(notice.stream);
        return sink.withdrawn?.(shown);
      }
      case "done":
        if (notice.left !== true) unsealing.done();
        void this.#end(() => this.#settle.done({ aborted: notice.aborted }));
        return undefined;
      default:
        return undefined; // only writers are told of the rest
    }
  }

  #consumed(notice: Notice): void {
    if (notice.type === "chunk") {
      const { stream, chunk } = notice;
      const bytes = chunk.end - chunk.offset;
      // What was sealed was opened into memory of its own.
      if (this.#sink.borrows === true || stream.sealed !== undefined) chunk.block?.letGo();
      this.#take(stream, chunk.end, bytes);
    } else if (notice.type === "end") {
      this.#take(notice.stream, notice.offset, 0);
      this.#tellConsumed(true);
    }
  }

  #take(stream: StreamBegins, offset: number, bytes: number): void {
    if (this.#taken?.stream !== stream) this.#tellConsumed();
    this.#taken = { stream, offset, notices: (this.#taken?.notices ?? 0) + 1 };
    this.#takenBytes += bytes;
    this.#receivedBytes += bytes;
  }

  /** What is taken quickly is told together, a little later: for each piece of it that would be half of the work. */
  #settleUp(): void {
    if (this.#taken === null) return;
    const isQuick = this.#receivedBytes > SMALL_START_BYTES && this.#takenBytes < TOLD_BYTES;
    if (!isQuick) this.#tellConsumed();
    else
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#tellConsumed();
      }, TOLD_MS);
  }

  #tellConsumed(end = false): void {
    const taken = this.#taken;
    this.#taken = null;
    this.#takenBytes = 0;
    if (taken !== null) this.#link.dispatch({ type: "consumed", ref: this.#ref, ...taken, end });
  }

  async #end(settle: () => void): Promise<void> {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#queue = [];
    this.#tellConsumed();
    clearTimeout(this.#timer);
    settle();
    await this.#link.close();
  }
}
