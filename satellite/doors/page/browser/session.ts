/** The page's end of the protocol (PROTOCOL.md §5): one session, over a WebSocket that comes back by itself. */
import { parseSatelliteMessage } from "../../../wire/control.ts";
import { decodeChunk } from "../../../wire/decode.ts";
import type { Chunk } from "../../../wire/frame.ts";
import { PROTOCOL_VERSION, SUBPROTOCOL, WEBSOCKET_PATH } from "../../../wire/limits.ts";
import type {
  EndMessage,
  PipeRow,
  ReaderPosition,
  SatelliteMessage,
  Welcome,
  WriterPosition,
} from "../../../wire/messages.ts";

/** Whether the satellite can be talked to. `refused` is for good: the token is wrong, or the versions are. */
export type Standing =
  | { readonly name: "connecting" }
  | { readonly name: "ready" }
  | { readonly name: "away" }
  | { readonly name: "refused"; readonly code: string; readonly message: string };

type Requesting = Extract<EndMessage, { ref: number }>;

/** A writer, a reader or a question: what it says, and what it makes of the answers. */
export interface Attachment {
  /** Said when it begins, and again after each resume [C-3]. */
  request(ref: number): Requesting;
  /** Where it stands, for `resume` [S-10]. */
  writer?(ref: number): WriterPosition;
  reader?(ref: number): ReaderPosition;
  heard(message: SatelliteMessage): void;
  /** Whether a chunk was of a stream that `heard` was told of. */
  took?(chunk: Chunk): boolean;
  /** The session is over: what is not safe is not known any more. */
  lost(): void;
}

/** How an attachment speaks. After the connection was lost it says nothing until `heard` is told again. */
export interface Voice {
  readonly ref: number;
  say(message: EndMessage): void;
  send(frame: Uint8Array): void;
  /** The satellite may forget it; nothing more is heard. */
  release(): void;
}

/** A link that gives no answer for so long is dead: a browser can't ping [T-5]. */
const SILENT_MS = 15_000;
const BEAT_MS = 2_000;
const RETRY_MS_MAX = 8_000;
/** Close codes that say an end is not wanted (PROTOCOL.md §10): coming back would not help. */
const FINAL_CODES: ReadonlySet<string> = new Set([
  "unauthorized",
  "forbidden",
  "version",
  "protocol",
  "superseded",
]);

export class Session {
  readonly #url: string;
  readonly #token: string;
  readonly #onStanding: (standing: Standing) => void;
  readonly #attachments = new Map<number, Attachment>();
  #socket: WebSocket | null = null;
  #welcome: Welcome | null = null;
  #isReady = false;
  #isClosed = false;
  #lastRef = 0;
  #retryMs = 0;
  #heardMs = 0;
  #timer = 0;
  readonly #beat: number;

  /** @param origin of the page, which is the satellite's */
  constructor(origin: string, token: string, onStanding: (standing: Standing) => void) {
    this.#url = `${origin.replace(/^http/, "ws")}${WEBSOCKET_PATH}`;
    this.#token = token;
    this.#onStanding = onStanding;
    this.#beat = window.setInterval(() => this.#look(), BEAT_MS);
    this.#connect();
  }

  attach<One extends Attachment>(make: (voice: Voice) => One): One {
    const ref = ++this.#lastRef;
    const attachment = make({
      ref,
      say: (message) => this.#say(message),
      send: (frame) => this.#send(frame as Uint8Array<ArrayBuffer>),
      release: () => this.#release(ref),
    });
    this.#attachments.set(ref, attachment);
    this.#say(attachment.request(ref));
    return attachment;
  }

  /** All pipes that the token may see. */
  list(): Promise<PipeRow[]> {
    const rows: PipeRow[] = [];
    return this.ask(
      (ref) => ({ type: "list", ref, passed: true }),
      (message) => {
        if (message.type !== "listed") return null;
        rows.push(...message.pipes);
        return message.last ? rows : null;
      },
    );
  }

  /** A question with one answer: `read` gives it from a message, or `null` while there is more to come. */
  ask<Answer>(
    request: (ref: number) => Requesting,
    read: (message: SatelliteMessage) => Answer | null,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.attach((voice) => ({
        request,
        heard(message) {
          const answer = message.type === "error" ? null : read(message);
          if (message.type === "error") reject(new Error(message.message));
          else if (answer === null) return;
          else resolve(answer);
          voice.release();
        },
        lost: () => reject(new Error("The connection was lost.")),
      }));
    });
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#beat);
    clearTimeout(this.#timer);
    this.#say({ type: "bye" });
    this.#socket?.close();
  }

  #connect(): void {
    const socket = new WebSocket(this.#url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#heardMs = performance.now();
    socket.addEventListener("open", () => socket.send(JSON.stringify(this.#hello())));
    socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (socket !== this.#socket) return;
      this.#heardMs = performance.now();
      if (typeof data === "string") this.#heard(data);
      else this.#took(decodeChunk(new Uint8Array(data)));
    });
    socket.addEventListener("close", ({ reason }) => this.#lost(socket, reason));
  }

  #hello(): EndMessage {
    const hello = {
      type: "hello",
      protocol: PROTOCOL_VERSION,
      software: "skypipe page",
      ...(this.#token !== "" && { token: this.#token }),
    } as const;
    if (this.#welcome === null) return hello;
    const { session, secret } = this.#welcome;
    const writers: WriterPosition[] = [];
    const readers: ReaderPosition[] = [];
    for (const [ref, attachment] of this.#attachments) {
      if (attachment.writer) writers.push(attachment.writer(ref));
      if (attachment.reader) readers.push(attachment.reader(ref));
    }
    return { ...hello, resume: { session, secret, writers, readers } };
  }

  #heard(text: string): void {
    const message = parseSatelliteMessage(text);
    if (message === null) return; // [C-2]
    if (message.type === "welcome") this.#welcomed(message);
    else if (message.type === "error" && message.ref === undefined)
      this.#refused(message.code, message.message);
    else if ("ref" in message && message.ref !== undefined)
      this.#attachments.get(message.ref)?.heard(message);
  }

  #took(chunk: Chunk): void {
    for (const attachment of this.#attachments.values()) if (attachment.took?.(chunk) === true) return;
  }

  #welcomed(welcome: Welcome): void {
    const isNew = this.#welcome !== null && !welcome.resumed;
    this.#welcome = welcome;
    this.#retryMs = 0;
    if (isNew) {
      const gone = [...this.#attachments.values()];
      this.#attachments.clear();
      for (const attachment of gone) attachment.lost();
    }
    this.#isReady = true;
    for (const [ref, attachment] of this.#attachments) this.#say(attachment.request(ref)); // [S-5]
    this.#onStanding({ name: "ready" });
  }

  #refused(code: string, message: string): void {
    if (!FINAL_CODES.has(code)) return; // the close that follows brings us back [E-1]
    this.#isClosed = true;
    clearInterval(this.#beat);
    this.#onStanding({ name: "refused", code, message });
  }

  #lost(socket: WebSocket, reason: string): void {
    if (socket !== this.#socket) return;
    this.#socket = null;
    this.#isReady = false;
    if (FINAL_CODES.has(reason) && !this.#isClosed) this.#refused(reason, "The satellite refuses this page.");
    if (this.#isClosed) return;
    this.#onStanding({ name: this.#welcome === null ? "connecting" : "away" });
    const delayMs = this.#retryMs * (0.5 + Math.random());
    this.#retryMs = Math.min(RETRY_MS_MAX, Math.max(500, this.#retryMs * 2));
    this.#timer = window.setTimeout(() => this.#connect(), delayMs);
  }

  #look(): void {
    if (this.#socket === null || performance.now() - this.#heardMs < SILENT_MS) return;
    const socket = this.#socket;
    this.#lost(socket, "");
    socket.close();
  }

  #say(message: EndMessage): void {
    this.#send(JSON.stringify(message));
  }

  /** What is said while the connection is away is said again when it is back [S-5]. */
  #send(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.#isReady && this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  #release(ref: number): void {
    this.#attachments.delete(ref);
    this.#say({ type: "release", ref });
  }
}
