/** Pages of other origins: none gets in, but one that shows a link [H-23]. */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Answer } from "./answer.ts";
import type { Gate } from "./gate.ts";
import { answersTo, type Site } from "./guard.ts";
import { isOfPipe, PIPE_METHODS, targetOf } from "./parameters.ts";

/** How long a browser may go by it: Chromium's most. */
const PREFLIGHT_S = "7200";

/**
 * What becomes of a request that the guard has refused: `go on`, where it shows a link, with what lets its page read the
 * answer already in `response`; an answer, to a preflight; `null`: it stays refused.
 *
 * @throws WireError `limit`
 */
export async function admitElsewhere(
  { gate, site }: { readonly gate: Gate; readonly site: Site },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer | "go on" | null> {
  const { headers, method, url } = request;
  const { origin } = headers;
  if (origin === undefined || !isOfPipe(targetOf(url).path) || !answersTo(headers, site)) return null;
  if (method === "OPTIONS" && isPreflight(headers)) {
    if (!(await gate.wantsToken())) return null;
    gate.count(request); // [K-3]
    return { status: 204, body: null, headers: leaveToAsk(origin) };
  }
  if (!(await gate.showsLink(request))) return null;
  response.setHeaders(new Map(Object.entries(leaveToRead(origin))));
  return "go on";
}

/** Whether it asks for a request that will show a token. */
function isPreflight(headers: IncomingHttpHeaders): boolean {
  const named = headers["access-control-request-headers"]?.toLowerCase().split(",") ?? [];
  return (
    Boolean(headers["access-control-request-method"]) && named.some((name) => name.trim() === "authorization")
  );
}

/** The same for all: a preflight shows no token, and so is told nothing that takes one to know. */
function leaveToAsk(origin: string): OutgoingHttpHeaders {
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": PIPE_METHODS.join(", "),
    "access-control-allow-headers": "Authorization, Content-Type, Content-Disposition, Idempotency-Key",
    "access-control-max-age": PREFLIGHT_S,
    vary: "Origin",
  };
}

/** Never with credentials: a browser adds no token of its own. */
function leaveToRead(origin: string): Record<string, string> {
  return {
    "access-control-allow-origin": origin,
    "access-control-expose-headers": "Content-Disposition, Retry-After, Skypipe-Content-Type",
    vary: "Origin",
  };
}
