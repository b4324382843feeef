/** Requests on pipes: who may, and which verb does what (PROTOCOL.md §13). */
import type { IncomingMessage, ServerResponse } from "node:http";
import { WireError } from "../wire/errors.ts";
import type { Rights } from "../wire/rights.ts";
import { type Answer, line } from "./answer.ts";
import type { Gate } from "./gate.ts";
import { dropPipe, headPipe, showMetrics, showPipes } from "./http-manage.ts";
import { readPipe } from "./http-read.ts";
import { writePipe } from "./http-write.ts";
import { PIPE_METHODS, pipeIn, type Target } from "./parameters.ts";
import type { Desk, PipeVisit, Visit } from "./visit.ts";

/** `null`: it has answered, or nobody is there any more. */
type Answered = Promise<Answer | null>;

type PipeMethod = (typeof PIPE_METHODS)[number];

const ofPipe: Readonly<Record<PipeMethod, (visit: PipeVisit) => Answered>> = {
  GET: readPipe,
  HEAD: headPipe,
  PUT: writePipe,
  POST: writePipe,
  DELETE: dropPipe,
};

const pages: ReadonlyMap<string, (visit: Visit) => Answered> = new Map<string, (visit: Visit) => Answered>([
  ["/p", showPipes],
  ["/metrics", showMetrics],
]);

export interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: Target;
  readonly asJson: boolean;
}

/** Answers what is asked of pipes; `undefined` if it is something else. Throws WireError. */
export async function answerAboutPipes(
  desk: Desk,
  gate: Gate,
  { request, response, target, asJson }: Asked,
): Promise<Answer | null | undefined> {
  const { path, query } = target;
  const { method = "" } = request;
  const visit = async (): Promise<Visit> => {
    return { desk, request, response, query, asJson, rights: await rightsOf(gate, request) };
  };
  const page = pages.get(path);
  if (page !== undefined && isReading(method)) return page(await visit());
  const pipe = page === undefined ? pipeIn(path) : null;
  if (page === undefined && pipe === null) return undefined;
  const verb = isPipeMethod(method) ? ofPipe[method] : undefined;
  if (pipe === null || verb === undefined) gate.count(request); // [K-3]
  if (pipe === null) return ONLY_READ;
  if (verb === undefined) {
    return line(405, "a pipe is not asked that", { allow: PIPE_METHODS.join(", ") });
  }
  const asked = await visit();
  if (isBrowsing(request)) {
    throw new WireError("forbidden", "a link does not take what is in a pipe: read it with curl"); // [H-5]
  }
  return verb({ ...asked, pipe });
}

function isPipeMethod(method: string): method is PipeMethod {
  return PIPE_METHODS.some((known) => known === method);
}

export function isReading(method: string | undefined): boolean {
  return method === "GET" || method === "HEAD";
}

export const ONLY_READ: Answer = line(405, "this can only be read", { allow: "GET, HEAD" });

/** Throws WireError `unauthorized` or `limit` [H-3] [K-3]. */
async function rightsOf(gate: Gate, request: IncomingMessage): Promise<Rights> {
  const { rights } = await gate.admit(request); // [T-4]
  if (rights !== null) return rights;
  throw new WireError("unauthorized", "this satellite wants a token: send it as a Bearer token");
}

/** Whether a browser goes there, or thinks of it, instead of a program that reads what comes. */
function isBrowsing({ headers }: IncomingMessage): boolean {
  const purposes = [headers["sec-purpose"], headers.purpose].flat().join(" ");
  return headers["sec-fetch-mode"] === "navigate" || /prefetch|prerender/i.test(purposes);
}
