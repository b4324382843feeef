/** Requests on pipes: who may, and which verb does what (PROTOCOL.md §13). */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Keyring, tokenIn } from "../keys/tokens.ts";
import { WireError } from "../wire/errors.ts";
import type { Rights } from "../wire/rights.ts";
import { type Answer, line } from "./answer.ts";
import { dropPipe, headPipe, showMetrics, showPipes } from "./http-manage.ts";
import { readPipe } from "./http-read.ts";
import { writePipe } from "./http-write.ts";
import { pipeIn, type Target } from "./parameters.ts";
import type { Desk, PipeVisit, Visit } from "./visit.ts";

/** `null`: it has answered, or nobody is there any more. */
type Answered = Promise<Answer | null>;

const ofPipe: ReadonlyMap<string, (visit: PipeVisit) => Answered> = new Map<
  string,
  (visit: PipeVisit) => Answered
>([
  ["GET", readPipe],
  ["HEAD", headPipe],
  ["PUT", writePipe],
  ["POST", writePipe],
  ["DELETE", dropPipe],
]);

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
  keyring: Keyring,
  { request, response, target, asJson }: Asked,
): Promise<Answer | null | undefined> {
  const { path, query } = target;
  const { method = "" } = request;
  const visit = (): Visit => {
    return { desk, request, response, query, asJson, rights: rightsOf(keyring, request) };
  };
  const page = pages.get(path);
  if (page !== undefined) return isReading(method) ? page(visit()) : ONLY_READ;
  const pipe = pipeIn(path);
  if (pipe === null) return undefined;
  const verb = ofPipe.get(method);
  if (verb === undefined) {
    return line(405, "a pipe is not asked that", { allow: [...ofPipe.keys()].join(", ") });
  }
  const asked = visit();
  if (isBrowsing(request)) {
    throw new WireError("forbidden", "a link does not take what is in a pipe: read it with curl"); // [H-5]
  }
  return verb({ ...asked, pipe });
}

export function isReading(method: string | undefined): boolean {
  return method === "GET" || method === "HEAD";
}

export const ONLY_READ: Answer = line(405, "this can only be read", { allow: "GET, HEAD" });

/** Throws WireError `unauthorized` [H-3]. */
function rightsOf(keyring: Keyring, request: IncomingMessage): Rights {
  const token = tokenIn(request.headers.authorization);
  const rights = keyring.rightsOf(token); // [T-4]
  if (rights !== null) return rights;
  throw new WireError(
    "unauthorized",
    token === null ? "this satellite wants a token: send it as a Bearer token" : "the token is wrong",
  );
}

/** Whether a browser goes there, or thinks of it, instead of a program that reads what comes. */
function isBrowsing({ headers }: IncomingMessage): boolean {
  const purposes = [headers["sec-purpose"], headers.purpose].flat().join(" ");
  return headers["sec-fetch-mode"] === "navigate" || /prefetch|prerender/i.test(purposes);
}
