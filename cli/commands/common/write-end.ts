/** The writer's end of a pipe: stdin or a file → a stream. */
import os from "node:os";
import { formatDuration } from "../../../satellite/wire/duration.ts";
import { WireError } from "../../../satellite/wire/errors.ts";
import type { Kind } from "../../../satellite/wire/messages.ts";
import type { Satellite } from "../../client/connect.ts";
import type { WriterOptions } from "../../client/types.ts";
import type { PipeWriter } from "../../client/writer.ts";
import { EXIT_FAILED, Exit, systemCode, systemReason } from "../../terminal/exit.ts";
import { type Beginning, readFirstBlock } from "../../terminal/first-block.ts";
import { type Input, openInput } from "../../terminal/input.ts";
import { Pace, paced } from "../../terminal/pace.ts";
import { Progress } from "../../terminal/progress.ts";
import { onSignal, signalsAreHandled } from "../../terminal/signals.ts";
import type { Source } from "../../terminal/stdin.ts";
import { Teller } from "../../terminal/teller.ts";
import { after } from "./deadline.ts";
import { about, asError, exitCodeOf } from "./failure.ts";
import { openPipe } from "./pipe.ts";
import { pipeCalled, typed } from "./pipe-name.ts";
import { type Cause, causeOf, Summary } from "./summary.ts";

export interface WriteOptions {
  pipe: string;
  /** `--satellite` */
  satellite?: string | undefined;
  source: Source;
  /** `--whole` or `--lines`; else the source and the first block decide. */
  kind?: Kind | undefined;
  sync?: boolean | undefined;
  ttlMs?: number | undefined;
  timeoutMs?: number | undefined;
  bytesPerSecond?: number | undefined;
  plain?: boolean | undefined;
  quiet?: boolean | undefined;
  json?: boolean | undefined;
  /** Opens no stream, and exits 2, when the input is empty. */
  refusesEmpty?: boolean;
}

/** How long after an interrupt it is silent about what it still waits for. */
const FINISHING_MS = 1000;
/** PROTOCOL.md §4, of `host` and `name`. */
const INFO_BYTES_MAX = 255;

/** Resolves with the exit code. */
export async function writeEnd(options: WriteOptions): Promise<number> {
  return new WriteEnd(options).run();
}

class WriteEnd {
  readonly #options: WriteOptions;
  readonly #teller: Teller;
  readonly #progress: Progress;
  readonly #summary: Summary;
  readonly #input: Input;
  #satellite: Satellite | null = null;
  #writer: PipeWriter | null = null;
  /** The exit code of the signal that stopped us. */
  #stopped: number | null = null;
  /** Why we aborted the stream. */
  #failure: Error | null = null;
  #cancelTimeout: () => void = () => undefined;

  constructor(options: WriteOptions) {
    this.#options = options;
    this.#teller = new Teller(options);
    this.#input = openInput(options.source);
    this.#summary = new Summary(options.pipe);
    this.#progress = new Progress(this.#teller, `waiting for input to send to ${pipeCalled(options.pipe)} …`);
    this.#progress.expect(options.source.size ?? null);
  }

  async run(): Promise<number> {
    const offSignal = onSignal((exitCode) => this.#stop(exitCode));
    let cause: Cause;
    let failure: Error | undefined;
    try {
      await this.#send();
      cause = this.#stopped === null ? "eof" : "interrupted";
    } catch (error) {
      // What follows from our own end is not what ended us.
      if (this.#stopped === null) failure = this.#failure ?? about(this.#options.pipe, error);
      cause = this.#stopped === null ? causeOf(failure) : "aborted";
    }
    offSignal();
    this.#cancelTimeout();
    this.#progress.stop();
    await this.#satellite?.close();
    this.#summary.bytes = this.#progress.bytes;
    if (this.#options.json === true) this.#summary.tell(this.#teller, cause, failure);
    else if (failure !== undefined) throw failure;
    return this.#stopped ?? (failure === undefined ? 0 : exitCodeOf(failure));
  }

  async #send(): Promise<void> {
    const { pipe, satellite } = this.#options;
    const connecting = openPipe(this.#teller, pipe, "open", satellite);
    const early = this.#options.refusesEmpty === true ? this.#readUnlessEmpty() : null;
    for (const promise of [connecting, early]) promise?.catch(() => undefined); // awaited one after the other
    await Promise.race(early === null ? [connecting] : [connecting, early]);
    const opened = await connecting;
    this.#satellite = opened.satellite;
    const first = await early;
    const writer = opened.satellite.writer(opened.pipe, writerOptions(this.#options));
    this.#writer = writer;
    this.#summary.streams = 1;
    const finished = this.#watch(writer);
    finished.catch(() => this.#input.close());
    if (this.#options.source.kind !== "terminal") this.#progress.start(); // what is typed is progress enough
    await this.#pump(writer, first);
    await finished;
  }

  async #readUnlessEmpty(): Promise<Beginning> {
    const first = await readFirstBlock(this.#input);
    if (first.bytes.length > 0) return first;
    const name = typed(this.#options.pipe);
    throw new WireError(
      "usage",
      `stdin is empty and there is no terminal, so it may be an accident: say skypipe send${name} to send an empty ` +
        `stream, or skypipe recv${name} to read`,
    );
  }

  /** Resolves when the stream's end is safe. */
  async #watch(writer: PipeWriter): Promise<void> {
    const called = pipeCalled(this.#options.pipe);
    let isTold = false;
    writer.on("pause", () => {
      if (!isTold) this.#teller.note(`waiting: the satellite is full and nobody reads ${called}`);
      isTold = true;
      this.#armTimeout(`the satellite is full and nobody reads ${called}: the stream is aborted`);
    });
    writer.on("continue", () => this.#cancelTimeout());
    await new Promise<void>((resolve, reject) => {
      writer.on("finish", resolve);
      writer.on("error", reject);
      writer.on("close", () => reject(new Exit(EXIT_FAILED, `the stream to ${called} was closed`)));
    });
  }

  async #pump(writer: PipeWriter, early: Beginning | null): Promise<void> {
    const { bytesPerSecond } = this.#options;
    const pace = bytesPerSecond === undefined ? null : new Pace(bytesPerSecond);
    try {
      const first = early ?? (await readFirstBlock(this.#input));
      if (writer.kind === undefined && first.bytes.length > 0) {
        writer.kind = first.kind;
      }
      let block: Uint8Array | null = first.bytes;
      let pending = first.pending;
      while (block !== null && !writer.destroyed) {
        if (pace === null) await this.#put(writer, block);
        else
          await paced(
            pace,
            block,
            (piece) => this.#put(writer, piece),
            () => this.#stopped !== null,
          );
        if (writer.writableLength === 0) this.#input.giveBack(block); // what was written is copied
        block = await (pending ?? this.#input.read());
        pending = null;
      }
    } catch (error) {
      this.#abort(cannotRead(error));
    }
    // Ctrl-C ends the command before us in the pipeline too: by its EOF alone, half a file would pass for a whole one.
    await signalsAreHandled();
    if (writer.destroyed) return;
    if (this.#stopped === null) this.#end(writer);
    else writer.interrupt();
  }

  #put(writer: PipeWriter, bytes: Uint8Array): void | Promise<void> {
    if (bytes.length === 0 || writer.destroyed) return;
    this.#progress.add(bytes.length);
    if (writer.write(bytes)) return;
    return new Promise((resolve) => {
      const done = (): void => {
        writer.removeListener("drain", done);
        writer.removeListener("close", done);
        resolve();
      };
      writer.on("drain", done);
      writer.on("close", done);
    });
  }

  #end(writer: PipeWriter): void {
    writer.end();
    if (this.#options.sync !== true) return;
    const called = pipeCalled(this.#options.pipe);
    this.#progress.wait(`waiting for a reader of ${called} …`);
    this.#armTimeout(`nobody has taken all that was sent; it stays in ${called}`);
  }

  #armTimeout(sentence: string): void {
    this.#cancelTimeout();
    const { timeoutMs } = this.#options;
    if (timeoutMs === undefined) return;
    this.#cancelTimeout = after(timeoutMs, () => {
      this.#abort(new WireError("timeout", `${sentence} (--timeout ${formatDuration(timeoutMs)})`));
    });
  }

  #abort(failure: Error): void {
    this.#failure = failure;
    this.#writer?.destroy();
    this.#input.close();
  }

  /** A text stream ends, interrupted, when what was read is safe; a binary one is aborted. */
  #stop(exitCode: number): void {
    if (this.#writer === null) process.exit(exitCode);
    this.#stopped = exitCode;
    if (this.#writer.kind === "binary") this.#writer.destroy();
    this.#input.close();
    setTimeout(() => {
      this.#teller.note("waiting until what was sent is safe; once more to stop at once");
    }, FINISHING_MS).unref();
  }
}

function writerOptions({ kind, source, sync, ttlMs, plain }: WriteOptions): WriterOptions {
  const known = kind ?? (source.kind === "file" ? "binary" : undefined);
  return {
    host: fitting(os.hostname()),
    ...(known === undefined ? {} : { kind: known }),
    ...(source.size === undefined ? {} : { size: source.size }),
    ...(source.name === undefined ? {} : { name: fitting(source.name) }),
    ...(sync === undefined ? {} : { sync }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(plain === undefined ? {} : { plain }),
  };
}

function fitting(text: string): string {
  const letters = Array.from(text);
  while (Buffer.byteLength(letters.join("")) > INFO_BYTES_MAX) letters.pop();
  return letters.join("");
}

function cannotRead(error: unknown): Error {
  if (systemCode(error) === "") return asError(error);
  const message = `cannot read the input: ${systemReason(error)}; the stream is aborted`;
  return new Exit(EXIT_FAILED, message, { cause: error });
}
