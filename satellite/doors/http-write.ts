/** `PUT` and `POST` on a pipe: the body of the request is one stream [H-6]. */
import type { IncomingMessage } from "node:http";
import type { Cut } from "../wire/cutter.ts";
import { formatDuration } from "../wire/duration.ts";
import { encodeChunk } from "../wire/encode.ts";
import { WireError } from "../wire/errors.ts";
import type { SatelliteMessage, StreamInfo } from "../wire/messages.ts";
import { type Answer, DONE, json } from "./answer.ts";
import { BodyCutter } from "./body-cutter.ts";
import { type Ears, errorOf, InnerEnd } from "./inner-end.ts";
import { infoIn } from "./labels.ts";
import { hasUnreadBody } from "./leaving.ts";
import { type WriteOptions, writeOptions } from "./parameters.ts";
import type { Written } from "./receipts.ts";
import { type PipeVisit, pipeCalled } from "./visit.ts";

const REF = 1;
/** What readers are told of a body that stopped [H-6], and of one that was refused. */
const CUT_OFF = "its HTTP request ended before its body did";
const REFUSED = "its HTTP request was refused in the middle";

/** Resolves when every byte and the EOF are safe [H-8]. Throws WireError. */
export async function writePipe(visit: PipeVisit): Promise<Answer> {
  const { pipe, request, desk, asJson } = visit;
  const options = writeOptions(visit.query);
  const info = infoIn(request.headers);
  const key = keyIn(request);
  const write = async (): Promise<Written> => new Writing(visit, options, info, key !== null).written;
  const { stream, bytes } = await (key === null ? write() : desk.receipts.once(pipe, key, write));
  if (hasUnreadBody(request) && !expectsContinue(request)) await dropped(request); // it was written before [H-10]
  return asJson ? json({ pipe, stream, bytes }) : DONE;
}

/** [H-10] */
function keyIn(request: IncomingMessage): string | null {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return null;
  if (typeof key === "string" && /^[!-~]{1,255}$/.test(key)) return key;
  throw new WireError("usage", "an Idempotency-Key is 1 to 255 visible ASCII characters");
}

/** Whether the client waits to be told before it sends the body [H-11]. */
function expectsContinue(request: IncomingMessage): boolean {
  return request.headers.expect !== undefined && request.httpVersionMinor > 0;
}

/** Reads the body to its end and drops it. */
function dropped(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    request.once("end", resolve).once("close", resolve).resume();
  });
}

interface Settle {
  succeed(written: Written): void;
  fail(error: WireError): void;
}

/** One body on its way. */
class Writing implements Ears {
  readonly written: Promise<Written>;
  readonly #visit: PipeVisit;
  readonly #options: WriteOptions;
  /** Whether it goes on to its outcome when its client has gone. */
  readonly #isRemembered: boolean;
  readonly #end: InnerEnd;
  readonly #cutter: BodyCutter;
  #settle: Settle | null = null;
  /** Cuts that there was no credit for. */
  readonly #waiting: Cut[] = [];
  #stream = 0;
  #credit = 0;
  /** Where the next chunk begins. */
  #offset = 0;
  #isComplete = false;
  #hasEnded = false;
  #isPaused = false;
  #isClientGone = false;
  #isEndSafe = false;
  #isTaken = false;
  #silence: NodeJS.Timeout | undefined;
  #timeout: NodeJS.Timeout | undefined;

  constructor(visit: PipeVisit, options: WriteOptions, info: StreamInfo, isRemembered: boolean) {
    this.#visit = visit;
    this.#options = options;
    this.#isRemembered = isRemembered;
    this.#cutter = new BodyCutter(options.kind);
    this.#end = new InnerEnd(visit.desk, this);
    this.written = new Promise((succeed, fail) => {
      this.#settle = { succeed, fail };
    });
    this.#open(info);
  }

  hear(message: SatelliteMessage): void {
    switch (message.type) {
      case "opened":
        this.#stream = message.stream;
        this.#credit = message.credit;
        this.#listen();
        break;
      case "ack":
        this.#credit = Math.max(this.#credit, message.credit); // [W-2]
        this.#isEndSafe = message.end === true;
        this.#pump();
        this.#succeedIfDone();
        break;
      case "taken":
        this.#isTaken = true;
        this.#succeedIfDone();
        break;
      case "pause":
        this.#pause();
        break;
      case "continue":
        this.#isPaused = false;
        if (!this.#hasEnded) clearTimeout(this.#timeout);
        this.#pump();
        break;
      case "error":
        this.#fail(errorOf(message));
        break;
      default: // only readers are told of the rest
    }
  }

  take(): void {}

  lost(error: WireError): void {
    this.#fail(error);
  }

  #open(info: StreamInfo): void {
    const { request, response, rights, pipe } = this.#visit;
    const { kind, sync, ttlMs } = this.#options;
    request.once("close", this.#onBodyOver);
    response.once("close", this.#onClientGone);
    this.#end.begin(rights);
    this.#end.say({
      type: "open",
      ref: REF,
      pipe,
      ...info,
      ...(kind !== null && { kind }),
      ...(ttlMs !== null && { ttlMs }),
      ...(sync && { sync }),
    });
    if (request.destroyed) this.#onBodyOver();
  }

  #listen(): void {
    const { request, response } = this.#visit;
    if (expectsContinue(request)) response.writeContinue(); // [H-11]
    request.on("data", this.#onData);
    request.once("end", this.#onEnd);
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#waiting.push(...this.#cutter.push(bytes, performance.now()));
    this.#pump();
  };

  readonly #onEnd = (): void => {
    this.#waiting.push(...this.#cutter.end(performance.now()));
    this.#isComplete = true;
    this.#pump();
  };

  readonly #onBodyOver = (): void => {
    if (this.#visit.request.complete) return;
    this.#fail(new WireError("aborted", "the request ended before its body did")); // [H-6]
  };

  /** The body was complete, so the stream is whole; only nobody hears what becomes of it. */
  readonly #onClientGone = (): void => {
    this.#isClientGone = true;
    if (this.#hasEnded) this.#forsake();
  };

  /** Sends what there is credit for, and reads on when that is all [H-8]. */
  #pump(): void {
    const { request } = this.#visit;
    clearTimeout(this.#silence);
    for (let cut = this.#waiting[0]; cut !== undefined; cut = this.#waiting[0]) {
      if (this.#settle === null) return;
      if (this.#offset + cut.payload.length > this.#credit) {
        request.pause();
        return;
      }
      this.#waiting.shift();
      this.#put(cut);
    }
    if (this.#settle === null) return;
    // Later: a chunk may wait its turn in the exchange, and only then be told that there is no room for it.
    if (this.#isComplete) queueMicrotask(this.#finish);
    else {
      if (request.isPaused()) request.resume();
      this.#watchSilence();
    }
  }

  #put(cut: Cut): void {
    const chunk = encodeChunk(this.#stream, this.#offset, cut.flags, cut.payload);
    this.#offset = chunk.end;
    this.#end.put(chunk);
  }

  /** While it is paused its end is held back, so that it can still abort. */
  readonly #finish = (): void => {
    if (this.#settle === null || this.#hasEnded || this.#isPaused) return;
    this.#hasEnded = true;
    if (this.#options.sync) this.#armTimeout(`nobody has taken all that was sent; it stays in ${this.#pipe}`);
    this.#put({ payload: new Uint8Array(0), flags: this.#cutter.endFlags });
    if (this.#isClientGone) this.#forsake();
  };

  /** Sees to it that what is held does not wait for longer than it may [H-7]. */
  #watchSilence(): void {
    const { deadlineMs } = this.#cutter;
    if (deadlineMs === null) return;
    this.#silence = setTimeout(
      () => {
        this.#waiting.push(...this.#cutter.tick(performance.now()));
        this.#pump();
      },
      Math.max(0, Math.ceil(deadlineMs - performance.now())),
    );
  }

  /** There is no room [H-9]. */
  #pause(): void {
    this.#isPaused = true;
    const why = `the satellite is full and nobody reads ${this.#pipe}`;
    if (this.#options.timeoutMs !== null) this.#armTimeout(`${why}: the stream is aborted`);
    else if (!this.#options.waits) {
      this.#fail(new WireError("full", `${why}: the stream is aborted; with ?wait it would wait for room`));
    }
  }

  #armTimeout(sentence: string): void {
    clearTimeout(this.#timeout);
    const { timeoutMs } = this.#options;
    if (timeoutMs === null) return;
    const error = new WireError("timeout", `${sentence} (timeout=${formatDuration(timeoutMs)})`);
    this.#timeout = setTimeout(() => this.#fail(error), timeoutMs);
  }

  #forsake(): void {
    if (!this.#isRemembered) this.#fail(new WireError("aborted", "the client has gone"));
  }

  #succeedIfDone(): void {
    if (!this.#isEndSafe || (this.#options.sync && !this.#isTaken)) return;
    const settle = this.#settle;
    this.#settle = null;
    this.#close();
    settle?.succeed({ stream: this.#stream, bytes: this.#offset });
  }

  #fail(error: WireError): void {
    const settle = this.#settle;
    if (settle === null) return;
    this.#settle = null; // what the satellite says of the abort is no news
    if (!this.#hasEnded) {
      this.#end.say({ type: "abort", ref: REF, reason: error.code === "aborted" ? CUT_OFF : REFUSED });
    }
    this.#close();
    settle.fail(error);
  }

  /** It is over: nothing is listened to any more. */
  #close(): void {
    const { request, response } = this.#visit;
    clearTimeout(this.#silence);
    clearTimeout(this.#timeout);
    request.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onBodyOver);
    response.off("close", this.#onClientGone);
    this.#end.bye();
  }

  get #pipe(): string {
    return pipeCalled(this.#visit.pipe);
  }
}
