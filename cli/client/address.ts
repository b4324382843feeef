import { WEBSOCKET_PATH } from "../../satellite/wire/limits.ts";
import { SkypipeError } from "./errors.ts";

/** Where a satellite is. */
export interface Address {
  /** For the WebSocket: `ws:` or `wss:`, without user and password. */
  readonly url: string;
  /** A Unix socket or a named pipe of Windows; `null`: over the network. */
  readonly socketPath: string | null;
  /** Host name, or the path. */
  readonly host: string;
  /** 0 for a path. */
  readonly port: number;
  /** For messages to people. */
  readonly text: string;
  /** The token that the address carried as its password. */
  readonly token: string | null;
}

const UNIX = "unix:";
const FORMS = "an address is ws:, wss:, http: or https: with a host, or unix: with a path";

/** @throws SkypipeError `usage` */
export function parseAddress(text: string): Address {
  if (text.startsWith(UNIX) && text.length > UNIX.length) {
    const path = text.slice(UNIX.length);
    const url = `ws://localhost${WEBSOCKET_PATH}`;
    return { url, socketPath: path, host: path, port: 0, text: path, token: null };
  }
  const given = URL.canParse(text) ? new URL(text) : null;
  const scheme = given === null ? undefined : SCHEMES[given.protocol];
  // The address is not repeated: it may carry a password.
  if (given === null || scheme === undefined || given.hostname === "") {
    throw new SkypipeError("usage", `The satellite's address is not understood: ${FORMS}.`);
  }
  const port = given.port === "" ? scheme.port : Number(given.port);
  const base = given.pathname.replace(/\/+$/, "");
  const path = base.endsWith(WEBSOCKET_PATH) ? base : `${base}${WEBSOCKET_PATH}`;
  return {
    url: `${scheme.webSocket}//${given.host}${path}`,
    socketPath: null,
    host: given.hostname,
    port,
    text: `${given.hostname}:${port}`,
    token: given.password === "" ? null : decodeURIComponent(given.password),
  };
}

/** Where a link leads that is made by who has come by this address; `null` for a socket, which others do not reach. */
export function linkUrlOf({ url, socketPath }: Address): string | null {
  return socketPath === null ? url.replace(/^ws/, "http").slice(0, -WEBSOCKET_PATH.length) : null;
}

const SCHEMES: Readonly<Record<string, { webSocket: string; port: number }>> = {
  "ws:": { webSocket: "ws:", port: 80 },
  "http:": { webSocket: "ws:", port: 80 },
  "wss:": { webSocket: "wss:", port: 443 },
  "https:": { webSocket: "wss:", port: 443 },
};

/**
 * Refuses to send a token where others can read it (DESIGN.md §5).
 *
 * @throws SkypipeError `usage`
 */
export function refuseOpenToken(address: Address, env: NodeJS.ProcessEnv): void {
  if (!isOpen(address) || env["SKYPIPE_INSECURE"] === "1") return;
  throw new SkypipeError(
    "usage",
    `The token would travel to ${address.text} unencrypted: use https:, or set SKYPIPE_INSECURE=1 to send it all the same.`,
  );
}

/** Whether somebody on the way could read, or mistake for something else, what travels. */
export function isOpen(address: Address): boolean {
  return address.socketPath === null && address.url.startsWith("ws:") && !isLoopback(address.host);
}

/** Whether a host's name or address, IPv6 in brackets, is that of this computer. */
export function isLoopback(host: string): boolean {
  return (
    host === "localhost" ||
    host.endsWith(".localhost") ||
    host === "[::1]" ||
    /^127\.\d+\.\d+\.\d+$/.test(host)
  );
}
