/** The satellite of this computer: started on demand, gone when it is idle and empty. */
import { connect } from "../../cli/client/connect.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import type { Status } from "../../satellite/wire/messages.ts";
import type { Place, Provider } from "../provider.ts";
import { localSocket } from "./place.ts";
import { answers, publisher } from "./publish.ts";
import { startLocal } from "./start.ts";

const STOP_MS = 10_000;
const POLL_MS = 20;

/** A satellite that left between our look and our knock is started again after so long. */
const ATTEMPT_MS = 2000;

/** `command` is what runs this very program, without a verb. */
export function localProvider(command: readonly string[], env: NodeJS.ProcessEnv = process.env): Provider {
  const socket = localSocket(env);
  const place: Place = { url: `unix:${socket}` };
  const find = async (): Promise<Place | null> => ((await answers(socket)) ? place : null);
  const deploy = async (): Promise<Place> => {
    await startLocal(command, socket);
    return place;
  };
  return {
    name: "local",
    title: "this computer, for its own processes; kept in memory",
    inEnvironment: () => null,
    credentials: async () => ({}),
    find,
    deploy,
    async upgrade() {
      if ((await find()) === null) throw new WireError("not-found", "no satellite runs on this computer");
      await refuseIfUsed(place);
      await stopLocal(socket);
      return deploy();
    },
    destroy: async () => stopLocal(socket),
    async status() {
      if ((await find()) === null) return null;
      const { software } = await inspect(place);
      const version = software.replace(/^skypipe\//, "");
      return { place, where: "this computer", state: "running", version };
    },
    reach: async () => ({ ...(await deploy()), attemptMs: ATTEMPT_MS }),
  };
}

/** It keeps all in memory: an upgrade would lose it. */
async function refuseIfUsed(place: Place): Promise<void> {
  const { streams } = await inspect(place);
  if (streams === 0) return;
  throw new WireError(
    "usage",
    `the satellite of this computer holds ${streams === 1 ? "1 stream" : `${streams} streams`} in memory, and an ` +
      "upgrade would lose that: read it, or drop it with skypipe rm, and then upgrade",
  );
}

async function inspect(place: Place): Promise<Status> {
  const satellite = await connect({ url: place.url, token: "" });
  try {
    return await satellite.inspect();
  } finally {
    await satellite.close();
  }
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
