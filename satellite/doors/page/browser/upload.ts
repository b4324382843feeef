/** One stream from the page into a pipe: a file, or a text. */
import { encodeChunk } from "../../../wire/encode.ts";
import { Flag, HEADER_BYTES } from "../../../wire/frame.ts";
import type { Open, Opened, SatelliteMessage, WriterAck, WriterPosition } from "../../../wire/messages.ts";
import type { Sealer } from "./seal.ts";
import type { Attachment, Session, Voice } from "./session.ts";
import type { Source } from "./sources.ts";

export interface UploadEvents {
  /** So many bytes are safe. `isFull`: the satellite has no room, and waits for a reader. */
  progress(safeBytes: number, isFull: boolean): void;
  /** Every byte and the end are safe. */
  done(): void;
  failed(message: string): void;
}

/** Sends it. The answer is what stops it: the stream is aborted then. */
export function upload(
  session: Session,
  pipe: string,
  source: Source,
  sealer: Sealer | null,
  events: UploadEvents,
): () => void {
  const writer = session.attach((voice) => new Upload(voice, pipe, source, sealer, events));
  return () => writer.stop();
}

/** A chunk as it was made: a sealed one is never made twice [Z-7]. */
interface Made {
  readonly end: number;
  readonly frame: Uint8Array;
}

class Upload implements Attachment {
  readonly #voice: Voice;
  readonly #pipe: string;
  readonly #source: Source;
  readonly #sealer: Sealer | null;
  readonly #events: UploadEvents;
  #safe = 0;
  #stream = 0;
  /** What was made and is not safe, in order [W-3]. */
  #made: Made[] = [];
  /** How much of that was sent over this connection. */
  #sentCount = 0;
  #madeBytes = 0;
  #madeCount = 0;
  #credit = 0;
  #isOver = false;
  /** Of the pump that runs: one that was overtaken by a resume sends nothing more. */
  #turn = 0;
  #isPumping = false;

  constructor(voice: Voice, pipe: string, source: Source, sealer: Sealer | null, events: UploadEvents) {
    this.#voice = voice;
    this.#pipe = pipe;
    this.#source = source;
    this.#sealer = sealer;
    this.#events = events;
  }

  request(ref: number): Open {
    const { kind, info } = this.#source;
    const about = this.#sealer === null ? info : { sealed: this.#sealer.sealed };
    return { type: "open", ref, pipe: this.#pipe, kind, ...about };
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
    this.#sentCount = this.#made.filter(({ end }) => end <= received).length;
    this.#credit = credit;
    this.#turn++;
    this.#isPumping = false;
    void this.#pump(this.#turn);
  }

  #acked({ offset, credit, end }: WriterAck): void {
    this.#safe = Math.max(this.#safe, offset);
    this.#forget();
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
      while (turn === this.#turn && !this.#isOver) {
        const next = this.#made[this.#sentCount] ?? (await this.#make(turn));
        if (next === null || turn !== this.#turn || this.#isOver || next.end > this.#credit) break; // [W-2]
        this.#voice.send(next.frame);
        this.#sentCount++;
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#abort("the file can't be read", `The file can't be read: ${why}`);
    } finally {
      if (turn === this.#turn) this.#isPumping = false;
    }
  }

  /** The next chunk; `null`: there is none, or a resume came between. */
  async #make(turn: number): Promise<Made | null> {
    const index = this.#madeCount;
    if (index === this.#source.count) return null;
    const { payload, flags } = await this.#source.chunk(index);
    if (turn !== this.#turn) return null;
    const all = flags | (index === this.#source.count - 1 ? Flag.final : 0);
    const offset = this.#madeBytes;
    const frame = encodeChunk(this.#stream, offset, all, payload).frame;
    const sent = this.#sealer === null ? frame : await this.#sealer.seal(frame, offset);
    if (turn !== this.#turn) return null;
    const made = { end: offset + sent.length - HEADER_BYTES, frame: sent };
    this.#made.push(made);
    this.#madeBytes = made.end;
    this.#madeCount++;
    return made;
  }

  /** An empty end is as safe as what is before it, and still wanted until it is acknowledged. */
  #forget(): void {
    const isSafe = ({ end, frame }: Made): boolean => end <= this.#safe && frame.length > HEADER_BYTES;
    while (this.#made[0] !== undefined && this.#sentCount > 0 && isSafe(this.#made[0])) {
      this.#made.shift();
      this.#sentCount--;
    }
  }
}
