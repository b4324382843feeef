/** The satellite of this computer: started on demand, gone when it is idle and empty. */
import { WireError } from "../../satellite/wire/errors.ts";
import type { Place, Provider } from "../provider.ts";
import { localSocket } from "./place.ts";
import { answers, publisher } from "./publish.ts";
import { startLocal } from "./start.ts";

const STOP_MS = 10_000;
const POLL_MS = 20;

/** `command` is what runs this very program, without a verb. */
export function localProvider(command: readonly string[], env: NodeJS.ProcessEnv = process.env): Provider {
  const socket = localSocket(env);
  const place: Place = { url: `unix:${socket}` };
  return {
    name: "local",
    title: "this computer, for its own processes; kept in memory",
    find: async () => ((await answers(socket)) ? place : null),
    deploy: async () => {
      await startLocal(command, socket);
      return place;
    },
    destroy: async () => stopLocal(socket),
  };
}

async function stopLocal(socket: string): Promise<boolean> {
  if (!(await answers(socket))) return false;
  const pid = publisher(socket);
  if (pid === null) {
    throw new WireError(
      "unreachable",
      `cannot tell which process is the satellite at ${socket}: end it by hand`,
    );
  }
  // The name is that of a socket which answers, so the number is not that of another process by now.
  process.kill(pid, "SIGTERM");
  const deadlineMs = performance.now() + STOP_MS;
  while (await answers(socket)) {
    if (performance.now() > deadlineMs) {
      throw new WireError("unreachable", `the satellite of this computer (process ${pid}) does not end`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}
