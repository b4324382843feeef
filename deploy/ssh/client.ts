/** The system's own ssh: its config, its agent, its jump hosts, its questions. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { WireError } from "../../satellite/wire/errors.ts";
import { withoutOwnSecrets } from "../secrets.ts";
import { sshError } from "./explain.ts";

/** What ssh itself ends with when it has failed; anything else is from the host. */
const SSH_FAILED = 255;
/** What is kept of what it says. */
const SAID_BYTES_MAX = 64 * 1024;
const ANSWER_BYTES_MAX = 1024 * 1024;

/** Of every call. Their own config may want a terminal, a command or forwardings that have no place here. */
const OPTIONS: readonly string[] = [
  "-T",
  "-x",
  "-a",
  ...[
    "RemoteCommand=none",
    "PermitLocalCommand=no",
    "ConnectTimeout=10",
    "ServerAliveInterval=5", // a connection that is cut is not waited for
    "ServerAliveCountMax=3",
  ].flatMap((option) => ["-o", option]),
];

export interface SshHost {
  readonly destination: string;
  /** Whether ssh may ask on the terminal. */
  readonly mayAsk: boolean;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Runs a command on the host. Resolves with what it wrote to stdout.
 *
 * @param command for whatever shell the user has there
 * @throws WireError `unreachable` or `forbidden`
 */
export async function runThere(host: SshHost, command: string, input: string): Promise<string> {
  const options = ["-o", "ClearAllForwardings=yes"];
  const ssh = start(host, options, command, ["pipe", "pipe", "pipe"]);
  ssh.stdin?.on("error", () => undefined); // its end tells
  ssh.stdin?.end(input);
  const said = gather(ssh.stderr, SAID_BYTES_MAX);
  const answer = gather(ssh.stdout, ANSWER_BYTES_MAX);
  const [status] = (await ended(ssh, "close")) as [number | null];
  if (status === SSH_FAILED) throw sshError(host.destination, said.text, !host.mayAsk);
  return answer.text;
}

/**
 * Has ssh forward a socket here to one there, and leave for the background when it has. It stays for as long as
 * `command` runs there, and then until the last connection through it is closed.
 *
 * @throws WireError `unreachable` or `forbidden`
 */
export async function forward(host: SshHost, from: string, to: string, command: string): Promise<void> {
  const options = [
    "ControlMaster=no",
    "ControlPath=none", // its own: it must outlive the connections of others
    "StreamLocalBindUnlink=yes", // of one that was killed
    "ExitOnForwardFailure=no", // those of the user's config may be taken
  ].flatMap((option) => ["-o", option]);
  const spec = `${inSpec(from)}:${inSpec(to)}`;
  const ssh = start(host, ["-f", ...options, "-L", spec], command, ["ignore", "ignore", "pipe"]);
  const said = gather(ssh.stderr, SAID_BYTES_MAX);
  const [status] = (await ended(ssh, "exit")) as [number | null]; // what went to the background keeps stderr open
  ssh.stderr?.destroy();
  if (status !== 0) throw sshError(host.destination, said.text, !host.mayAsk);
}

function start(
  { destination, mayAsk, env }: SshHost,
  options: readonly string[],
  command: string,
  stdio: ("pipe" | "ignore")[],
): ChildProcess {
  if (process.platform === "win32") {
    throw new WireError(
      "usage",
      "setup ssh needs an ssh that forwards Unix sockets, which that of Windows does not: run skypipe in WSL",
    );
  }
  const batch = ["-o", `BatchMode=${mayAsk ? "no" : "yes"}`];
  const args = [...OPTIONS, ...batch, ...options, "--", destination, command];
  return spawn("ssh", args, { stdio, env: withoutOwnSecrets(env) }); // SendEnv of somebody's config might take them along
}

/** A path in -L: ssh would take a colon for the end of it, and expand a percent sign. */
function inSpec(path: string): string {
  return path.replaceAll(/[\\:]/g, "\\$&").replaceAll("%", "%%");
}

async function ended(ssh: ChildProcess, event: "close" | "exit"): Promise<unknown[]> {
  try {
    return await once(ssh, event);
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const why = isMissing
      ? "there is no ssh here: install OpenSSH's client"
      : `ssh can't be run: ${String(cause)}`;
    throw new WireError("usage", why, { cause });
  }
}

function gather(stream: NodeJS.ReadableStream | null, bytesMax: number): { text: string } {
  const gathered = { text: "" };
  stream?.setEncoding("utf8");
  stream?.on("data", (text: string) => {
    gathered.text = (gathered.text + text).slice(-bytesMax);
  });
  return gathered;
}

/** Whether there is a terminal on which ssh can ask. */
export function canAsk(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r+"));
    return true;
  } catch {
    return false;
  }
}
