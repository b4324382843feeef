/** Opens the channel of bytes to a satellite: all that lies below the WebSocket. */
import net from "node:net";
import type * as Tls from "node:tls";
import type { TakeBytes } from "../../satellite/wire/websocket.ts";
import type { Address } from "./address.ts";
import { certificateError } from "./certificate.ts";
import { lookupLoopback } from "./loopback.ts";
import { proxyFor } from "./proxy.ts";

/** A channel that is being opened. */
export interface Dialling {
  /**
   * Resolves when it is open, and secure where it has to be: `end`, `error` and `close` are the caller's from then on.
   * An error without a listener is kept, so that none ends the process.
   *
   * @throws WireError `unreachable` or `usage` where trying again is of no use: a certificate, a proxy that refuses;
   *   else NodeJS.ErrnoException
   */
  readonly channel: Promise<net.Socket>;
  /** Gives up, unless it is open. */
  cancel(): void;
}

/** What one read(2) takes at most. */
const READ_BYTES = 256 * 1024;
/** After so long the next address is tried, IPv6 and IPv4 in turn: Node's own 250 ms are not enough far away. */
const NEXT_ADDRESS_MS = 500;

/** Every channel reads into this one buffer: its bytes are taken before the next one reads. */
let shared: Uint8Array | null = null;

/** @param take `null`: the caller reads the channel by itself */
export function dial(
  address: Address,
  take: TakeBytes | null,
  env: NodeJS.ProcessEnv = process.env,
): Dialling {
  const given = new AbortController();
  const channel = open(address, take, env, given.signal);
  channel.catch(() => undefined); // it may fail before it is waited for
  return { channel, cancel: () => given.abort() };
}

async function open(
  address: Address,
  take: TakeBytes | null,
  env: NodeJS.ProcessEnv,
  givenUp: AbortSignal,
): Promise<net.Socket> {
  const isSecure = address.url.startsWith("wss:");
  const { socketPath, host, port, text } = address;
  const proxy = socketPath === null ? proxyFor({ isSecure, host, port }, env) : null;
  // Loaded only where it is used: it costs several milliseconds.
  const tls = isSecure ? await import("node:tls") : null;
  const tunnel = proxy === null ? null : await (await import("./tunnel.ts")).tunnel(proxy, address, givenUp);
  if (givenUp.aborted) throw new Error("the connection was given up");
  if (tls === null && tunnel !== null) return read(tunnel, take);
  const socket = tls === null ? dialPlain(address, take) : dialSecure(tls, address, tunnel);
  const giveUp = (): void => void socket.destroy();
  givenUp.addEventListener("abort", giveUp);
  try {
    await opened(socket, tls === null ? "connect" : "secureConnect");
    return tls === null ? socket : read(socket, take); // TLS has no `onread`
  } catch (error) {
    throw certificateError(error, text) ?? error;
  } finally {
    givenUp.removeEventListener("abort", giveUp);
  }
}

function dialPlain({ socketPath, host, port }: Address, take: TakeBytes | null): net.Socket {
  const onread: net.OnReadOpts | undefined =
    take === null
      ? undefined
      : {
          buffer: () => (shared ??= Buffer.allocUnsafeSlow(READ_BYTES)),
          callback(bytesRead, buffer) {
            take(buffer.subarray(0, bytesRead));
            return true;
          },
        };
  const options = { noDelay: true, ...(onread && { onread }) };
  const socket =
    socketPath === null
      ? net.connect({ ...inTurn(host), port, ...options })
      : net.connect({ path: socketPath, ...options });
  return take === null ? socket : socket.resume(); // else it would not tell of its end
}

function dialSecure(tls: typeof Tls, { host, port }: Address, tunnel: net.Socket | null): net.Socket {
  const name = withoutBrackets(host);
  const servername = net.isIP(name) === 0 ? name : "";
  const socket = tls.connect({
    servername,
    // The name that the certificate has to be for: an address is no `servername`.
    checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate),
    ...(tunnel === null ? { ...inTurn(host), port } : { socket: tunnel }),
  });
  return socket.setNoDelay(true);
}

/** Every address that the name has, IPv6 and IPv4 in turn. */
function inTurn(host: string): net.TcpSocketConnectOpts {
  return {
    host: withoutBrackets(host),
    autoSelectFamily: true,
    lookup: lookupLoopback,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
  } as net.TcpSocketConnectOpts;
}

function read(socket: net.Socket, take: TakeBytes | null): net.Socket {
  return take === null ? socket : socket.on("data", take);
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

function opened(socket: net.Socket, event: "connect" | "secureConnect"): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.once("close", () => reject(new Error("the connection was closed while it was opened")));
    socket.once(event, resolve);
  });
}
