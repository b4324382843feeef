/** Requests by hand: any Host, any method, any path, over TCP or a Unix socket. */
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";
import { connect, type Socket } from "node:net";

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export function ask(
  url: string,
  path: string,
  options: { method?: string; headers?: OutgoingHttpHeaders; body?: string } = {},
): Promise<Answered> {
  const { method = "GET", body } = options;
  const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
  const headers = { ...options.headers, ...length };
  return new Promise((resolve, reject) => {
    const asked = request({ ...place(url), path, method, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.once("error", reject);
      response.once("end", () => {
        const { statusCode: status = 0, headers: answered } = response;
        resolve({ status, headers: answered, body: Buffer.concat(parts).toString() });
      });
    });
    asked.once("error", reject);
    asked.end(body);
  });
}

/** A bare socket, and all that came out of it until it was closed. */
export function bareSocket(url: string): { socket: Socket; closed: Promise<Buffer> } {
  const where = place(url);
  const socket = "socketPath" in where ? connect(where.socketPath) : connect(where.port, where.host);
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  socket.on("error", () => {});
  const closed = new Promise<Buffer>((resolve) => {
    socket.once("close", () => resolve(Buffer.concat(parts)));
  });
  return { socket, closed };
}

/** The head of a WebSocket handshake, as a browser's library would send it. */
export function handshake(path = "/ws", headers: Record<string, string> = {}): string {
  const all = {
    host: "localhost",
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-protocol": "skypipe.v1",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`GET ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}

/** Where a satellite is, for a request or a socket. */
export function place(url: string): { socketPath: string } | { host: string; port: number } {
  if (url.startsWith("unix:")) return { socketPath: url.slice("unix:".length) };
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) };
}
