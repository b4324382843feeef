/** `skypipe satellite`: runs one here until it is stopped. */
import { readFileSync, statfsSync, writeSync } from "node:fs";
import { ownPath, publish } from "../../deploy/local/publish.ts";
import { type LogEntry, type RunningSatellite, startSatellite } from "../../satellite/satellite.ts";
import { openFilesStore } from "../../satellite/store/files/files.ts";
import type { Store } from "../../satellite/store/store.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import { type Limits, limits } from "../../satellite/wire/limits.ts";
import { openWithoutBlocking } from "../terminal/descriptor.ts";
import { systemReason } from "../terminal/exit.ts";
import { print } from "./common/print.ts";

/** How much of a file system the backlog may take. */
const FILE_SYSTEM_SHARE = 0.85;

export interface ServeOptions {
  host: string;
  port: number;
  memory?: boolean;
  /** A folder's name. */
  data?: string;
  /** A file's name. */
  tokenFile?: string;
  /** Milliseconds. */
  grace?: number;
  /** Bytes. */
  maxBuffer?: number;
  /** Bytes. */
  maxLag?: number;
  /** The name of a host, besides its own. */
  answerTo?: string;
  /** A path, instead of host and port. */
  socket?: string;
  /** Milliseconds. */
  idleExit?: number;
  /** A header's name. */
  trustProxy?: string;
  /** SHA-256 of the file that this runs from, where that was deployed. */
  bundle?: string;
}

/** Resolves with the exit code when the satellite has stopped. */
export async function satellite(options: ServeOptions): Promise<number> {
  process.stderr.on("error", () => undefined); // whoever read the log has gone; the pipes matter more
  const token = tokenOf(options);
  const { socket } = options;
  const own = socket === undefined ? undefined : ownPath(socket);
  const store = options.data === undefined ? undefined : await storeIn(options.data);
  const running = await startSatellite({
    host: options.host,
    port: options.port,
    limits: limitsOf(options),
    log: stderrLog(),
    ...(store === undefined ? {} : { store }),
    ...(own === undefined ? {} : { socketPath: own }),
    ...(token === undefined ? {} : { token }),
    ...(options.answerTo === undefined ? {} : { answersTo: [options.answerTo] }),
    ...(options.trustProxy === undefined ? {} : { trustProxy: headerName(options.trustProxy) }),
    ...(options.bundle === undefined ? {} : { bundle: options.bundle }),
    ...(options.idleExit === undefined ? {} : { idleExitMs: options.idleExit }),
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => void running.stop(`it got ${signal}`).catch(() => undefined)); // `closed` tells
  }
  if (socket !== undefined && own !== undefined) await claim(running, own, socket);
  await print(`${socket === undefined ? running.url : `unix:${socket}`}\n`);
  await running.closed;
  return 0;
}

function headerName(name: string): string {
  if (/^[\w-]+$/.test(name)) return name.toLowerCase();
  throw new WireError(
    "usage",
    `'${name}' is not the name of a header, for example --trust-proxy x-forwarded-for`,
  );
}

async function storeIn(folder: string): Promise<Store> {
  try {
    return await openFilesStore(folder);
  } catch (cause) {
    if (cause instanceof WireError) throw cause;
    throw new WireError("usage", `cannot keep the pipes in '${folder}': ${systemReason(cause)}`, { cause });
  }
}

async function claim(running: RunningSatellite, own: string, socket: string): Promise<void> {
  try {
    if (await publish(own, socket)) return;
  } catch (error) {
    await running.stop("it could not be published");
    throw error;
  }
  await running.stop("another one is there");
  throw new WireError("usage", `a satellite listens at ${socket} already: use that one, or another --socket`);
}

function limitsOf(options: ServeOptions): Partial<Limits> {
  const { grace, maxBuffer = roomIn(options.data), maxLag } = options;
  return {
    ...(grace === undefined ? {} : { graceMs: grace }),
    ...(maxBuffer === undefined ? {} : { maxBufferBytes: maxBuffer }),
    ...(maxLag === undefined ? {} : { maxLagBytes: maxLag }),
  };
}

/** A small file system gives less than the default room, and keeps some for the store's own files (DESIGN.md §6). */
function roomIn(folder: string | undefined): number | undefined {
  if (folder === undefined) return undefined;
  const { blocks, bsize } = statfsSync(folder);
  return Math.min(limits.maxBufferBytes, Math.floor(blocks * bsize * FILE_SYSTEM_SHARE));
}

function tokenOf({ tokenFile }: ServeOptions): string | undefined {
  if (tokenFile === undefined) return process.env.SKYPIPE_TOKEN || undefined;
  let token: string;
  try {
    token = readFileSync(tokenFile, "utf8").trim();
  } catch (cause) {
    throw new WireError("usage", `cannot read the token from '${tokenFile}': ${systemReason(cause)}`, {
      cause,
    });
  }
  if (token !== "") return token;
  throw new WireError(
    "usage",
    `'${tokenFile}' is empty: it shall hold the token, for example 32 random characters`,
  );
}

/** JSON lines. What a reader of stderr does not take in time is dropped: a log must not hold up the pipes. */
function stderrLog(): (entry: LogEntry) => void {
  const fd = openWithoutBlocking(2, "write");
  return (entry) => {
    try {
      writeSync(fd, `${JSON.stringify(entry)}\n`);
    } catch {
      // nobody reads, or too slowly
    }
  };
}
