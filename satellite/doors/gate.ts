/** Holds strangers off: how many there are, how often they ask, how often they guess [K-2] [K-3] [K-4]. */
import { createHmac, randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type Keyring, tokenIn } from "../keys/tokens.ts";
import { WireError } from "../wire/errors.ts";
import type { Limits } from "../wire/limits.ts";
import type { Rights } from "../wire/rights.ts";
import { addressIn, countedAs } from "./address.ts";
import { Allowance } from "./allowance.ts";
import { type Flow, Guests } from "./guests.ts";
import type { Log } from "./log.ts";
import { Strangers } from "./strangers.ts";

/** How many tokens that were good from one address are remembered. */
const GOOD_TOKENS_MAX = 64;
/** Refusals are told in the log at most this often, with how many there were. */
const LOG_MS = 10_000;
/** About what a handshake or a request costs. */
const HANDSHAKE_MS = 0.3;

export interface GateParts {
  readonly keyring: Keyring;
  readonly limits: Limits;
  readonly log: Log;
  /** The header in which a proxy says whose connection it is; lower case. `null`: there is no proxy [K-5]. */
  readonly trustedHeader: string | null;
  /** Milliseconds of a clock that nobody sets. */
  readonly now: () => number;
  /** Whether a share has not ended. */
  readonly hasShare: (share: string) => boolean;
}

/** Who has come, and what the token allows that was shown; `rights` is `null` as long as none was. */
export interface Visitor {
  readonly socket: Duplex;
  /** `null`: over a Unix socket. */
  readonly address: string | null;
  readonly rights: Rights | null;
}

/** A visitor who has shown a good token. */
export interface Guest extends Visitor {
  readonly rights: Rights;
}

/** What is remembered of an address. */
interface Record {
  readonly requests: Allowance;
  readonly failures: Allowance;
  /** Fingerprints of tokens that were good. */
  readonly good: Set<string>;
}

export class Gate {
  readonly #parts: GateParts;
  readonly #strangers: Strangers;
  readonly #guests: Guests;
  /** Least recently seen first. */
  readonly #records: Map<string, Record> = new Map();
  /** So that the fingerprints are of use to nobody. */
  readonly #pepper: Buffer = randomBytes(32);
  readonly #refused: Map<string, number> = new Map();
  #loggedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#strangers = new Strangers(parts.limits, (why) => this.#note(why));
    this.#guests = new Guests(parts.limits, parts.now);
  }

  /** A connection has come. Behind a proxy it is not known yet whose it is. */
  arrived(socket: Duplex & { readonly remoteAddress?: string | undefined }): void {
    const address = countedAs(socket.remoteAddress);
    if (address === null) return;
    this.#strangers.add(socket, this.#parts.trustedHeader === null ? address : null);
  }

  /**
   * Finds out what a request may do, by its token [T-4]. Without one it counts as a stranger's, unless everybody may do
   * everything here.
   *
   * @throws WireError `unauthorized` for a wrong token, `limit` for one too many
   */
  async admit(request: IncomingMessage): Promise<Visitor> {
    const token = tokenIn(request.headers.authorization);
    const visitor = { socket: request.socket, address: this.#addressOf(request), rights: null };
    if (token !== null) return this.identify(visitor, token);
    const rights = await this.#parts.keyring.rightsOf(null);
    if (rights !== null) {
      this.#strangers.remove(visitor.socket);
      return { ...visitor, rights };
    }
    this.count(request);
    return visitor;
  }

  /** Whether nobody may do anything here without a token. */
  async wantsToken(): Promise<boolean> {
    return (await this.#parts.keyring.rightsOf(null)) === null;
  }

  /**
   * Whether a script shows the token of a share, ended ones too: one that no browser adds by itself [H-23]. Throws
   * WireError `limit` where its address has asked too much, and the token was not good from there [K-3].
   */
  async showsLink(request: IncomingMessage): Promise<boolean> {
    const { authorization = "" } = request.headers;
    if (!/^bearer /i.test(authorization)) return false;
    const token = tokenIn(authorization) ?? "";
    const address = this.#addressOf(request);
    const record = address === null ? null : this.#record(address);
    const isKnown = record === null || record.good.has(this.#fingerprint(token));
    if (!isKnown && !record.requests.has(this.#parts.now())) this.count(request);
    return this.#parts.keyring.isShare(token);
  }

  /** A stranger's request. Throws WireError `limit` for one too many [K-3]. */
  count(request: IncomingMessage): void {
    const address = this.#addressOf(request);
    this.#countAt(address);
    // Behind a proxy only now is it known whose connection this is.
    if (this.#parts.trustedHeader !== null) this.#strangers.add(request.socket, address);
  }

  #countAt(address: string | null): void {
    if (address === null || this.#record(address).requests.take(this.#parts.now())) return;
    this.#note("strangerRequests");
    throw new WireError("limit", "there were too many requests from your address: come back in a moment");
  }

  /** Finds out what a token allows. Throws as `admit` does. */
  async identify(visitor: Visitor, token: string): Promise<Guest> {
    const { keyring, now } = this.#parts;
    const record = visitor.address === null ? null : this.#record(visitor.address);
    const print = this.#fingerprint(token);
    if (record !== null && !record.failures.has(now()) && !record.good.has(print)) {
      this.#note("failures");
      throw new WireError(
        "limit",
        "there were too many wrong tokens from your address: come back in a minute",
      ); // [K-4]
    }
    const rights = await keyring.rightsOf(token);
    if (rights === null) {
      record?.failures.take(now());
      this.#note("wrong token");
      throw new WireError("unauthorized", "the token is wrong");
    }
    if (rights.scope !== null && !this.#parts.hasShare(rights.scope.share)) {
      this.#countAt(visitor.address);
      throw new WireError("unauthorized", "this link was revoked, or has expired");
    }
    if (record !== null) remember(record.good, print);
    if (rights.scope !== null) this.#greet(visitor.socket, rights.scope.share);
    this.#strangers.remove(visitor.socket);
    return { ...visitor, rights };
  }

  /** A connection begins to be read from; what it says is work [K-6]. Returns what is to be called when it is over. */
  enter({ scope }: Rights, flow: Flow): () => void {
    return scope === null ? () => {} : this.#guests.enter(scope.share, flow);
  }

  /** The satellite has worked for who has these rights [K-6]. */
  worked(ms: number, { scope }: Rights): void {
    this.#guests.worked(ms, scope?.share ?? null);
  }

  #greet(socket: Duplex, share: string): void {
    if (this.#guests.isPaused(share)) {
      throw new WireError("limit", "there is too much to do for this link at the moment: come back soon"); // [K-6]
    }
    this.#guests.add(socket, share); // [K-2]
    this.#guests.worked(HANDSHAKE_MS, share);
  }

  #addressOf({ headers, socket }: IncomingMessage): string | null {
    const { trustedHeader } = this.#parts;
    const told = trustedHeader === null ? null : addressIn(headers, trustedHeader);
    return countedAs(told ?? socket.remoteAddress);
  }

  #record(address: string): Record {
    const { limits, now } = this.#parts;
    const known = this.#records.get(address);
    this.#records.delete(address);
    const record = known ?? {
      requests: new Allowance(limits.strangerRequestsS, limits.strangerRequestsBurst, now()),
      failures: new Allowance(limits.failuresPerMin / 60, limits.failuresBurst, now()),
      good: new Set<string>(),
    };
    this.#records.set(address, record);
    if (this.#records.size > limits.addressesMax) {
      for (const oldest of this.#records.keys()) {
        this.#records.delete(oldest);
        break;
      }
    }
    return record;
  }

  #fingerprint(token: string): string {
    return createHmac("sha256", this.#pepper).update(token).digest("base64");
  }

  /** A flood must not flood the log. */
  #note(why: string): void {
    this.#refused.set(why, (this.#refused.get(why) ?? 0) + 1);
    const nowMs = this.#parts.now();
    if (nowMs - this.#loggedMs < LOG_MS) return;
    this.#loggedMs = nowMs;
    this.#parts.log("warn", "strangers.refused", { refused: Object.fromEntries(this.#refused) });
    this.#refused.clear();
  }
}

function remember(prints: Set<string>, print: string): void {
  prints.delete(print);
  prints.add(print);
  if (prints.size <= GOOD_TOKENS_MAX) return;
  for (const oldest of prints) {
    prints.delete(oldest);
    return;
  }
}
