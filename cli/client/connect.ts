import { EventEmitter } from "node:events";
import { formatLink, type PipeLink, parseLink } from "../../satellite/wire/link.ts";
import type { PipeRow, Shared, ShareRow, Status, Welcome } from "../../satellite/wire/messages.ts";
import type { Right } from "../../satellite/wire/rights.ts";
import { type Address, isLoopback, linkUrlOf, parseAddress, refuseOpenToken } from "./address.ts";
import type { Answer, Notice, Question, Sealer } from "./effects.ts";
import { SkypipeError, toSkypipeError } from "./errors.ts";
import { Link } from "./link.ts";
import { nodeCrypto } from "./node-crypto.ts";
import { checkOptions, checkPipe } from "./options.ts";
import { PipeReader } from "./reader.ts";
import { Delivery } from "./receive.ts";
import { Keyring } from "./seal/keyring.ts";
import { SOFTWARE } from "./software.ts";
import type {
  ConnectOptions,
  GivenShare,
  ReaderOptions,
  Receiving,
  Removed,
  ShareOptions,
  Sink,
  WriterOptions,
} from "./types.ts";
import { PipeWriter } from "./writer.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** Short enough to be typed, and no secret. */
const SHARE_ID_BYTES = 6;

interface SatelliteEvents {
  disconnect: [reason: string];
  reconnect: [];
  goaway: [reason: string];
}

/** A question without its number. */
type Asked = Question extends infer One ? (One extends Question ? Omit<One, "ref"> : never) : never;

/**
 * A satellite that is connected. Writers and questions share a connection; each reader has its own, so that a slow one
 * holds up nobody. Events: `disconnect` (reason: string), `reconnect`, `goaway` (reason: string).
 */
export class Satellite extends EventEmitter<SatelliteEvents> {
  readonly #address: Address;
  readonly #token: string | undefined;
  readonly #ownName: string;
  readonly #keyring: Keyring | null;
  readonly #links = new Set<Link>();
  readonly #writers = new Set<PipeWriter>();
  #welcome: Welcome | null = null;
  /** Where writers and questions go; `null`: a reader has taken it, and nobody has needed another. */
  #shared: Link | null = null;
  /** Nothing but the connect has used the shared link: a reader may have it. */
  #isFresh = true;
  #isClosed = false;

  /** @internal */
  constructor(
    address: Address,
    { token, software, keyring }: { token: string | undefined; software: string; keyring: Keyring | null },
  ) {
    super();
    this.#address = address;
    this.#token = token;
    this.#ownName = software;
    this.#keyring = keyring;
  }

  /** What the satellite calls itself. */
  get software(): string {
    return this.#welcome?.software ?? "";
  }

  /** How long a lost connection may be away. */
  get graceMs(): number {
    return this.#welcome?.graceMs ?? 0;
  }

  /** For messages: a host name, or the path of a Unix socket, whose port is 0. */
  get host(): string {
    return this.#address.host;
  }

  get port(): number {
    return this.#address.port;
  }

  /** Whether only this computer reaches it. */
  get isLoopback(): boolean {
    return this.#address.socketPath !== null || isLoopback(this.#address.host);
  }

  /** For messages: `host:port` or the path. */
  get address(): string {
    return this.#address.text;
  }

  /** @throws SkypipeError `usage` */
  writer(pipe = "", options: WriterOptions = {}): PipeWriter {
    checkPipe(pipe);
    const { plain = false, ...checked } = checkOptions(options);
    const sealer = plain || this.#keyring === null ? null : sealerFor(this.#keyring, pipe);
    const writer = new PipeWriter(this.#sharedLink(), { pipe, options: checked, sealer });
    this.#writers.add(writer);
    writer.once("close", () => this.#writers.delete(writer));
    return writer;
  }

  /** @throws SkypipeError `usage` */
  reader(pipe = "", options: ReaderOptions = {}): PipeReader {
    return new PipeReader(options.mode ?? "plain", (sink) => this.receive(pipe, options, sink));
  }

  /** @throws SkypipeError `usage` */
  receive(pipe: string, options: ReaderOptions, sink: Sink): Receiving {
    checkPipe(pipe);
    const checked = checkOptions(options);
    const link = this.#isFresh && this.#shared !== null ? this.#shared : this.#link(null);
    if (link === this.#shared) this.#shared = null;
    this.#isFresh = false;
    const delivery = new Delivery(link, { pipe, options: checked, keyring: this.#keyring }, sink);
    const forget = (): boolean => this.#links.delete(link);
    delivery.done.then(forget, forget);
    return delivery;
  }

  async list(): Promise<PipeRow[]> {
    return (await this.#ask({ type: "list" })) as PipeRow[];
  }

  /** Drops what is in a pipe. */
  async remove(pipe: string): Promise<Removed> {
    checkPipe(pipe);
    return (await this.#ask({ type: "remove", pipe })) as Removed;
  }

  async inspect(): Promise<Status> {
    return (await this.#ask({ type: "inspect" })) as Status;
  }

  /**
   * Gives out the right to read or write one pipe.
   *
   * @throws SkypipeError `usage` over a Unix socket, which nobody else reaches, and for a satellite without a token
   */
  async share(pipe: string, { right, lifeMs, once }: ShareOptions): Promise<GivenShare> {
    checkPipe(pipe);
    const url = this.#linkUrl();
    const key = this.#keyring === null ? null : await keyForLink(this.#keyring, pipe, right);
    const { id, token, expiresMs, lasting } = (await this.#ask({
      type: "share",
      id: nodeCrypto().randomBytes(SHARE_ID_BYTES).toString("hex"),
      pipe,
      right,
      ...(lifeMs !== undefined && { lifeMs }),
      ...(once === true && { once }),
    })) as Shared;
    return { id, link: formatLink({ url, token, key }), expiresMs: expiresMs ?? null, lasting };
  }

  /** What was given out, and has not ended. */
  async shares(): Promise<ShareRow[]> {
    return (await this.#ask({ type: "shares" })) as ShareRow[];
  }

  /**
   * Ends a share, and whatever is being done by it.
   *
   * @throws SkypipeError `not-found`
   */
  async unshare(id: string): Promise<void> {
    await this.#ask({ type: "unshare", id });
  }

  /** Where a link to this satellite leads. */
  #linkUrl(): string {
    const url = linkUrlOf(this.#address);
    if (url !== null) return url;
    throw new SkypipeError(
      "usage",
      "This satellite is reached over a Unix socket, by nobody but its owner on this computer: a link to it would be of " +
        "no use. Share a pipe of a satellite that others can reach.",
    );
  }

  /**
   * Resolves when all that was written is safe, and so is the end of every writer that was ended.
   *
   * @throws SkypipeError of a writer that fails meanwhile
   */
  async drain(): Promise<void> {
    await Promise.all([...this.#writers].map(settled));
  }

  /** Says bye, at once: writers whose end is not safe abort, readers leave. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#links].map(async (link) => link.close()));
    this.#links.clear();
  }

  /**
   * Makes the first connection.
   *
   * @internal
   */
  async open(connectTimeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      this.#shared = this.#link(connectTimeoutMs, { connected: resolve, broken: reject });
      signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    }).catch(async (error: unknown) => {
      await this.close();
      throw error;
    });
  }

  #sharedLink(): Link {
    if (this.#shared === null || this.#isClosed) this.#shared = this.#link(null);
    this.#isFresh = false;
    return this.#shared;
  }

  #link(connectTimeoutMs: number | null, first?: { connected(): void; broken(error: Error): void }): Link {
    if (this.#isClosed) throw new SkypipeError("usage", `The connection to ${this.address} was closed.`);
    const link = new Link(
      { address: this.#address, token: this.#token, software: this.#ownName, connectTimeoutMs },
      {
        connected: (welcome, again) => {
          this.#welcome = welcome;
          first?.connected();
          if (again) this.emit("reconnect");
        },
        disconnected: (reason) => this.emit("disconnect", reason),
        goaway: (reason) => this.emit("goaway", reason),
        broken: (error) => {
          first?.broken(toSkypipeError(error));
          this.#links.delete(link);
          if (link === this.#shared) this.#shared = null;
        },
      },
    );
    this.#links.add(link);
    return link;
  }

  #ask(asked: Asked): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const link = this.#sharedLink();
      const ref = link.listen((notice: Notice) => {
        if (notice.type === "answered") resolve(notice.answer);
        else if (notice.type === "failed") reject(toSkypipeError(notice.error));
      });
      link.dispatch({ type: "ask", question: { ...asked, ref } });
    });
  }
}

/** @throws SkypipeError `no-key` */
async function keyForLink(keyring: Keyring, pipe: string, right: Right): Promise<string> {
  return (await import("./seal/link-key.ts")).linkKey(keyring, pipe, right);
}

function readLink(text: string): PipeLink {
  try {
    return parseLink(text);
  } catch (error) {
    throw toSkypipeError(error);
  }
}

/** @throws SkypipeError `no-key` */
async function sealerFor(keyring: Keyring, pipe: string): Promise<Sealer> {
  const key = keyring.writerKey(pipe);
  const { StreamSealer } = await import("./seal/stream-sealer.ts");
  return StreamSealer.for(key);
}

function settled(writer: PipeWriter): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (!writer.isSettled) return;
      for (const event of ["safe", "finish", "close"]) writer.off(event, look);
      if (writer.errored) reject(writer.errored);
      else resolve();
    };
    for (const event of ["safe", "finish", "close"]) writer.on(event, look);
    look();
  });
}

/**
 * Connects to a satellite.
 *
 * @throws SkypipeError `unreachable`, `unauthorized`, `forbidden`, `version`, `usage`; or the reason of `signal`
 */
export async function connect(options: ConnectOptions = {}): Promise<Satellite> {
  const { env } = process;
  const link = options.link === undefined ? null : readLink(options.link);
  const { url = link?.url ?? env["SKYPIPE_SATELLITE"] ?? "", software = SOFTWARE, signal } = options;
  if (url === "") {
    throw new SkypipeError(
      "unreachable",
      "No satellite is known: set SKYPIPE_SATELLITE, or give connect a url.",
    );
  }
  const address = parseAddress(url);
  const token = (options.token ?? link?.token ?? env["SKYPIPE_TOKEN"] ?? "") || (address.token ?? undefined);
  if (token !== undefined) refuseOpenToken(address, env);
  // A link brings its key, or is to a pipe that is not sealed: the key in the environment is for another satellite.
  const keyring = Keyring.parse(options.key ?? (link === null ? env["SKYPIPE_KEY"] : link.key) ?? "");
  const satellite = new Satellite(address, { token, software, keyring });
  const opening = satellite.open(options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, signal);
  if (keyring !== null) void import("./seal/suite.ts"); // loads while the other side answers
  await opening;
  return satellite;
}
