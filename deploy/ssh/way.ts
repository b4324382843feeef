/** The way to a satellite that listens on a socket of its host: a socket here, which ssh forwards, for all commands. */
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { tryLock } from "../../satellite/store/files/lock.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import { prepareFolder, shortHash, socketInRuntime } from "../local/place.ts";
import { answers } from "../local/publish.ts";
import { forward, type SshHost } from "./client.ts";
import { isPassing } from "./explain.ts";

/** How long a host that can't be reached is tried (DESIGN.md §5). */
const REACH_MS = 10_000;
/** Somebody may be typing a password for another command. */
const OTHER_MS = 60_000;
const PAUSE_MS = 200;
/** Steps of five seconds for which ssh stays when nobody uses it. */
const IDLE_STEPS = 120;

/** Where the way begins here. */
export function waySocket(destination: string, env: NodeJS.ProcessEnv): string {
  return socketInRuntime(path.join(`ssh-${shortHash(destination)}`, "s"), env);
}

/**
 * Opens the way unless it is open. Any number of processes may do this at once: one of them starts ssh.
 *
 * @param to the satellite's socket on the host
 * @param patienceMs how long to try where another attempt may fare better
 */
export async function openWay(host: SshHost, to: string, patienceMs: number = REACH_MS): Promise<string> {
  const socket = waySocket(host.destination, host.env);
  prepareFolder(socket);
  const startMs = performance.now();
  for (;;) {
    if (await answers(socket)) return socket;
    const lock = await tryLock(path.dirname(socket));
    if (lock === null) {
      if (performance.now() > startMs + OTHER_MS) throw busy(host.destination);
      await pause(PAUSE_MS * (0.5 + Math.random()));
      continue;
    }
    try {
      if (await answers(socket)) return socket;
      await forward(host, socket, to, keepOpen(to));
      if (await answers(socket)) return socket;
      throw new WireError("unreachable", `ssh could not listen at ${socket}: remove what is there`);
    } catch (error) {
      if (!isPassing(error) || performance.now() > startMs + patienceMs) throw error;
    } finally {
      await lock.release();
    }
    await pause(PAUSE_MS);
  }
}

/**
 * What ssh runs on the host to stay: it ends after some minutes, or soon after the satellite or the connection has gone.
 * It is between single quotes, as in `program.ts`.
 */
function keepOpen(to: string): string {
  return `exec sh -c 'i=0; while sleep 5 && echo && [ $i -lt ${IDLE_STEPS} ] && [ -S "${to}" ]; do i=$((i+1)); done'`;
}

function busy(destination: string): WireError {
  return new WireError(
    "unreachable",
    `another skypipe command is logging in to ${destination}: finish that, and try again`,
  );
}
