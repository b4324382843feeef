/** Opens the channel of bytes to a satellite: all that lies below the WebSocket. */
import net from "node:net";
import type * as Tls from "node:tls";
import type { Address } from "./address.ts";

/** Takes what came. The bytes are lent: they are others when it has returned, and all that it has set off at once. */
export type TakeBytes = (bytes: Uint8Array) => void;

/** A channel that is being opened. */
export interface Dialling {
  /**
   * Resolves when it is open, and secure where it has to be: `end`, `error` and `close` are the caller's from then on.
   * An error without a listener is kept, so that none ends the process.
   *
   * @throws NodeJS.ErrnoException
   */
  readonly channel: Promise<net.Socket>;
  /** Gives up, unless it is open. */
  cancel(): void;
}

/** What one read(2) takes at most. */
const READ_BYTES = 256 * 1024;

/** Every channel reads into this one buffer: its bytes are taken before the next one reads. */
let shared: Uint8Array | null = null;

export function dial(address: Address, take: TakeBytes): Dialling {
  let socket: net.Socket | null = null;
  let isCancelled = false;
  const open = async (): Promise<net.Socket> => {
    const isSecure = address.url.startsWith("wss:");
    // Loaded only where it is used: it costs several milliseconds.
    const tls = isSecure ? await import("node:tls") : null;
    if (isCancelled) throw new Error("the connection was given up");
    socket = tls === null ? dialPlain(address, take) : dialSecure(tls, address, take);
    await opened(socket, isSecure ? "secureConnect" : "connect");
    return socket;
  };
  return {
    channel: open(),
    cancel() {
      isCancelled = true;
      socket?.destroy();
    },
  };
}

function dialPlain(address: Address, take: TakeBytes): net.Socket {
  const onread: net.OnReadOpts = {
    buffer: () => (shared ??= Buffer.allocUnsafeSlow(READ_BYTES)),
    callback(bytesRead, buffer) {
      take(buffer.subarray(0, bytesRead));
      return true;
    },
  };
  const { socketPath, port } = address;
  const socket =
    socketPath === null
      ? net.connect({ host: hostOf(address), port, noDelay: true, onread })
      : net.connect({ path: socketPath, onread });
  return socket.resume(); // else it would not tell of its end
}

function dialSecure(tls: typeof Tls, address: Address, take: TakeBytes): net.Socket {
  const host = hostOf(address);
  const servername = net.isIP(host) === 0 ? host : "";
  const socket = tls.connect({ host, port: address.port, servername });
  socket.setNoDelay(true);
  socket.on("data", take); // TLS has no `onread`
  return socket;
}

/** Without the brackets of an IPv6 address. */
function hostOf({ host }: Address): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

function opened(socket: net.Socket, event: "connect" | "secureConnect"): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.once("close", () => reject(new Error("the connection was closed while it was opened")));
    socket.once(event, resolve);
  });
}
