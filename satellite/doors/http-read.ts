/** `GET` of a pipe: one delivery is the body of the response [H-13]. */
import type { OutgoingHttpHeaders } from "node:http";
import { formatDuration } from "../wire/duration.ts";
import { WireError } from "../wire/errors.ts";
import { type Chunk, Flag, hasFlag, payloadOf } from "../wire/frame.ts";
import type { SatelliteMessage, StreamBegins } from "../wire/messages.ts";
import { accepts, HEADERS } from "./answer.ts";
import { Drain } from "./drain.ts";
import { EVENT_HEADERS, eventOf, eventsOf } from "./events.ts";
import { type Ears, errorOf, InnerEnd } from "./inner-end.ts";
import { HEADERS_FOR_ANYTHING, headersFor } from "./labels.ts";
import { endAndWatch, endGently } from "./leaving.ts";
import { type ReadOptions, readOptions } from "./parameters.ts";
import { type PipeVisit, pipeCalled } from "./visit.ts";

const REF = 1;
/**
 * How the connection is closed, or used again, tells whether a response was read [H-14], so it is not kept for long.
 * `close` would say that too, but undici, the `fetch` of Node, then takes a response that is cut off for whole.
 */
const KEEPS_SHORTLY: OutgoingHttpHeaders = { connection: "keep-alive", "keep-alive": "timeout=1" };

/** How long what was there before may take to be offered: until the response begins it can be refused [H-13] [H-19]. */
const OFFER_MS = 100;

/** Resolves when the response is over, however it ended. Throws WireError for what kept it from beginning. */
export async function readPipe(visit: PipeVisit): Promise<null> {
  await new Reading(visit, readOptions(visit.query)).over;
  return null;
}

/** Why a stream is not for a reader over HTTP; `null` if it is [H-18] [H-19]. */
export function refusalOfStream(stream: StreamBegins, asEvents: boolean): WireError | null {
  if (stream.sealed !== undefined) {
    return new WireError("forbidden", "this stream is encrypted: read it with skypipe, which has its key");
  }
  if (asEvents && stream.kind === "binary") {
    return new WireError(
      "forbidden",
      "this stream is binary, and events are lines of text: read it without them",
    );
  }
  return null;
}

interface Settle {
  end(): void;
  fail(error: WireError): void;
}

/** One response on its way. */
class Reading implements Ears {
  readonly over: Promise<void>;
  readonly #visit: PipeVisit;
  readonly #options: ReadOptions;
  readonly #asEvents: boolean;
  readonly #end: InnerEnd;
  readonly #drain: Drain;
  readonly #streams: Map<number, StreamBegins> = new Map();
  #settle: Settle | null = null;
  #hasBegun = false;
  #isAborted = false;
  /** The whole response is written; the end of this stream, which is alone, waits for the client to close [H-14]. */
  #last: { stream: number; offset: number } | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(visit: PipeVisit, options: ReadOptions) {
    this.#visit = visit;
    this.#options = options;
    this.#asEvents = accepts(visit.request.headers.accept, "text/event-stream");
    this.#end = new InnerEnd(visit.desk, this);
    this.#drain = new Drain(visit.response, visit.desk.limits.sendQueueBytesMax, {
      ack: (stream, offset, end) => {
        this.#end.say({ type: "ack", ref: REF, stream, offset, ...(end && { end }) });
      },
      congest: (type) => this.#end.congest(type),
    });
    this.over = new Promise((end, fail) => {
      this.#settle = { end, fail };
    });
    this.#open();
  }

  hear(message: SatelliteMessage): void {
    switch (message.type) {
      case "attached":
        if (this.#isEndless) this.#timer ??= setTimeout(() => this.#begin(HEADERS_FOR_ANYTHING), OFFER_MS);
        break;
      case "stream":
        this.#offer(message);
        break;
      case "withdrawn":
        this.#streams.delete(message.stream);
        break;
      case "aborted":
        this.#begin(this.#headersOf(message.stream));
        this.#isAborted = true;
        this.#streams.delete(message.stream);
        this.#drain.end(message.stream, message.offset);
        break;
      case "done":
        this.#finish();
        break;
      case "error":
        this.#fail(errorOf(message));
        break;
      default: // a gap has no place in a body; only writers are told of the rest
    }
  }

  take(chunk: Chunk): void {
    if (this.#settle === null) return;
    this.#begin(this.#headersOf(chunk.stream));
    const bytes = payloadOf(chunk);
    if (bytes.length > 0) this.#drain.write(chunk, this.#asEvents ? eventsOf(bytes) : bytes);
    if (!hasFlag(chunk, Flag.final)) return;
    if (this.#streams.get(chunk.stream)?.alone === true) this.#finishAlone(chunk.stream, chunk.end);
    else this.#drain.end(chunk.stream, chunk.end);
    this.#streams.delete(chunk.stream);
  }

  lost(error: WireError): void {
    this.#fail(error);
  }

  /** A follower and a tap go on until they are stopped. */
  get #isEndless(): boolean {
    return this.#options.mode === "follow" || this.#options.mode === "tap";
  }

  #open(): void {
    const { request, rights, pipe } = this.#visit;
    const { mode, fresh, timeoutMs } = this.#options;
    request.socket.once("close", this.#onClosed);
    request.resume(); // a body has no meaning here
    if (timeoutMs !== null) this.#timer = setTimeout(() => this.#timeOut(timeoutMs), timeoutMs);
    this.#end.begin(rights);
    this.#end.say({ type: "read", ref: REF, pipe, mode, ...(fresh && { fresh }) });
    if (request.socket.destroyed) this.#onClosed(false);
  }

  #offer(stream: StreamBegins): void {
    const refusal = refusalOfStream(stream, this.#asEvents);
    if (refusal === null) this.#streams.set(stream.stream, stream);
    else this.#fail(refusal); // what was not acknowledged stays
  }

  #headersOf(stream: number): OutgoingHttpHeaders {
    const begins = this.#streams.get(stream);
    return this.#isEndless || begins === undefined ? HEADERS_FOR_ANYTHING : headersFor(begins);
  }

  #begin(headers: OutgoingHttpHeaders): void {
    clearTimeout(this.#timer);
    if (this.#hasBegun || this.#settle === null) return;
    this.#hasBegun = true;
    const { response } = this.#visit;
    response.writeHead(200, {
      ...HEADERS,
      ...(this.#asEvents ? EVENT_HEADERS : headers),
      ...(response.shouldKeepAlive && KEEPS_SHORTLY),
      "x-accel-buffering": "no",
    });
    response.flushHeaders();
  }

  /** The delivery is complete, and every end of it acknowledged. */
  #finish(): void {
    if (this.#last !== null) return this.#settled()?.end();
    this.#begin(HEADERS_FOR_ANYTHING);
    if (this.#isAborted) return this.#cut();
    if (this.#asEvents) this.#visit.response.write(eventOf("end", "eof"));
    this.#visit.response.end();
    this.#settled()?.end();
  }

  /** Nothing more can come: the response ends before the stream's end is acknowledged [H-14]. */
  #finishAlone(stream: number, offset: number): void {
    const { request, response, desk } = this.#visit;
    this.#last = { stream, offset };
    if (this.#asEvents) response.write(eventOf("end", "eof"));
    endAndWatch(request, response, desk.limits, this.#wasRead);
  }

  readonly #onClosed = (hadError: boolean): void => {
    if (this.#last !== null && !hadError && this.#visit.response.writableFinished) this.#wasRead();
    else this.#settled()?.end(); // what was not acknowledged is there for the next [H-15]
  };

  readonly #wasRead = (): void => {
    if (this.#last !== null) this.#drain.ackEnd(this.#last.stream, this.#last.offset); // `done` follows
  };

  #timeOut(timeoutMs: number): void {
    const { pipe } = this.#visit;
    const sentence = `nothing has begun to arrive from ${pipeCalled(pipe)} within ${formatDuration(timeoutMs)}`;
    this.#fail(new WireError("timeout", sentence)); // [H-16]
  }

  #fail(error: WireError): void {
    if (this.#last !== null)
      this.#settled()?.end(); // the response is whole
    else if (this.#hasBegun) this.#cut();
    else this.#settled()?.fail(error);
  }

  /** Ends the response so that nobody can take it for whole [H-15]. */
  #cut(): void {
    const settle = this.#settled();
    if (settle === null) return;
    const { request, response, desk } = this.#visit;
    if (this.#asEvents) response.write(eventOf("end", "aborted"));
    if (response.chunkedEncoding) endGently(request.socket, desk.limits.refusedMs);
    else request.socket.resetAndDestroy();
    settle.end();
  }

  #settled(): Settle | null {
    const settle = this.#settle;
    this.#settle = null;
    clearTimeout(this.#timer);
    this.#visit.request.socket.off("close", this.#onClosed);
    this.#end.bye();
    return settle;
  }
}
