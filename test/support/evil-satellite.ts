/** A satellite that lies to its readers: it stands before a real one, and passes on what it is told to. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { SUBPROTOCOL, WEBSOCKET_PATH } from "../../satellite/wire/limits.ts";

/** A message or a frame that comes from the real one. */
export type Said = string | Buffer;

/** What goes on instead of each. Made anew for each connection. */
export interface Lies {
  readonly toEnd?: (said: Said) => Said[];
  readonly toSatellite?: (said: Said) => Said[];
}

export class EvilSatellite {
  readonly #server: Server;
  readonly #sockets: WebSocketServer;

  private constructor(server: Server, sockets: WebSocketServer) {
    this.#server = server;
    this.#sockets = sockets;
  }

  static async before(satelliteUrl: string, lies: () => Lies): Promise<EvilSatellite> {
    const server = createServer();
    const sockets = new WebSocketServer({
      server,
      perMessageDeflate: false,
      handleProtocols: () => SUBPROTOCOL,
    });
    sockets.on("connection", (end) => carry(end, satelliteUrl, lies()));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new EvilSatellite(server, sockets);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function carry(end: WebSocket, satelliteUrl: string, lies: Lies): void {
  const url = new URL(WEBSOCKET_PATH, satelliteUrl.replace(/^http/, "ws"));
  const satellite = new WebSocket(url, SUBPROTOCOL, { perMessageDeflate: false });
  const early: Said[] = [];
  const pass = (said: Said, to: WebSocket): void => {
    if (to.readyState === WebSocket.OPEN) to.send(said);
  };
  const { toEnd = (said) => [said], toSatellite = (said) => [said] } = lies;
  satellite.on("open", () => {
    for (const said of early.splice(0)) pass(said, satellite);
  });
  end.on("message", (data: Buffer, isBinary) => {
    for (const said of toSatellite(isBinary ? data : data.toString())) {
      if (satellite.readyState === WebSocket.CONNECTING) early.push(said);
      else pass(said, satellite);
    }
  });
  satellite.on("message", (data: Buffer, isBinary) => {
    for (const said of toEnd(isBinary ? data : data.toString())) pass(said, end);
  });
  for (const [one, other] of [
    [end, satellite],
    [satellite, end],
  ] as const) {
    one.on("close", () => other.terminate());
    one.on("error", () => other.terminate());
  }
}
