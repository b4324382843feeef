/** The API's HTTP side: who asks, what for, whether that is allowed by the contract, and what shall go wrong. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { currentToken, listRegions } from "./account-handlers.ts";
import { assignAddress, createApp, deleteApp, getApp, listAddresses, listApps } from "./app-handlers.ts";
import type { Handler, Machines, Reply } from "./call.ts";
import type { Contract } from "./contract.ts";
import { type Faults, LostRequest, Raw } from "./faults.ts";
import * as machine from "./machine-handlers.ts";
import type { Rates } from "./rates.ts";
import { Refusal } from "./refusal.ts";
import { randomId, type State } from "./state.ts";
import { createVolume, deleteVolume, listVolumes } from "./volume-handlers.ts";
import { tokenOf } from "./who.ts";

const routes: readonly (readonly [method: string, path: RegExp, handler: Handler])[] = [
  ["GET", /^\/platform\/regions$/, listRegions],
  ["GET", /^\/tokens\/current$/, currentToken],
  ["GET", /^\/apps$/, listApps],
  ["POST", /^\/apps$/, createApp],
  ["GET", /^\/apps\/([^/]+)$/, getApp],
  ["DELETE", /^\/apps\/([^/]+)$/, deleteApp],
  ["GET", /^\/apps\/([^/]+)\/ip_assignments$/, listAddresses],
  ["POST", /^\/apps\/([^/]+)\/ip_assignments$/, assignAddress],
  ["GET", /^\/apps\/([^/]+)\/volumes$/, listVolumes],
  ["POST", /^\/apps\/([^/]+)\/volumes$/, createVolume],
  ["DELETE", /^\/apps\/([^/]+)\/volumes\/([^/]+)$/, deleteVolume],
  ["GET", /^\/apps\/([^/]+)\/machines$/, machine.listMachines],
  ["POST", /^\/apps\/([^/]+)\/machines$/, machine.createMachine],
  ["GET", /^\/apps\/([^/]+)\/machines\/([^/]+)$/, machine.getMachine],
  ["POST", /^\/apps\/([^/]+)\/machines\/([^/]+)$/, machine.updateMachine],
  ["DELETE", /^\/apps\/([^/]+)\/machines\/([^/]+)$/, machine.deleteMachine],
  ["GET", /^\/apps\/([^/]+)\/machines\/([^/]+)\/wait$/, machine.waitMachine],
  ["POST", /^\/apps\/([^/]+)\/machines\/([^/]+)\/start$/, machine.startMachine],
  ["POST", /^\/apps\/([^/]+)\/machines\/([^/]+)\/lease$/, machine.acquireLease],
  ["DELETE", /^\/apps\/([^/]+)\/machines\/([^/]+)\/lease$/, machine.releaseLease],
  ["POST", /^\/apps\/([^/]+)\/machines\/([^/]+)\/metadata\/([^/]+)$/, machine.setMetadata],
];

export interface ApiParts {
  readonly state: State;
  readonly machines: Machines;
  readonly faults: Faults;
  readonly contract: Contract | null;
  /** `null`: as many requests as one likes. */
  readonly rates: Rates | null;
  /** `METHOD /path` of every request, in order. */
  readonly requests: string[];
  /** From the arrival of each request to its answer. */
  readonly spans: Span[];
  readonly violations: string[];
}

/** Milliseconds, as `performance.now` counts them. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Answer extends Reply {
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server that does not listen yet. */
export function createApi(parts: ApiParts): Server {
  return createServer((request, response) => void serve(parts, request, response));
}

async function serve(parts: ApiParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://api");
  const method = request.method ?? "GET";
  const path = url.pathname.replace(/^\/v1/, "");
  const text = await readAll(request);
  parts.requests.push(`${method} ${path}`);
  const fromMs = performance.now();
  response.once("close", () => parts.spans.push({ fromMs, toMs: performance.now() }));
  try {
    const lose = await parts.faults.meet(`${method} ${path}`);
    parts.rates?.take(method, path, performance.now());
    const reply = await handle(parts, request, method, path, url, text);
    lose?.();
    if (lose !== null) throw new LostRequest();
    send(response, reply);
  } catch (error) {
    if (error instanceof Refusal) {
      send(response, error);
      return;
    }
    request.socket.destroy(); // the answer is lost, or this stand-in has a defect
    if (!(error instanceof LostRequest)) parts.violations.push(`the stand-in failed: ${String(error)}`);
  }
}

async function handle(
  parts: ApiParts,
  request: IncomingMessage,
  method: string,
  path: string,
  url: URL,
  text: string,
): Promise<Reply> {
  const body = text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>);
  const violation = url.pathname.startsWith("/v1/")
    ? (parts.contract?.check(method, path, url.searchParams, body) ?? null)
    : `${url.pathname} is not below /v1`;
  if (violation !== null) {
    parts.violations.push(violation);
    throw new Refusal(400, violation);
  }
  const { state, machines } = parts;
  const token = tokenOf(state, request.headers.authorization);
  for (const [verb, pattern, handler] of routes) {
    const match = verb === method ? pattern.exec(path) : null;
    if (match === null) continue;
    const parameters = match.slice(1).map(decodeURIComponent);
    refuseUnknown(state, path, parameters[0]);
    const call = {
      query: url.searchParams,
      body: body ?? {},
      headers: request.headers,
      token,
      state,
      machines,
    };
    return handler(call, ...parameters);
  }
  parts.violations.push(`the stand-in has no ${method} ${path}`);
  throw new Refusal(404, "not found");
}

/** What was just made is not known everywhere. */
function refuseUnknown(state: State, path: string, name = ""): void {
  const app = state.apps.get(name);
  if (app === undefined || app.unknownFor === 0 || !/^\/apps\/[^/]+\/./.test(path)) return;
  app.unknownFor -= 1;
  throw new Refusal(404, "app not found");
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  const isRaw = body instanceof Raw;
  response.writeHead(status, {
    "content-type": isRaw ? "text/html" : "application/json; charset=utf-8",
    "fly-request-id": `01STANDIN-${randomId(4)}`,
    ...headers,
  });
  response.end(isRaw ? body.text : body === null ? "" : JSON.stringify(body));
}

async function readAll(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}
