/** The HTTP port: the guard in front of everything, the few pages there are, and the way to the WebSocket. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { WireError } from "../wire/errors.ts";
import { type Limits, WEBSOCKET_PATH } from "../wire/limits.ts";
import type { PipeRow } from "../wire/messages.ts";
import { ALL } from "../wire/rights.ts";
import { type Answer, accepts, answer, answerOf, answerUpgrade, line } from "./answer.ts";
import { admitElsewhere } from "./elsewhere.ts";
import type { Exchange } from "./exchange.ts";
import { ListFeed } from "./feed.ts";
import type { Gate } from "./gate.ts";
import { refusalOf, type Site } from "./guard.ts";
import { type Asked, answerAboutPipes, isReading, ONLY_READ } from "./http-pipes.ts";
import { closeGently, hasUnreadBody, noteRequest } from "./leaving.ts";
import { listPipes } from "./listing.ts";
import type { Log } from "./log.ts";
import { answerMalformed } from "./malformed.ts";
import { PAGE_HEADERS, pageFiles } from "./page/files.ts";
import { targetOf } from "./parameters.ts";
import { Receipts } from "./receipts.ts";
import type { Desk } from "./visit.ts";
import { needsSubprotocol, type WebSocketDoor } from "./websocket.ts";

/** How often `headersMs` is looked after. */
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
  const { exchange, gate, software, limits, log } = parts;
  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersMs,
    requestTimeout: 0, // a stream may go on for ever
    // A client that is gone without a word is noticed, as a WebSocket's pings do [T-5].
    keepAlive: true,
    keepAliveInitialDelay: limits.pingMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: CHECK_MS,
  });
  server.maxHeadersCount = limits.headersMax;
  server.maxConnections = limits.sessionsMax + limits.strangersMax;
  server.on("connection", (socket) => gate.arrived(socket));
  server.on("drop", () => parts.log("warn", "connection.refused", { why: "too many connections" }));
  const list = (): Promise<PipeRow[]> => listPipes(parts, ALL, true); // for the feed, which only the root token gets
  const feed = new ListFeed({ list, limits, log, isOpen: () => server.listening });
  const desk: Desk = { exchange, software, limits, receipts: new Receipts(limits), feed };
  for (const event of ["request", "checkContinue"]) {
    server.on(event, (request, response) => void respond(parts, desk, request, response));
  }
  answerMalformed(server, limits);
  server.on("upgrade", (request, socket, head) => void upgrade(parts, request, socket, head));
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
  try {
    const answered =
      (await admit(parts, request, response)) ?? (await route(parts, desk, { request, response, asJson }));
    if (answered !== null) finish(parts, request, response, answered);
  } catch (error) {
    finish(parts, request, response, answerOf(failureOf(parts, error), asJson));
  }
}

/** `null`: it goes on. Throws WireError `forbidden` for what a web page elsewhere may have asked [T-3] without a link [H-23]. */
async function admit(
  parts: HttpDoorParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer | null> {
  const refusal = refusalOf(request.headers, parts.site, targetOf(request.url).path === "/");
  if (refusal === null) return null;
  const admitted = await admitElsewhere(parts, request, response);
  if (admitted === null) refuse(parts, request, refusal);
  return admitted === "go on" ? null : admitted;
}

/** Throws WireError `forbidden`, or `limit` for one too many. */
function refuse(parts: HttpDoorParts, request: IncomingMessage, refusal: string): never {
  parts.gate.count(request);
  parts.log("warn", "request.refused", { status: 403, why: refusal });
  throw new WireError("forbidden", refusal);
}

function failureOf(parts: HttpDoorParts, error: unknown): WireError {
  if (error instanceof WireError) return error;
  parts.log("error", "request.defect", { error: String(error) });
  return new WireError("internal", "the satellite has a defect");
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

async function upgrade(
  parts: HttpDoorParts,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const giveUp = (): void => void socket.destroy();
  socket.on("error", giveUp); // until the WebSocket has it
  try {
    const refusal = refusalOf(request.headers, parts.site);
    if (refusal !== null) refuse(parts, request, refusal); // [T-3]
    if (targetOf(request.url).path === WEBSOCKET_PATH) await parts.webSocket.upgrade(request, socket, head);
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

async function route(parts: HttpDoorParts, desk: Desk, asked: Omit<Asked, "target">): Promise<Answer | null> {
  const { request } = asked;
  const target = targetOf(request.url);
  const page = pageAt(target.path, request.headers.accept);
  if (page !== undefined) {
    if (target.path !== HEALTH_PATH) parts.gate.count(request); // [K-3]
    return isReading(request.method) ? page() : ONLY_READ;
  }
  const answered = await answerAboutPipes(desk, parts.gate, { ...asked, target });
  if (answered !== undefined) return answered;
  parts.gate.count(request);
  return line(404, "there is nothing here");
}

/** What is there for everybody. At `/` those who have no browser get a few lines [H-22]. */
function pageAt(path: string, accept: string | undefined): (() => Answer) | undefined {
  const file = path === "/" && !accepts(accept, "text/html") ? undefined : pageFiles.get(path);
  return file === undefined ? pages.get(path) : () => ({ status: 200, ...file, headers: PAGE_HEADERS });
}

const pages: ReadonlyMap<string, () => Answer> = new Map([
  ["/", () => ({ status: 200, body: HOME })],
  [HEALTH_PATH, () => line(200, "ok")],
  [WEBSOCKET_PATH, needsSubprotocol],
]);
