/** An HTTP proxy that only knows CONNECT, and that finds the hosts of the test, which no name server knows. */
import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { Certificate } from "./certificates.ts";

export interface ProxyRules {
  /** `host:port` → a port of this computer. */
  hosts?: Record<string, number>;
  /** `name:password` */
  asksFor?: string;
  /** Refuses everything with this status. */
  refusesWith?: number;
  /** Speaks TLS itself. */
  certificate?: Certificate;
}

export interface ConnectProxy {
  port: number;
  /** What it was asked to connect to. */
  asked: string[];
}

export async function useProxy({
  hosts = {},
  asksFor,
  refusesWith,
  certificate,
}: ProxyRules): Promise<ConnectProxy> {
  const server = certificate === undefined ? http.createServer() : https.createServer(certificate);
  const asked: string[] = [];
  const sockets = new Set<net.Socket>();
  const keep = (socket: net.Socket): net.Socket => {
    sockets.add(socket);
    return socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  };
  server.on("connect", (request: http.IncomingMessage, near: net.Socket, head: Buffer) => {
    keep(near);
    const target = request.url ?? "";
    asked.push(target);
    const pair = asksFor === undefined ? undefined : `Basic ${Buffer.from(asksFor).toString("base64")}`;
    if (pair !== request.headers["proxy-authorization"]) return refuse(near, 407);
    const port = hosts[target];
    if (refusesWith !== undefined || port === undefined) return refuse(near, refusesWith ?? 502);
    const far = keep(net.connect(port, "127.0.0.1"));
    far.once("connect", () => {
      near.write("HTTP/1.1 200 Connection established\r\n\r\n");
      far.write(head);
      near.pipe(far).pipe(near);
    });
    far.once("close", () => near.destroy());
    near.once("close", () => far.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}

function refuse(near: net.Socket, status: number): void {
  near.end(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
  );
}
