/** One reader in the page: a delivery that is kept, or a tap that is looked at. */
import { type Chunk, Flag, hasFlag } from "../../../wire/frame.ts";
import { limits } from "../../../wire/limits.ts";
import {
  PositionState,
  type Read,
  type ReaderPosition,
  type SatelliteMessage,
  type StreamBegins,
} from "../../../wire/messages.ts";
import { type Ending, Opening, type OpeningOptions, type Sink } from "./opening.ts";
import type { Attachment, Session, Voice } from "./session.ts";

interface Inflow {
  readonly info: StreamBegins;
  received: number;
  acked: number;
  state: (typeof PositionState)[keyof typeof PositionState];
}

/** Reads. The answer is what stops it: what was not acknowledged stays in the pipe. */
export function read(
  session: Session,
  mode: "plain" | "tap",
  options: OpeningOptions,
  sink: Sink,
): () => void {
  const opening = new Opening(sink, options);
  const reader = session.attach((voice) => new Download(voice, options.pipe, mode, opening));
  return () => reader.stop();
}

class Download implements Attachment {
  readonly #voice: Voice;
  readonly #pipe: string;
  readonly #mode: "plain" | "tap";
  readonly #sink: Opening;
  readonly #streams = new Map<number, Inflow>();
  /** What is done one after the other. */
  #work: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(voice: Voice, pipe: string, mode: "plain" | "tap", sink: Opening) {
    this.#voice = voice;
    this.#pipe = pipe;
    this.#mode = mode;
    this.#sink = sink;
  }

  request(ref: number): Read {
    return { type: "read", ref, pipe: this.#pipe, mode: this.#mode };
  }

  reader(ref: number): ReaderPosition {
    const streams = [...this.#streams].map<ReaderPosition["streams"][number]>(
      ([id, { received, acked, state }]) => [id, received, acked, state],
    );
    return { ref, streams };
  }

  lost(): void {
    this.#fail("The connection was away for too long. What had not arrived is still in the pipe.");
  }

  heard(message: SatelliteMessage): void {
    switch (message.type) {
      case "stream":
        this.#begin(message);
        break;
      case "withdrawn":
        this.#streams.delete(message.stream);
        break;
      case "gap": {
        const inflow = this.#streams.get(message.stream);
        if (inflow) inflow.received = message.offset;
        this.#sink.gap();
        break;
      }
      case "aborted":
        this.#end(message.stream, message.offset, {
          cause: message.reason ?? message.code,
          isAborted: true,
        });
        break;
      case "done":
        this.#then(() => this.#finish());
        break;
      case "error":
        this.#voice.release();
        this.#fail(message.message);
        break;
      default:
    }
  }

  took(chunk: Chunk): boolean {
    const inflow = this.#streams.get(chunk.stream);
    if (inflow === undefined) return false;
    const isFinal = hasFlag(chunk, Flag.final);
    if (inflow.state === PositionState.ended || (chunk.end <= inflow.received && !isFinal)) return true;
    if (chunk.end > inflow.received) {
      inflow.received = chunk.end;
      inflow.state = hasFlag(chunk, Flag.boundary) ? PositionState.inside : PositionState.midLine;
      this.#then(async () => {
        await this.#sink.write(chunk, inflow.info);
        this.#ack(inflow, chunk.end, false);
      });
    }
    const cause = hasFlag(chunk, Flag.interrupted) ? "its writer was interrupted" : null;
    if (isFinal) this.#end(chunk.stream, chunk.end, { cause, isAborted: false });
    return true;
  }

  stop(): void {
    this.#leave("Stopped. What had not arrived is still in the pipe.");
  }

  #begin(info: StreamBegins): void {
    if (this.#streams.has(info.stream)) return; // told again after a resume [S-4]
    const { offset } = info;
    this.#streams.set(info.stream, { info, received: offset, acked: offset, state: PositionState.inside });
    this.#forgetOldest();
    this.#then(() => this.#sink.begin(info));
  }

  /** It is enough to remember so many that have ended. */
  #forgetOldest(): void {
    if (this.#streams.size <= limits.streamsPerReaderMax * 2) return;
    for (const [id, { state }] of this.#streams) {
      if (state !== PositionState.ended) continue;
      this.#streams.delete(id);
      return;
    }
  }

  #end(stream: number, offset: number, ending: Ending): void {
    const inflow = this.#streams.get(stream);
    if (inflow === undefined) return;
    if (inflow.state === PositionState.ended) {
      this.#ack(inflow, offset, true);
      return;
    }
    inflow.state = PositionState.ended;
    this.#then(async () => {
      await this.#sink.end(inflow.info, ending);
      this.#ack(inflow, offset, true);
    });
  }

  #ack(inflow: Inflow, offset: number, isEnd: boolean): void {
    inflow.acked = offset;
    const { ref } = this.#voice;
    this.#voice.say({ type: "ack", ref, stream: inflow.info.stream, offset, ...(isEnd && { end: true }) });
  }

  async #finish(): Promise<void> {
    this.#voice.release();
    await this.#sink.done();
    this.#isOver = true;
  }

  #then(act: () => Promise<void> | void): void {
    this.#work = this.#do(this.#work, act);
  }

  async #do(before: Promise<void>, act: () => Promise<void> | void): Promise<void> {
    await before;
    if (this.#isOver) return;
    try {
      await act();
    } catch (error) {
      this.#leave(error instanceof Error ? error.message : String(error));
    }
  }

  #leave(message: string): void {
    if (this.#isOver) return;
    this.#voice.say({ type: "leave", ref: this.#voice.ref });
    this.#voice.release();
    this.#fail(message);
  }

  #fail(message: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink.failed(message);
  }
}
