import { type ErrorCode, WireError } from "../../satellite/wire/errors.ts";
import type { PipeRow, SatelliteMessage, ShareRow } from "../../satellite/wire/messages.ts";
import type { Answer, Attachment, Greeting, Port, Question } from "./effects.ts";
import { codeOf } from "./errors.ts";

/** One question about the satellite. */
export class Inquiry implements Attachment {
  readonly #port: Port;
  readonly #question: Question;
  #rows: PipeRow[] = [];
  #shares: ShareRow[] = [];
  #timesAsked = 0;
  #isOver = false;

  constructor(port: Port, question: Question) {
    this.#port = port;
    this.#question = question;
    if (port.ready) this.#ask();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get busy(): boolean {
    return !this.#isOver;
  }

  greeted(greeting: Greeting): void {
    if (this.#isOver) return;
    // To remove once more, in another session, would take what has come since.
    if (greeting !== "resumed" && this.#question.type === "remove" && this.#timesAsked > 0) this.graceOver();
    else this.#ask(); // [S-5]
  }

  receive(message: SatelliteMessage): void {
    if (this.#isOver) return;
    switch (message.type) {
      case "listed":
        this.#rows.push(...message.pipes);
        if (message.last) this.#answer(this.#rows); // [C-6]
        break;
      case "removed":
        this.#answer({ streams: message.streams, bytes: message.bytes });
        break;
      case "status":
      case "shared":
        this.#answer(message);
        break;
      case "sharing":
        this.#shares.push(...message.shares);
        if (message.last) this.#answer(this.#shares); // [C-6]
        break;
      case "unshared":
        this.#answer(null);
        break;
      case "error":
        // It had ended when it was asked for the first time, and only the answer was lost.
        if (this.#question.type === "unshare" && this.#timesAsked > 1 && message.code === "not-found") {
          this.#answer(null);
        } else this.#fail(codeOf(message.code), message.message);
        break;
      default:
        throw new WireError("protocol", `the satellite answered a request with '${message.type}'`);
    }
  }

  answered(): void {}

  lost(): void {}

  graceOver(): void {
    this.#fail(
      "unreachable",
      `The satellite at ${this.#port.address} did not answer: the connection was lost.`,
    );
  }

  close(): void {
    this.#fail(
      "aborted",
      `The connection to ${this.#port.address} was closed before the satellite answered.`,
    );
  }

  #ask(): void {
    this.#rows = [];
    this.#shares = [];
    this.#timesAsked++;
    this.#port.send(this.#question);
  }

  #answer(answer: Answer): void {
    this.#isOver = true;
    this.#port.tell({ type: "answered", ref: this.#question.ref, answer });
  }

  #fail(code: ErrorCode, text: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#port.tell({ type: "failed", ref: this.#question.ref, error: new WireError(code, text) });
  }
}
