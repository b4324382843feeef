import { payloadOf } from "../../satellite/wire/frame.ts";
import type { Notice } from "./effects.ts";
import { toSkypipeError } from "./errors.ts";
import type { Link } from "./link.ts";
import type { ReaderOptions, Received, Receiving, Sink } from "./types.ts";

/** How long a reader that leaves waits for the satellite to say that it has. */
const LEAVE_MS = 2_000;

/** A reader: hands what comes to its sink, in order, and says when that has it. The link is its own. */
export class Delivery implements Receiving {
  readonly done: Promise<Received>;
  readonly attached: Promise<void>;
  readonly #link: Link;
  readonly #ref: number;
  readonly #sink: Sink;
  #queue: Notice[] = [];
  #isPumping = false;
  #isLeaving = false;
  #isSettled = false;
  #settle: { done(received: Received): void; fail(error: unknown): void } = {
    done: () => {},
    fail: () => {},
  };
  #hasAttached: () => void = () => {};

  constructor(link: Link, pipe: string, options: ReaderOptions, sink: Sink) {
    this.#link = link;
    this.#sink = sink;
    this.done = new Promise((done, fail) => {
      this.#settle = { done, fail };
    });
    this.attached = new Promise((resolve, reject) => {
      this.#hasAttached = resolve;
      this.done.then(() => resolve(), reject);
    });
    this.attached.catch(() => {}); // told by `done` as well
    this.#ref = link.listen((notice) => this.#noticed(notice));
    link.dispatch({ type: "read", ref: this.#ref, pipe, options });
  }

  async leave(): Promise<void> {
    if (this.#isSettled) return;
    this.#isLeaving = true;
    this.#queue = [];
    this.#link.dispatch({ type: "leave", ref: this.#ref });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LEAVE_MS);
    });
    await Promise.race([this.done.catch(() => {}), late]);
    clearTimeout(timer);
    await this.#end(() => this.#settle.done({ aborted: false }));
  }

  #noticed(notice: Notice): void {
    switch (notice.type) {
      case "attached":
        this.#hasAttached();
        break;
      case "failed":
        void this.#end(() => this.#settle.fail(toSkypipeError(notice.error)));
        break;
      default:
        // The sink may be busy for long with what it has; nothing more is for it.
        if (this.#isLeaving && notice.type === "done") void this.#handOver(notice);
        if (this.#isLeaving) return;
        this.#queue.push(notice);
        if (this.#isPumping) return;
        this.#isPumping = true;
        // Not at once: what one read of the socket gave is acknowledged together.
        queueMicrotask(() => void this.#pump());
    }
  }

  async #pump(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const batch = this.#queue;
        this.#queue = [];
        for (const notice of batch) {
          const pending = this.#handOver(notice);
          if (pending !== undefined) await pending;
          if (this.#isLeaving || this.#isSettled) return;
          this.#consumed(notice);
        }
      }
    } catch (error) {
      this.#link.dispatch({ type: "leave", ref: this.#ref });
      await this.#end(() => this.#settle.fail(error));
    } finally {
      this.#isPumping = false;
    }
  }

  #handOver(notice: Notice): void | Promise<void> {
    const sink = this.#sink;
    switch (notice.type) {
      case "begin":
        return sink.begin?.(notice.stream);
      case "chunk":
        return sink.chunk(notice.stream, payloadOf(notice.chunk), notice.chunk.flags);
      case "end":
        return sink.end?.(notice.stream, notice.cause, notice.reason);
      case "gap":
        return sink.gap?.(notice.stream, notice.from, notice.to);
      case "withdrawn":
        return sink.withdrawn?.(notice.stream);
      case "done":
        void this.#end(() => this.#settle.done({ aborted: notice.aborted }));
        return undefined;
      default:
        return undefined; // only writers are told of the rest
    }
  }

  #consumed(notice: Notice): void {
    const ref = this.#ref;
    if (notice.type === "chunk") {
      const { stream, chunk } = notice;
      this.#link.dispatch({ type: "consumed", ref, stream, offset: chunk.end, end: false });
    } else if (notice.type === "end") {
      const { stream, offset } = notice;
      this.#link.dispatch({ type: "consumed", ref, stream, offset, end: true });
    }
  }

  async #end(settle: () => void): Promise<void> {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#queue = [];
    settle();
    await this.#link.close();
  }
}
