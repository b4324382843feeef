/** One stream from the page into a pipe: a file, or a text. */
import { encodeChunk } from "../../../wire/encode.ts";
import { Flag } from "../../../wire/frame.ts";
import type { StreamInfo } from "../../../wire/messages.ts";
import type { Session, Voice } from "./session.ts";

/** What is to be sent, in chunks that are the same whenever they are asked for. */
export interface Source {
  readonly info: StreamInfo;
  /** On the wire, in bytes. */
  readonly size: number;
  /** The chunk that begins at `offset`, and whether a reader may switch streams behind it. */
  chunkAt(offset: number): Promise<{ payload: Uint8Array; flags: number }>;
}

export interface UploadEvents {
  /** So many bytes are safe. `isFull`: the satellite has no room, and waits for a reader. */
  progress(safeBytes: number, isFull: boolean): void;
  /** Every byte and the end are safe. */
  done(): void;
  failed(message: string): void;
}

/** Sends it. The answer is what stops it: the stream is aborted then. */
export function upload(session: Session, pipe: string, source: Source, events: UploadEvents): () => void {
  let stop: () => void = () => {};
  session.attach((voice) => {
    const writer = new Upload(voice, source, events);
    stop = () => writer.stop();
    return {
      request: (ref) => ({ type: "open", ref, pipe, ...source.info }),
      writer: (ref) => ({ ref, from: writer.safe }),
      heard: (message) => {
        switch (message.type) {
          case "opened":
            writer.opened(message.stream, message.received, message.credit);
            break;
          case "ack":
            if ("credit" in message) writer.acked(message.offset, message.credit, message.end === true);
            break;
          case "pause":
          case "continue":
            events.progress(writer.safe, message.type === "pause");
            break;
          case "error":
            voice.release();
            writer.fail(message.message);
            break;
          default:
        }
      },
      lost: () => writer.fail("The connection was away for too long: the stream was aborted. Send it again."),
    };
  });
  return () => stop();
}

class Upload {
  readonly #voice: Voice;
  readonly #source: Source;
  readonly #events: UploadEvents;
  safe = 0;
  #stream = 0;
  #next = 0;
  #credit = 0;
  #isEnded = false;
  #isOver = false;
  /** Of the pump that runs: one that was overtaken by a resume sends nothing more. */
  #turn = 0;
  #isPumping = false;

  constructor(voice: Voice, source: Source, events: UploadEvents) {
    this.#voice = voice;
    this.#source = source;
    this.#events = events;
  }

  opened(stream: number, received: number, credit: number): void {
    this.#stream = stream;
    this.#next = received;
    this.#credit = credit;
    this.#isEnded = false;
    this.#turn++;
    this.#isPumping = false;
    void this.#pump(this.#turn);
  }

  acked(offset: number, credit: number, isEnd: boolean): void {
    this.safe = Math.max(this.safe, offset);
    this.#credit = credit;
    if (isEnd) {
      this.#isOver = true;
      this.#voice.release();
      this.#events.done();
      return;
    }
    this.#events.progress(this.safe, false);
    void this.#pump(this.#turn);
  }

  stop(): void {
    if (this.#isOver) return;
    this.#voice.say({ type: "abort", ref: this.#voice.ref, reason: "stopped in the browser" });
    this.#voice.release();
    this.fail("Stopped.");
  }

  fail(message: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.failed(message);
  }

  async #pump(turn: number): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (turn === this.#turn && !this.#isOver && !this.#isEnded) {
        const { payload, flags } = await this.#source.chunkAt(this.#next);
        if (turn !== this.#turn || this.#isOver) return;
        const end = this.#next + payload.length;
        if (end > this.#credit) break; // [W-2]
        this.#isEnded = end === this.#source.size;
        const final = this.#isEnded ? Flag.final : 0;
        this.#voice.send(encodeChunk(this.#stream, this.#next, flags | final, payload).frame);
        this.#next = end;
      }
    } catch (error) {
      this.#voice.say({ type: "abort", ref: this.#voice.ref, reason: "the file can't be read" });
      this.#voice.release();
      this.fail(`The file can't be read: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      if (turn === this.#turn) this.#isPumping = false;
    }
  }
}
