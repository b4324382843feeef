/** The HTTP port: the guard in front of everything, the few pages there are, and the way to the WebSocket. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { WireError } from "../wire/errors.ts";
import { type Limits, WEBSOCKET_PATH } from "../wire/limits.ts";
import { type Answer, answer, answerOf, answerUpgrade, line } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import type { Gate } from "./gate.ts";
import { refusalOf, type Site } from "./guard.ts";
import { listPipes } from "./listing.ts";
import type { Log } from "./log.ts";
import { PAGE_HEADERS, pageFiles } from "./page/files.ts";
import { needsSubprotocol, type WebSocketDoor } from "./websocket.ts";

/** How often the limits of time are looked after. */
const CHECK_MS = 2_000;

const HEALTH_PATH = "/healthz";

const HOME = `This is a skypipe satellite: named pipes for the people who have its token.

  cat file | skypipe      there
  skypipe > file          here
`;

export interface HttpDoorParts {
  readonly site: Site;
  readonly exchange: Exchange;
  readonly gate: Gate;
  readonly limits: Limits;
  readonly software: string;
  readonly webSocket: WebSocketDoor;
  readonly log: Log;
}

/** A server that does not listen yet. */
export function createHttpDoor(parts: HttpDoorParts): Server {
  const { limits } = parts;
  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: CHECK_MS,
  });
  server.maxHeadersCount = limits.headersMax;
  server.maxConnections = limits.sessionsMax + limits.strangersMax;
  server.on("connection", (socket) => parts.gate.arrived(socket));
  server.on("drop", () => parts.log("warn", "connection.refused", { why: "too many connections" }));
  server.on("request", (request, response) => void respond(parts, request, response));
  server.on("upgrade", (request, socket, head) => void upgrade(parts, request, socket, head));
  return server;
}

async function respond(
  parts: HttpDoorParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    refuseForeign(parts, request);
    answer(response, await route(parts, request));
  } catch (error) {
    answer(response, answerOf(failureOf(parts, error)));
  }
}

async function upgrade(
  parts: HttpDoorParts,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const giveUp = (): void => void socket.destroy();
  socket.on("error", giveUp); // until the WebSocket has it
  try {
    refuseForeign(parts, request);
    if (pathOf(request) === WEBSOCKET_PATH) await parts.webSocket.upgrade(request, socket, head);
    else {
      parts.gate.count(request);
      answerUpgrade(socket, line(404, `there is no WebSocket here: it is at ${WEBSOCKET_PATH}`)); // [T-1]
    }
  } catch (error) {
    answerUpgrade(socket, answerOf(failureOf(parts, error)));
  } finally {
    socket.off("error", giveUp);
  }
}

/** Throws WireError `forbidden` for a request that a web page elsewhere may have made [T-3]. */
function refuseForeign(parts: HttpDoorParts, request: IncomingMessage): void {
  const refusal = refusalOf(request.headers, parts.site);
  if (refusal === null) return;
  parts.gate.count(request);
  parts.log("warn", "request.refused", { status: 403, why: refusal });
  throw new WireError("forbidden", refusal);
}

function failureOf(parts: HttpDoorParts, error: unknown): WireError {
  if (error instanceof WireError) return error;
  parts.log("error", "request.defect", { error: String(error) });
  return new WireError("internal", "the satellite has a defect");
}

function route(parts: HttpDoorParts, request: IncomingMessage): Answer | Promise<Answer> {
  if (pathOf(request) === HEALTH_PATH) return line(200, "ok"); // not counted [K-3]
  const file = pageFiles.get(pathOf(request));
  if (file !== undefined && wantsPage(request)) return { status: 200, ...file, headers: PAGE_HEADERS };
  const page = pages.get(pathOf(request));
  if (page === undefined) {
    parts.gate.count(request);
    return line(404, "there is nothing here");
  }
  if (page !== pipes) parts.gate.count(request);
  if (request.method !== "GET" && request.method !== "HEAD") {
    return line(405, "this can only be read", { allow: "GET, HEAD" });
  }
  return page(parts, request);
}

/** At `/` there is a line for those who have no browser. */
function wantsPage(request: IncomingMessage): boolean {
  return pathOf(request) !== "/" || request.headers.accept?.includes("text/html") === true;
}

type Page = (parts: HttpDoorParts, request: IncomingMessage) => Answer | Promise<Answer>;

const pages: ReadonlyMap<string, Page> = new Map<string, Page>([
  ["/", () => ({ status: 200, body: HOME })],
  ["/p", pipes],
  [WEBSOCKET_PATH, needsSubprotocol],
]);

async function pipes({ exchange, gate, software }: HttpDoorParts, request: IncomingMessage): Promise<Answer> {
  const { rights } = await gate.admit(request); // [T-4]
  if (rights === null) {
    throw new WireError("unauthorized", "this satellite wants a token: send it as a Bearer token");
  }
  gate.take(rights);
  const rows = await listPipes(exchange, rights, software);
  return { status: 200, type: "application/json", body: `${JSON.stringify(rows)}\n` };
}

function pathOf(request: IncomingMessage): string {
  return request.url?.split("?", 1)[0] ?? "";
}
