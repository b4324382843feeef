/** One stream from the page into a pipe: a file, or a text. */
import { encodeChunk } from "../../../wire/encode.ts";
import { Flag } from "../../../wire/frame.ts";
import type {
  Open,
  Opened,
  SatelliteMessage,
  StreamInfo,
  WriterAck,
  WriterPosition,
} from "../../../wire/messages.ts";
import type { Attachment, Session, Voice } from "./session.ts";

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
  const writer = session.attach((voice) => new Upload(voice, pipe, source, events));
  return () => writer.stop();
}

class Upload implements Attachment {
  readonly #voice: Voice;
  readonly #pipe: string;
  readonly #source: Source;
  readonly #events: UploadEvents;
  #safe = 0;
  #stream = 0;
  #next = 0;
  #credit = 0;
  #isEnded = false;
  #isOver = false;
  /** Of the pump that runs: one that was overtaken by a resume sends nothing more. */
  #turn = 0;
  #isPumping = false;

  constructor(voice: Voice, pipe: string, source: Source, events: UploadEvents) {
    this.#voice = voice;
    this.#pipe = pipe;
    this.#source = source;
    this.#events = events;
  }

  request(ref: number): Open {
    return { type: "open", ref, pipe: this.#pipe, ...this.#source.info };
  }

  writer(ref: number): WriterPosition {
    return { ref, from: this.#safe };
  }

  heard(message: SatelliteMessage): void {
    switch (message.type) {
      case "opened":
        this.#opened(message);
        break;
      case "ack":
        this.#acked(message);
        break;
      case "pause":
      case "continue":
        this.#events.progress(this.#safe, message.type === "pause");
        break;
      case "error":
        this.#voice.release();
        this.#fail(message.message);
        break;
      default: // only readers are told of the rest
    }
  }

  lost(): void {
    this.#fail("The connection was away for too long: the stream was aborted. Send it again.");
  }

  stop(): void {
    this.#abort("stopped in the browser", "Stopped.");
  }

  #opened({ stream, received, credit }: Opened): void {
    this.#stream = stream;
    this.#next = received;
    this.#credit = credit;
    this.#isEnded = false;
    this.#turn++;
    this.#isPumping = false;
    void this.#pump(this.#turn);
  }

  #acked({ offset, credit, end }: WriterAck): void {
    this.#safe = Math.max(this.#safe, offset);
    this.#credit = credit;
    if (end === true) {
      this.#isOver = true;
      this.#voice.release();
      this.#events.done();
      return;
    }
    this.#events.progress(this.#safe, false);
    void this.#pump(this.#turn);
  }

  #abort(reason: string, message: string): void {
    if (this.#isOver) return;
    this.#voice.say({ type: "abort", ref: this.#voice.ref, reason });
    this.#voice.release();
    this.#fail(message);
  }

  #fail(message: string): void {
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
      const why = error instanceof Error ? error.message : String(error);
      this.#abort("the file can't be read", `The file can't be read: ${why}`);
    } finally {
      if (turn === this.#turn) this.#isPumping = false;
    }
  }
}
