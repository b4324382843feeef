/** Starts the satellite of this computer when nobody has yet. */
import { type ChildProcess, spawn } from "node:child_process";
import { WireError } from "../../satellite/wire/errors.ts";
import { withoutSecrets } from "../secrets.ts";
import { prepareFolder } from "./place.ts";
import { answers } from "./publish.ts";

const START_MS = 10_000;
const ATTEMPTS_MAX = 5;
const PAUSE_MS = 50;
const POLL_MS = 20;
const IDLE_EXIT = "60s";
/** What is kept of a satellite's complaints. */
const COMPLAINT_BYTES = 4096;

/**
 * Resolves when a satellite answers at `socket`. `command` is what runs this very program: a satellite that is started
 * gets its verb and flags appended. Any number of processes may do this at once: `publish.ts` lets one satellite live.
 */
export async function startLocal(command: readonly string[], socket: string): Promise<void> {
  prepareFolder(socket);
  const deadlineMs = performance.now() + START_MS;
  let complaint = "";
  for (let attempt = 0; !(await answers(socket)); attempt++) {
    if (attempt === ATTEMPTS_MAX || performance.now() > deadlineMs) throw didNotStart(complaint);
    // It may have given way to one that left at the same moment; one that can't start does not get better by haste.
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
    complaint = await startOnce(command, socket, deadlineMs);
  }
}

function didNotStart(complaint: string): WireError {
  const why = complaint === "" ? "it gave no reason" : complaint;
  return new WireError(
    "unreachable",
    `the satellite of this computer did not start (${why}): try one by hand with skypipe satellite`,
  );
}

/** Resolves when the satellite answers, has ended, or is late; with what it said on stderr if it ended. */
async function startOnce(command: readonly string[], socket: string, deadlineMs: number): Promise<string> {
  const [program = process.execPath, ...args] = command;
  const child = spawn(program, [...args, ...satelliteArgs(socket)], {
    detached: true,
    cwd: process.platform === "win32" ? undefined : "/",
    env: withoutSecrets(process.env),
    stdio: ["ignore", "ignore", "pipe"],
    windowsHide: true,
  });
  const stderr = watch(child);
  try {
    while (performance.now() < deadlineMs) {
      if (stderr.hasEnded || (await answers(socket))) break;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return stderr.text;
  } finally {
    // It lives on without us, and what it says from now on is said to nobody.
    child.stderr?.destroy();
    child.unref();
  }
}

function satelliteArgs(socket: string): string[] {
  return ["satellite", "--socket", socket, "--memory", "--idle-exit", IDLE_EXIT];
}

/** The last line that is not a log entry, and whether the process has ended. */
function watch(child: ChildProcess): { text: string; hasEnded: boolean } {
  const watched = { text: "", hasEnded: false };
  let said = "";
  child.stderr?.setEncoding("utf8");
  child.stderr?.on("data", (text: string) => {
    said = (said + text).slice(-COMPLAINT_BYTES);
    const lines = said.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
    watched.text = lines.at(-1)?.replace(/^skypipe: /, "") ?? "";
  });
  child.once("error", (error) => {
    watched.text = error.message;
    watched.hasEnded = true;
  });
  child.once("exit", () => {
    watched.hasEnded = true;
  });
  return watched;
}
