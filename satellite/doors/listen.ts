/** Where the satellite is reached: a host and port, or a Unix socket that only its owner can open. */
import { chmodSync, existsSync, lstatSync, unlinkSync } from "node:fs";
import { type AddressInfo, connect, type Server } from "node:net";
import { dirname } from "node:path";
import { WireError } from "../wire/errors.ts";
import { bracketed } from "./guard.ts";

/** `sun_path` of macOS; Linux has four bytes more. */
const SOCKET_PATH_BYTES_MAX = 103;

/** Listens and gives the URL. Throws WireError `usage` when that cannot be. */
export async function listenOnHost(server: Server, host: string, port: number): Promise<string> {
  try {
    await listening(server, () => server.listen(port, host));
  } catch (cause) {
    throw new WireError("usage", `cannot listen on ${bracketed(host)}:${port}: ${reasonOf(cause)}`, {
      cause,
    });
  }
  return `http://${bracketed(host)}:${(server.address() as AddressInfo).port}`;
}

/**
 * Listens on a Unix socket with mode 0600 (on Windows: on a named pipe) and gives the URL. A socket that a killed
 * satellite has left is replaced; whoever may start two at once has to see to it that they come one after the other.
 */
export async function listenOnSocket(server: Server, socketPath: string): Promise<string> {
  if (process.platform !== "win32" && Buffer.byteLength(socketPath) > SOCKET_PATH_BYTES_MAX) {
    // Older libuv cuts it off, and makes another file.
    const message = `cannot listen on ${socketPath}: a socket's path is at most ${SOCKET_PATH_BYTES_MAX} bytes`;
    throw new WireError("usage", message);
  }
  const listen = (): Promise<void> =>
    listening(server, () => withUmask(0o177, () => server.listen(socketPath)));
  try {
    await listen().catch(async (cause: unknown) => {
      if (codeOf(cause) !== "EADDRINUSE" || !(await isAbandoned(socketPath))) throw cause;
      unlinkSync(socketPath);
      await listen();
    });
    if (process.platform !== "win32") chmodSync(socketPath, 0o600);
  } catch (cause) {
    server.close();
    // libuv says EACCES for a folder that is missing, too.
    const reason = existsSync(dirname(socketPath)) ? reasonOf(cause) : "its folder is not there";
    throw new WireError("usage", `cannot listen on ${socketPath}: ${reason}`, { cause });
  }
  return `unix:${socketPath}`;
}

function listening(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.removeListener("error", reject);
      resolve();
    });
    listen();
  });
}

/** The socket is made inside `call`, so that there is no moment in which others may open it. */
function withUmask(mask: number, call: () => void): void {
  const before = process.umask(mask);
  try {
    call();
  } finally {
    process.umask(before);
  }
}

/** Whether there is a socket on which nobody listens. */
function isAbandoned(socketPath: string): Promise<boolean> {
  if (!lstatSync(socketPath, { throwIfNoEntry: false })?.isSocket()) return Promise.resolve(false);
  return new Promise((resolve) => {
    const probe = connect(socketPath);
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error) => resolve(codeOf(error) === "ECONNREFUSED"));
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function reasonOf(error: unknown): string {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "something else listens there already",
    EADDRNOTAVAIL: "this computer does not have that address",
    EACCES: "that is not allowed to this user",
    ENOTFOUND: "that host is not known",
  };
  return reasons[codeOf(error)] ?? String(error);
}
