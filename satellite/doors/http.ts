/** The HTTP port: the guard in front of everything, the few pages there are, and the way to the WebSocket. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type Keyring, tokenIn } from "../keys/tokens.ts";
import { WireError } from "../wire/errors.ts";
import { type Limits, WEBSOCKET_PATH } from "../wire/limits.ts";
import { type Answer, answer, answerOf, answerUpgrade, line } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { refusalOf, type Site } from "./guard.ts";
import { listPipes } from "./listing.ts";
import type { Log } from "./log.ts";
import { PAGE_HEADERS, pageFiles } from "./page/files.ts";
import { needsSubprotocol, type WebSocketDoor } from "./websocket.ts";

const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
const KEEP_ALIVE_MS = 5_000;
/** How often the two limits above are looked after. */
const CHECK_MS = 2_000;
/** Sockets besides those of sessions: requests, and handshakes that are going on. */
const SOCKETS_SPARE = 1_000;

const HOME = `This is a skypipe satellite: named pipes for the people who have its token.

  cat file | skypipe      there
  skypipe > file          here
`;

export interface HttpDoorParts {
  readonly site: Site;
  readonly exchange: Exchange;
  readonly keyring: Keyring;
  readonly limits: Limits;
  readonly software: string;
  readonly webSocket: WebSocketDoor;
  readonly log: Log;
}

/** A server that does not listen yet. */
export function createHttpDoor(parts: HttpDoorParts): Server {
  const server = createServer({
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_MS,
  });
  server.maxConnections = parts.limits.sessionsMax + SOCKETS_SPARE;
  server.on("drop", () => parts.log("warn", "connection.refused", { why: "too many connections" }));
  server.on("request", (request, response) => void respond(parts, request, response));
  server.on("upgrade", (request, socket, head) => upgrade(parts, request, socket, head));
  return server;
}

async function respond(
  parts: HttpDoorParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refusal = refusalOf(request.headers, parts.site);
  if (refusal !== null) {
    parts.log("warn", "request.refused", { status: 403, why: refusal });
    answer(response, line(403, refusal)); // [T-3]
    return;
  }
  try {
    answer(response, await route(parts, request));
  } catch (error) {
    if (!(error instanceof WireError)) parts.log("error", "request.defect", { error: String(error) });
    answer(
      response,
      answerOf(error instanceof WireError ? error : new WireError("internal", "the satellite has a defect")),
    );
  }
}

function upgrade(parts: HttpDoorParts, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const refusal = refusalOf(request.headers, parts.site);
  if (refusal !== null) {
    parts.log("warn", "request.refused", { status: 403, why: refusal });
    answerUpgrade(socket, line(403, refusal)); // [T-3]
  } else if (pathOf(request) !== WEBSOCKET_PATH) {
    answerUpgrade(socket, line(404, `there is no WebSocket here: it is at ${WEBSOCKET_PATH}`)); // [T-1]
  } else {
    parts.webSocket.upgrade(request, socket, head);
  }
}

function route(parts: HttpDoorParts, request: IncomingMessage): Answer | Promise<Answer> {
  const file = pageFiles.get(pathOf(request));
  if (file !== undefined && wantsPage(request)) return { status: 200, ...file, headers: PAGE_HEADERS };
  const page = pages.get(pathOf(request));
  if (page === undefined) return line(404, "there is nothing here");
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
  ["/healthz", () => line(200, "ok")],
  ["/p", pipes],
  [WEBSOCKET_PATH, needsSubprotocol],
]);

async function pipes(
  { exchange, keyring, software }: HttpDoorParts,
  request: IncomingMessage,
): Promise<Answer> {
  const token = tokenIn(request.headers.authorization);
  const rights = keyring.rightsOf(token); // [T-4]
  if (rights === null) {
    throw new WireError(
      "unauthorized",
      token === null ? "this satellite wants a token: send it as a Bearer token" : "the token is wrong",
    );
  }
  const rows = await listPipes(exchange, rights, software);
  return { status: 200, type: "application/json", body: `${JSON.stringify(rows)}\n` };
}

function pathOf(request: IncomingMessage): string {
  return request.url?.split("?", 1)[0] ?? "";
}
