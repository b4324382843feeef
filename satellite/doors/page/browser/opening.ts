/** Between the reader and where its bytes go: sealed streams are opened, others are taken only where they are wanted. */
import { type Chunk, payloadOf } from "../../../wire/frame.ts";
import type { StreamBegins } from "../../../wire/messages.ts";
import { Opener } from "./seal.ts";
import type { Keyring } from "./seal-keys.ts";

/** Where the bytes go. What it returns is waited for before the next call, and before anything is acknowledged. */
export interface Sink {
  begin?(stream: StreamBegins): Promise<void> | void;
  write(bytes: Uint8Array, stream: StreamBegins): Promise<void> | void;
  /** `cause`: why it ends here, if not by a clean end. */
  end?(stream: StreamBegins, cause: string | null): Promise<void> | void;
  /** A tap was too slow, and missed something. */
  gap?(): void;
  /** The delivery is complete and acknowledged. */
  done(): Promise<void> | void;
  failed(message: string): void;
}

export interface OpeningOptions {
  readonly pipe: string;
  readonly keyring: Keyring | null;
  /** Whether streams that are not sealed are wanted all the same [Z-11]. */
  readonly takesPlain: boolean;
}

/** How a delivery may end: a clean end has to be proven. */
export type Ending = { readonly cause: string | null; readonly isAborted: boolean };

export class Opening {
  readonly #sink: Sink;
  readonly #options: OpeningOptions;
  readonly #openers = new Map<number, Opener>();

  constructor(sink: Sink, options: OpeningOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  async begin(info: StreamBegins): Promise<void> {
    if (info.sealed === undefined) {
      if (this.#isWanted()) await this.#sink.begin?.(info);
      return;
    }
    const opener = await Opener.for(this.#options.keyring, this.#options.pipe, info);
    this.#openers.set(info.stream, opener);
    await this.#sink.begin?.(opener.shown);
  }

  async write(chunk: Chunk, info: StreamBegins): Promise<void> {
    const opener = this.#openers.get(info.stream);
    if (opener === undefined && !this.#isWanted()) throw notSealed();
    const bytes = opener === undefined ? payloadOf(chunk) : await opener.open(chunk);
    if (bytes.length > 0) await this.#sink.write(bytes, opener?.shown ?? info);
  }

  async end(info: StreamBegins, { cause, isAborted }: Ending): Promise<void> {
    const opener = this.#openers.get(info.stream);
    if (opener === undefined && !isAborted && !this.#isWanted()) throw notSealed();
    opener?.end(isAborted);
    this.#openers.delete(info.stream);
    await this.#sink.end?.(opener?.shown ?? info, cause);
  }

  gap(): void {
    this.#sink.gap?.();
  }

  async done(): Promise<void> {
    await this.#sink.done();
  }

  failed(message: string): void {
    this.#sink.failed(message);
  }

  #isWanted(): boolean {
    return this.#options.keyring === null || this.#options.takesPlain;
  }
}

function notSealed(): Error {
  return new Error(
    "The stream is not sealed, and this page has a key: it stays in the pipe. Say so to take it all the same.",
  );
}
