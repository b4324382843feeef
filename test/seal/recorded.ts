/**
 * A recorded session of a sealed stream, played to a reader: the real session, delivery and keys, without sockets. What
 * plays it is the satellite's part, so it may say whatever it likes.
 */
import type { Notice, SessionEvent } from "../../cli/client/effects.ts";
import type { Link } from "../../cli/client/link.ts";
import { Delivery } from "../../cli/client/receive.ts";
import { makeKey, parseKey, pipeKey } from "../../cli/client/seal/key.ts";
import { Keyring } from "../../cli/client/seal/keyring.ts";
import { StreamSealer } from "../../cli/client/seal/stream-sealer.ts";
import { Session } from "../../cli/client/session.ts";
import type { DeliveredStream, EndCause, ReaderOptions } from "../../cli/client/types.ts";
import { decodeChunk } from "../../satellite/wire/decode.ts";
import { blankChunk } from "../../satellite/wire/encode.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import { HEADER_BYTES } from "../../satellite/wire/frame.ts";
import type { SatelliteMessage, StreamBegins } from "../../satellite/wire/messages.ts";
import { SEAL_BYTES } from "../../satellite/wire/sealing.ts";

/** What comes out of the satellite: messages and frames. */
export type Said = SatelliteMessage | Uint8Array;

export interface Recording {
  readonly begins: StreamBegins;
  readonly frames: readonly Uint8Array[];
  /** What each frame holds. */
  readonly texts: readonly string[];
}

export const key: string = makeKey();
export const ring: Keyring = new Keyring([parseKey(key)]);
/** The reader's number, which is the only one in its session. */
const REF = 1;

export interface RecordOptions {
  pipe?: string;
  stream?: number;
  /** What the chunks hold. */
  texts?: readonly string[];
  flags?: number;
  /** Of the last chunk. */
  finalFlags?: number;
  part?: number;
}

/** Seals a stream as a writer does. */
export async function record(options: RecordOptions = {}): Promise<Recording> {
  const { pipe = "p", stream = 7, texts = ["one\n", "two\n", "three\n"] } = options;
  const { flags = 0x09, finalFlags = 0x0b, part = 0 } = options;
  const account = parseKey(key);
  if (account.kind !== "account") throw new Error(account.kind);
  const sealer = await StreamSealer.for(pipeKey(account, pipe));
  const kind = (flags & 0x04) === 0 ? "text" : "binary";
  const sealed = sealer.field(part, { name: "a.txt", host: "h" });
  let offset = 0;
  const frames = texts.map((text, index) => {
    const chunkFlags = index === texts.length - 1 ? finalFlags : flags;
    const chunk = blankChunk(stream, offset, chunkFlags, text.length + SEAL_BYTES);
    sealer.seal(part, chunk, Buffer.from(text));
    const { frame } = chunk;
    offset += frame.length - HEADER_BYTES;
    return frame;
  });
  return { begins: { type: "stream", ref: REF, stream, offset: 0, kind, sealed }, frames, texts };
}

/** The whole of it, as an honest satellite says it. */
export function honest({ begins, frames }: Recording): Said[] {
  return [begins, ...frames, { type: "done", ref: REF }];
}

export interface Heard {
  /** What the sink was given. */
  readonly text: string;
  readonly streams: DeliveredStream[];
  readonly ends: EndCause[];
  /** The error's code, or `done`. */
  readonly outcome: string;
  readonly message: string;
  /** How far the reader has acknowledged, and whether an end. */
  readonly acks: readonly { offset: number; end: boolean }[];
  readonly gaps: number;
}

/** A link whose other side is a list of what to say. */
class Stage {
  readonly acks: { offset: number; end: boolean }[] = [];
  readonly #session = new Session({
    software: "test",
    address: "stage",
    connectTimeoutMs: null,
    random: () => 0.5,
  });
  #listener: (notice: Notice) => void = () => {};

  constructor() {
    this.dispatch({ type: "start" });
    this.dispatch({ type: "connected", connection: 1 });
    const welcome = {
      protocol: 1,
      software: "s",
      session: "s",
      secret: "s",
      graceMs: 60_000,
      resumed: false,
    };
    this.say({ type: "welcome", ...welcome });
  }

  listen(listener: (notice: Notice) => void): number {
    this.#listener = listener;
    return REF;
  }

  dispatch(event: SessionEvent): void {
    for (const effect of this.#session.handle(event, 0)) {
      if (effect.type === "notice") this.#listener(effect.notice);
      if (effect.type === "send" && effect.message.type === "ack") {
        const { offset, end = false } = effect.message;
        this.acks.push({ offset, end });
      }
    }
  }

  /** As link.ts takes what a socket gives. */
  say(said: Said): void {
    try {
      if (said instanceof Uint8Array) {
        this.dispatch({ type: "chunk", connection: 1, chunk: decodeChunk(said) });
      } else {
        this.dispatch({ type: "message", connection: 1, message: said });
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.dispatch({ type: "lost", connection: 1, reason: error.message, error });
    }
  }

  async close(): Promise<void> {}
}

/** Plays what the satellite says to a reader of the pipe, and tells what came of it. */
export async function play(
  said: readonly Said[],
  {
    pipe = "p",
    options = {},
    keyring = ring,
  }: { pipe?: string; options?: ReaderOptions; keyring?: Keyring | null } = {},
): Promise<Heard> {
  const stage = new Stage();
  const heard = { text: "", streams: [] as DeliveredStream[], ends: [] as EndCause[], gaps: 0 };
  const delivery = new Delivery(
    stage as unknown as Link,
    { pipe, options, keyring },
    {
      begin: (stream) => void heard.streams.push(stream),
      chunk: (_stream, bytes) => {
        heard.text += Buffer.from(bytes).toString();
      },
      end: (_stream, cause) => void heard.ends.push(cause),
      gap: () => void heard.gaps++,
    },
  );
  const outcome = delivery.done.then(
    () => ({ outcome: "done", message: "" }),
    (error: Error & { code?: string }) => ({ outcome: error.code ?? error.name, message: error.message }),
  );
  stage.say({ type: "attached", ref: REF });
  for (const each of said) stage.say(each);
  const ended = await outcome;
  return { ...heard, ...ended, acks: stage.acks };
}
