/** The reader's end of a pipe: a delivery → stdout or a file. */
import tty from "node:tty";
import { formatDuration } from "../../../satellite/wire/duration.ts";
import { errorTable, WireError } from "../../../satellite/wire/errors.ts";
import type { Mode } from "../../../satellite/wire/messages.ts";
import type { Satellite } from "../../client/connect.ts";
import type {
  DeliveredStream,
  EndCause,
  ReaderOptions,
  Received,
  Receiving,
  Sink,
} from "../../client/types.ts";
import { type Output, openOutput } from "../../terminal/output.ts";
import { Pace, paced } from "../../terminal/pace.ts";
import { Progress } from "../../terminal/progress.ts";
import { onSignal } from "../../terminal/signals.ts";
import { Tagger } from "../../terminal/tag.ts";
import { Teller } from "../../terminal/teller.ts";
import type { WholeFile } from "../../terminal/whole-file.ts";
import { after } from "./deadline.ts";
import { about, exitCodeOf } from "./failure.ts";
import { openPipe } from "./pipe.ts";
import { pipeCalled } from "./pipe-name.ts";
import { type Cause, causeOf, Summary } from "./summary.ts";

export interface ReadOptions {
  pipe: string;
  /** `--satellite` */
  satellite?: string | undefined;
  mode: Exclude<Mode, "peek">;
  /** `--new` */
  fresh?: boolean | undefined;
  tag?: boolean | undefined;
  timeoutMs?: number | undefined;
  /** `-o FILE` */
  file?: string | undefined;
  bytesPerSecond?: number | undefined;
  plain?: boolean | undefined;
  quiet?: boolean | undefined;
  json?: boolean | undefined;
}

const STDOUT = 1;
const LEAVE_MS = 200;

/** Resolves with the exit code. */
export async function readEnd(options: ReadOptions): Promise<number> {
  return new ReadEnd(options).run();
}

class ReadEnd implements Sink {
  readonly borrows = true;
  readonly #options: ReadOptions;
  readonly #teller: Teller;
  readonly #progress: Progress;
  readonly #summary: Summary;
  readonly #tagger: Tagger | null;
  readonly #pace: Pace | null;
  #satellite: Satellite | null = null;
  #receiving: Receiving | null = null;
  #file: WholeFile | null = null;
  #output: Output | null = null;
  /** The exit code of the signal that stopped us. */
  #stopped: number | null = null;
  #isTimedOut = false;
  #isInterrupted = false;
  #cancelTimeout: () => void = () => undefined;
  #setLeft: (received: Received) => void = () => undefined;
  readonly #left = new Promise<Received>((resolve) => {
    this.#setLeft = resolve;
  });

  constructor(options: ReadOptions) {
    this.#options = options;
    this.#teller = new Teller(options);
    this.#progress = new Progress(this.#teller, `waiting for a writer of ${pipeCalled(options.pipe)} …`);
    this.#summary = new Summary(options.pipe);
    this.#tagger = options.tag === true ? new Tagger() : null;
    this.#pace = options.bytesPerSecond === undefined ? null : new Pace(options.bytesPerSecond);
  }

  async run(): Promise<number> {
    const offSignal = onSignal((exitCode) => this.#stop(exitCode));
    let cause: Cause;
    let failure: Error | undefined;
    try {
      cause = await this.#receive();
    } catch (error) {
      failure = about(this.#options.pipe, error);
      cause = causeOf(error);
    }
    offSignal();
    this.#cancelTimeout();
    this.#progress.stop();
    await this.#file?.discard();
    await this.#satellite?.close();
    this.#summary.bytes = this.#progress.bytes;
    if (this.#options.json === true) this.#summary.tell(this.#teller, cause, failure);
    else if (failure !== undefined) throw failure;
    if (failure !== undefined) return exitCodeOf(failure);
    return this.#stopped ?? (cause === "aborted" ? errorTable.aborted.exit : 0);
  }

  async #receive(): Promise<Cause> {
    const { file, pipe, mode, fresh, plain = false, timeoutMs } = this.#options;
    // What can't be written must not be taken.
    if (file !== undefined) {
      const whole = await import("../../terminal/whole-file.ts");
      this.#file = await whole.WholeFile.create(file);
    }
    this.#output = this.#file ?? openOutput(STDOUT);
    const opened = await openPipe(this.#teller, pipe, "read", this.#options.satellite);
    this.#satellite = opened.satellite;
    this.#progress.start();
    const readerOptions: ReaderOptions = { mode, plain, ...(fresh === undefined ? {} : { fresh }) };
    this.#receiving = opened.satellite.receive(opened.pipe, readerOptions, this);
    if (timeoutMs !== undefined) this.#cancelTimeout = after(timeoutMs, () => this.#timeOut());
    const { aborted } = await Promise.race([this.#receiving.done, this.#left]);
    if (this.#stopped !== null) return "interrupted";
    if (this.#isTimedOut) throw this.#timedOut(timeoutMs ?? 0);
    if (aborted) return "aborted";
    await this.#file?.commit();
    return this.#isInterrupted ? "interrupted" : "eof";
  }

  begin(stream: DeliveredStream): void {
    this.#summary.streams++;
    // Of several streams nobody knows how many there will be.
    this.#progress.expect(this.#summary.streams === 1 ? (stream.size ?? null) : null);
    if (stream.sealedBy === "link") {
      this.#teller.note(
        `a stream on ${pipeCalled(this.#options.pipe)} was sealed with a link that only writes: it may be from anybody ` +
          "who has that",
      );
    }
  }

  withdrawn(): void {
    this.#summary.streams--;
  }

  chunk(stream: DeliveredStream, bytes: Uint8Array): void | Promise<void> {
    this.#cancelTimeout();
    // What arrives on a terminal is progress enough, and a status line would stand in the middle of it.
    if (this.#progress.bytes === 0 && this.#file === null && tty.isatty(STDOUT)) this.#progress.stop();
    this.#progress.add(bytes.length);
    const isTagged = this.#tagger !== null && stream.kind !== "binary";
    return this.#put(isTagged ? this.#tagger.tag(stream, bytes) : bytes);
  }

  async end(stream: DeliveredStream, cause: EndCause, reason?: string): Promise<void> {
    this.#cancelTimeout();
    this.#tagger?.end(stream);
    const from = stream.host === undefined ? "" : ` from ${stream.host}`;
    const called = pipeCalled(this.#options.pipe);
    if (cause === "aborted") {
      const why = reason === undefined || reason === "" ? "its writer was lost" : reason;
      this.#teller.say(`the stream${from} on ${called} is not complete: ${why}`);
    } else if (cause === "interrupted") {
      this.#isInterrupted = true;
      this.#teller.note(`the writer${from} of ${called} was interrupted; all that it had sent is here`);
    }
    if (cause !== "aborted") await this.#file?.sync();
  }

  gap(_stream: DeliveredStream, from: number, to: number): void {
    const bytes = `${to - from} bytes of ${pipeCalled(this.#options.pipe)}`;
    const isTap = this.#options.mode === "tap";
    this.#teller.note(
      isTap
        ? `this tap was too slow, and missed ${bytes}`
        : `${bytes} went to others while this reader was away`,
    );
  }

  #put(bytes: Uint8Array): void | Promise<void> {
    const output = this.#output;
    if (output === null) return;
    if (this.#pace === null) return output.write(bytes);
    return paced(this.#pace, bytes, (piece) => output.write(piece));
  }

  #timedOut(timeoutMs: number): WireError {
    const called = pipeCalled(this.#options.pipe);
    return new WireError(
      "timeout",
      `nothing has begun to arrive from ${called} within ${formatDuration(timeoutMs)}`,
    );
  }

  #timeOut(): void {
    this.#isTimedOut = true;
    this.#leave();
  }

  /** What was not written out stays in the pipe. */
  #stop(exitCode: number): void {
    this.#stopped = exitCode;
    if (this.#receiving === null) process.exit(exitCode);
    this.#leave();
  }

  /** Waits for the satellite to know, but not long: an output that takes nothing may hold up its answer. */
  #leave(): void {
    const late = new Promise<void>((resolve) => setTimeout(resolve, LEAVE_MS));
    const left = Promise.race([this.#receiving?.leave(), late]);
    left.then(() => this.#setLeft({ aborted: false })).catch(() => undefined); // `done` tells
  }
}
