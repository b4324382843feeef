import type { WireError } from "../../satellite/wire/errors.ts";
import type { Chunk } from "../../satellite/wire/frame.ts";
import type { ReaderPosition, SatelliteMessage, WriterPosition } from "../../satellite/wire/messages.ts";
import type { Attachment, Greeting, Operation, Port } from "./effects.ts";
import { Incoming } from "./incoming.ts";
import { Inquiry } from "./inquiry.ts";
import { Outgoing } from "./outgoing.ts";

/** What the satellite says to one writer, reader or question. */
type Addressed = Extract<SatelliteMessage, { ref?: number }>;

/** The writers, readers and questions of one session, by `ref`. Each is forgotten when it is over. */
export class Attachments {
  readonly #port: Port;
  readonly #byRef = new Map<number, Attachment>();
  /** Why the session is over. */
  #error: WireError | null = null;

  constructor(port: Port) {
    this.#port = port;
  }

  /** Whether one of them waits for an answer. */
  get busy(): boolean {
    return [...this.#byRef.values()].some(({ busy }) => busy);
  }

  /** Where writers and readers stand, for `hello` [S-10]. */
  positions(): { writers: WriterPosition[]; readers: ReaderPosition[] } {
    const writers: WriterPosition[] = [];
    const readers: ReaderPosition[] = [];
    for (const attachment of this.#byRef.values()) {
      if (attachment instanceof Incoming) readers.push(attachment.position);
      else if (attachment instanceof Outgoing && attachment.position !== null)
        writers.push(attachment.position);
    }
    return { writers, readers };
  }

  operate(operation: Operation): void {
    switch (operation.type) {
      case "open":
        this.#add(operation.ref, () => new Outgoing(this.#port, operation));
        break;
      case "read":
        this.#add(
          operation.ref,
          () => new Incoming(this.#port, operation.ref, operation.pipe, operation.options),
        );
        break;
      case "ask":
        this.#add(operation.question.ref, () => new Inquiry(this.#port, operation.question));
        break;
      case "write":
        this.#writer(operation.ref, (writer) => writer.write(operation.cuts));
        break;
      case "finish":
        this.#writer(operation.ref, (writer) => writer.finish(operation.interrupted));
        break;
      case "abort":
        this.#writer(operation.ref, (writer) => writer.abort(operation.reason));
        break;
      case "consumed":
        this.#reader(operation.ref, (reader) =>
          reader.consumed(operation.stream, operation.offset, operation.end, operation.notices),
        );
        break;
      case "leave":
        this.#reader(operation.ref, (reader) => reader.leave());
        break;
    }
  }

  route(message: Addressed): void {
    const { type, ref } = message;
    if (ref === undefined) return;
    const attachment = this.#byRef.get(ref);
    if (attachment === undefined) this.#unknown(type, ref);
    else this.#with(ref, attachment, () => attachment.receive(message));
  }

  /** A chunk of a stream that no reader has begun is of one that has left, and dropped. */
  chunk(chunk: Chunk): void {
    for (const [ref, attachment] of this.#byRef) {
      if (!(attachment instanceof Incoming) || !attachment.has(chunk.stream)) continue;
      this.#with(ref, attachment, () => attachment.receiveChunk(chunk));
      return;
    }
  }

  greeted(greeting: Greeting): void {
    this.#each((attachment) => attachment.greeted(greeting));
  }

  answered(ping: number): void {
    this.#each((attachment) => attachment.answered(ping));
  }

  /** The socket has room. */
  pump(): void {
    this.#each((attachment) => {
      if (attachment instanceof Outgoing) attachment.pump();
    });
  }

  lost(): void {
    this.#each((attachment) => attachment.lost());
  }

  graceOver(): void {
    this.#each((attachment) => attachment.graceOver());
  }

  /** The application closes the session; `error` is for what it begins later. */
  close(error: WireError): void {
    this.#error = error;
    this.#each((attachment) => attachment.close());
  }

  /** The session is over. */
  fail(error: WireError): void {
    this.#error = error;
    for (const ref of this.#byRef.keys()) this.#port.tell({ type: "failed", ref, error });
    this.#byRef.clear();
  }

  #add(ref: number, make: () => Attachment): void {
    if (this.#error === null) this.#byRef.set(ref, make());
    else this.#port.tell({ type: "failed", ref, error: this.#error });
  }

  #writer(ref: number, act: (writer: Outgoing) => void): void {
    const attachment = this.#byRef.get(ref);
    if (attachment instanceof Outgoing) this.#with(ref, attachment, () => act(attachment));
  }

  #reader(ref: number, act: (reader: Incoming) => void): void {
    const attachment = this.#byRef.get(ref);
    if (attachment instanceof Incoming) this.#with(ref, attachment, () => act(attachment));
  }

  #each(act: (attachment: Attachment) => void): void {
    for (const [ref, attachment] of this.#byRef) this.#with(ref, attachment, () => act(attachment));
  }

  #with(ref: number, attachment: Attachment, act: () => void): void {
    act();
    if (attachment.isOver) this.#byRef.delete(ref);
    else if (attachment.busy) this.#port.hurry();
  }

  /** What was said last of it has not arrived: the satellite still knows it. */
  #unknown(type: Addressed["type"], ref: number): void {
    if (type === "opened") {
      this.#port.send({ type: "abort", ref }); // ignored where all of it is safe
      this.#port.send({ type: "release", ref });
    } else if (type === "attached") {
      this.#port.send({ type: "leave", ref });
    }
  }
}
