/** The satellite: its doors, its broker, its store and its clock, put together. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:http";
import { Gate } from "./doors/gate.ts";
import { isLoopback, siteOf } from "./doors/guard.ts";
import { createHttpDoor } from "./doors/http.ts";
import { listenOnHost, listenOnSocket } from "./doors/listen.ts";
import type { Log, LogEntry } from "./doors/log.ts";
import { WebSocketDoor } from "./doors/websocket.ts";
import { type BrokerLike, Engine, nowMs } from "./engine.ts";
import { SALT_BYTES, ShareTokens } from "./keys/share-tokens.ts";
import { createKeyring, equalSecrets, type Keyring } from "./keys/tokens.ts";
import { Broker } from "./pipe/broker.ts";
import { MemoryStore } from "./store/memory.ts";
import type { Store } from "./store/store.ts";
import { WireError } from "./wire/errors.ts";
import { limits as defaultLimits, type Limits } from "./wire/limits.ts";
import type { Recovered } from "./wire/recovered.ts";

declare const __VERSION__: string | undefined;

const SALT_FACT = "salt";
/** How long the connections have to close when the satellite stops. */
const STOP_MS = 2_000;

export type { LogEntry };

export interface SatelliteOptions {
  /** Default 127.0.0.1. Any host that is not loopback needs a `token`. */
  readonly host?: string;
  /** Default 0: one that is free. */
  readonly port?: number;
  /** Listen on this Unix socket, mode 0600, instead of a host and port. */
  readonly socketPath?: string;
  /** Who does not show it gets nothing. */
  readonly token?: string;
  /** Names in `Host` to answer to, besides its own [T-3]. */
  readonly answersTo?: readonly string[];
  /** The header in which a reverse proxy says whose connection it is; believed whoever sends it [K-5]. Default: none. */
  readonly trustProxy?: string;
  readonly limits?: Partial<Limits>;
  /** Default: in memory. It is closed when the satellite stops. */
  readonly store?: Store;
  readonly log?: (entry: LogEntry) => void;
  /** Stop when nobody was connected, and nothing kept, for so long. */
  readonly idleExitMs?: number;
  /** Name and version that it tells, 1 to 64 bytes. */
  readonly software?: string;
  /** SHA-256, in hexadecimal, of the file that it runs from, where that was deployed. */
  readonly bundle?: string;
}

export interface RunningSatellite {
  /** `http://127.0.0.1:PORT` or `unix:/path`. */
  readonly url: string;
  /** Tells everybody to come back later, and resolves when all connections are gone. */
  readonly stop: (reason?: string) => Promise<void>;
  /** Resolves when it has stopped, for whatever reason. */
  readonly closed: Promise<void>;
}

/** Starts a satellite. Throws WireError `usage` for options that cannot be. */
export async function startSatellite(options: SatelliteOptions = {}): Promise<RunningSatellite> {
  const store = options.store ?? new MemoryStore();
  const limits = { ...defaultLimits, ...options.limits };
  const software = options.software ?? `skypipe/${typeof __VERSION__ === "string" ? __VERSION__ : "0.0.0"}`;
  const recovered = await recover(store, options.log);
  const broker = new Broker({
    limits,
    software,
    storeName: store.name,
    startedMs: nowMs(),
    equal: equalSecrets,
    canShare: options.token !== undefined,
    ...(options.bundle !== undefined && { bundle: options.bundle }),
    ...(store.isLasting && { recovered }),
  });
  const { token } = options;
  const keyring = createKeyring(
    token,
    token === undefined ? null : new ShareTokens(token, saltIn(store, recovered)),
  );
  return composeSatellite(broker, { ...options, store, limits, software, keyring });
}

/** What the store has kept from before, and what of that it has lost. */
async function recover(store: Store, log: SatelliteOptions["log"]): Promise<Recovered> {
  const recovered = await store.recover();
  const { streams, lostTailBytes, damage } = recovered;
  const time = new Date().toISOString();
  if (store.isLasting)
    log?.({ time, level: "info", event: "store.recovered", streams: streams.length, lostTailBytes });
  for (const detail of damage) log?.({ time, level: "error", event: "store.damage", detail });
  return recovered;
}

/** What the key of share tokens is salted with; the store keeps it, if it keeps anything. */
function saltIn(store: Store, { facts }: Recovered): Uint8Array {
  const known = facts.get(SALT_FACT);
  if (typeof known === "string") return Buffer.from(known, "base64url");
  const salt = randomBytes(SALT_BYTES);
  store.note([{ key: SALT_FACT, value: salt.toString("base64url") }]);
  return salt;
}

export type ComposeOptions = Omit<SatelliteOptions, "limits"> & {
  readonly store: Store;
  readonly limits: Limits;
  readonly software: string;
  /** Default: `token` opens everything, and nothing can be shared. */
  readonly keyring?: Keyring;
};

/** @internal Puts a satellite together around anything that handles events as the broker does. */
export async function composeSatellite(
  broker: BrokerLike,
  options: ComposeOptions,
): Promise<RunningSatellite> {
  const { store, limits, software, socketPath, host = "127.0.0.1", port = 0, token } = options;
  if (socketPath === undefined && !isLoopback(host) && token === undefined) {
    throw new WireError(
      "usage",
      `a satellite on ${host} needs a token, as others reach it: set SKYPIPE_TOKEN or use --token-file`,
    );
  }
  const log: Log = (level, event, fields) =>
    options.log?.({ time: new Date().toISOString(), level, event, ...fields });
  const keyring = options.keyring ?? createKeyring(token, null);
  const site = siteOf(socketPath === undefined ? host : null, options.answersTo);
  const idle = new IdleWatch(options.idleExitMs);
  const engine = new Engine({
    broker,
    store,
    log,
    sign: (terms) => keyring.sign(terms),
    onSettled: () => idle.look(engine.idle),
  });
  const gate = new Gate({
    keyring,
    limits,
    log,
    trustedHeader: options.trustProxy?.toLowerCase() ?? null,
    now: nowMs,
    hasShare: (share) => broker.hasShare(share),
  });
  const webSocket = new WebSocketDoor({ exchange: engine, gate, limits, log });
  const server = createHttpDoor({ site, exchange: engine, gate, limits, software, webSocket, log });
  const url = await (socketPath === undefined
    ? listenOnHost(server, host, port)
    : listenOnSocket(server, socketPath));
  server.on("error", (error) => log("error", "server.error", { error: error.message }));
  log("info", "satellite.start", { url, software, store: store.name });
  const running = stoppable(url, async (reason) => {
    log("info", "satellite.stop", { reason });
    idle.end();
    await closeDoors(engine, server, webSocket, reason);
    engine.stop();
    await store.close();
  });
  idle.begin(() => void running.stop("nobody uses it"));
  idle.look(engine.idle);
  return running;
}

/** Shuts down once, however often and by whomever it is stopped; the first reason counts. */
function stoppable(url: string, shutDown: (reason: string) => Promise<void>): RunningSatellite {
  const stopping = new AbortController();
  const closed = once(stopping.signal, "abort").then(() => shutDown(String(stopping.signal.reason)));
  closed.catch(() => {}); // who stops it, or waits for it, is told
  return {
    url,
    closed,
    stop(reason = "the satellite stops") {
      stopping.abort(reason);
      return closed;
    },
  };
}

/** Resolves when all connections are gone [S-8]. */
async function closeDoors(
  engine: Engine,
  server: Server,
  webSocket: WebSocketDoor,
  reason: string,
): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  engine.post({ type: "stop", reason });
  webSocket.stop();
  const cut = setTimeout(() => {
    webSocket.terminate();
    server.closeAllConnections();
  }, STOP_MS);
  await closed;
  clearTimeout(cut);
}

/** Calls when nothing was going on for a while. */
class IdleWatch {
  readonly #idleMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #leave: (() => void) | null = null;

  constructor(idleMs: number | undefined) {
    this.#idleMs = idleMs;
  }

  begin(leave: () => void): void {
    this.#leave = leave;
  }

  look(isIdle: boolean): void {
    if (this.#idleMs === undefined || this.#leave === null || isIdle === (this.#timer !== undefined)) return;
    clearTimeout(this.#timer);
    this.#timer = isIdle ? setTimeout(this.#leave, this.#idleMs) : undefined;
  }

  end(): void {
    this.#leave = null;
    clearTimeout(this.#timer);
  }
}
