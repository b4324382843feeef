/** The HTTP port: the guard in front of everything, the few pages there are, and the way to the WebSocket. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Keyring } from "../keys/tokens.ts";
import { WireError } from "../wire/errors.ts";
import { type Limits, WEBSOCKET_PATH } from "../wire/limits.ts";
import type { PipeRow } from "../wire/messages.ts";
import type { Rights } from "../wire/rights.ts";
import { type Answer, accepts, answer, answerOf, answerUpgrade, line } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { ListFeed } from "./feed.ts";
import { refusalOf, type Site } from "./guard.ts";
import { type Asked, answerAboutPipes, isReading, ONLY_READ } from "./http-pipes.ts";
import { closeGently, hasUnreadBody, noteRequest } from "./leaving.ts";
import { listPipes } from "./listing.ts";
import type { Log } from "./log.ts";
import { targetOf } from "./parameters.ts";
import { Receipts } from "./receipts.ts";
import type { Desk } from "./visit.ts";
import { needsSubprotocol, type WebSocketDoor } from "./websocket.ts";

const HEADERS_MS = 10_000;
const KEEP_ALIVE_MS = 5_000;
/** How often the first of these is looked after. */
const CHECK_MS = 2_000;
/** Sockets besides those of sessions: requests, and handshakes that are going on. */
const SOCKETS_SPARE = 1_000;

/** For the feed, which only managers get. */
const MANAGER: Rights = { mayRead: () => false, mayWrite: () => false, mayManage: true };

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
    maxHeaderSize: parts.limits.headerBytesMax,
    headersTimeout: HEADERS_MS,
    requestTimeout: 0, // a stream may go on for ever
    // A client that is gone without a word is noticed, as a WebSocket's pings do [T-5].
    keepAlive: true,
    keepAliveInitialDelay: parts.limits.pingMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_MS,
  });
  server.maxConnections = parts.limits.sessionsMax + SOCKETS_SPARE;
  server.on("drop", () => parts.log("warn", "connection.refused", { why: "too many connections" }));
  const { exchange, software, limits, log } = parts;
  const list = (): Promise<PipeRow[]> => listPipes(parts, MANAGER);
  const feed = new ListFeed({ list, limits, log, isOpen: () => server.listening });
  const desk: Desk = { exchange, software, limits, receipts: new Receipts(limits), feed };
  for (const event of ["request", "checkContinue"]) {
    server.on(event, (request, response) => void respond(parts, desk, request, response));
  }
  server.on("upgrade", (request, socket, head) => upgrade(parts, request, socket, head));
  return server;
}

/** Answers a request that may be let in [T-3]. */
async function respond(
  parts: HttpDoorParts,
  desk: Desk,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.on("error", () => {}); // whoever reads it hears that it is over
  response.on("error", () => {});
  response.once("close", () => {
    const { statusCode: status, writableFinished: whole } = response;
    parts.log("debug", "request.close", { method: request.method, status, whole });
  });
  noteRequest(request);
  const asJson = accepts(request.headers.accept, "application/json");
  const refusal = refusalOf(request.headers, parts.site);
  if (refusal !== null) {
    parts.log("warn", "request.refused", { status: 403, why: refusal });
    finish(parts, request, response, answerOf(new WireError("forbidden", refusal), asJson));
    return;
  }
  try {
    const answered = await route(parts, desk, { request, response, asJson });
    if (answered !== null) finish(parts, request, response, answered);
  } catch (error) {
    if (!(error instanceof WireError)) parts.log("error", "request.defect", { error: String(error) });
    const told = error instanceof WireError ? error : new WireError("internal", "the satellite has a defect");
    finish(parts, request, response, answerOf(told, asJson));
  }
}

function finish(
  { limits }: HttpDoorParts,
  request: IncomingMessage,
  response: ServerResponse,
  answered: Answer,
): void {
  if (response.headersSent || response.destroyed) return;
  if (hasUnreadBody(request)) {
    closeGently(response, request.socket, limits.refusedMs); // [H-4]
    request.resume();
  }
  answer(response, answered);
}

function upgrade(parts: HttpDoorParts, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const refusal = refusalOf(request.headers, parts.site);
  if (refusal !== null) {
    parts.log("warn", "request.refused", { status: 403, why: refusal });
    answerUpgrade(socket, line(403, refusal)); // [T-3]
  } else if (targetOf(request.url).path !== WEBSOCKET_PATH) {
    answerUpgrade(socket, line(404, `there is no WebSocket here: it is at ${WEBSOCKET_PATH}`)); // [T-1]
  } else {
    parts.webSocket.upgrade(request, socket, head);
  }
}

async function route(parts: HttpDoorParts, desk: Desk, asked: Omit<Asked, "target">): Promise<Answer | null> {
  const { request } = asked;
  const target = targetOf(request.url);
  const page = pages.get(target.path);
  if (page !== undefined) return isReading(request.method) ? page() : ONLY_READ;
  const answered = await answerAboutPipes(desk, parts.keyring, { ...asked, target });
  return answered === undefined ? line(404, "there is nothing here") : answered;
}

const pages: ReadonlyMap<string, () => Answer> = new Map([
  ["/", () => ({ status: 200, body: HOME })],
  ["/healthz", () => line(200, "ok")],
  [WEBSOCKET_PATH, needsSubprotocol],
]);
