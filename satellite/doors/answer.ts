/** How the doors answer over HTTP, before or without a WebSocket. */
import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { errorTable, type WireError } from "../wire/errors.ts";

/** With every answer: it is data, it is nobody else's, and a browser that shows it runs none of it. */
export const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

const JSON_TYPE = "application/json";
/** Which tokens are read from where [T-4]. */
const CHALLENGES = ['Bearer realm="skypipe"', 'Basic realm="skypipe", charset="UTF-8"'];

/** When one who was too fast may come again [K-3]. */
const RETRY_S = 5;

export interface Answer {
  readonly status: number;
  /** `null`: there is none, not even an empty one. */
  readonly body: string | null;
  readonly type?: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** One line for a person. */
export function line(status: number, text: string, headers: OutgoingHttpHeaders = {}): Answer {
  return { status, body: `${text}\n`, headers };
}

export function json(value: unknown, status = 200): Answer {
  return { status, type: JSON_TYPE, body: `${JSON.stringify(value)}\n` };
}

/** Nothing to say: it is done. */
export const DONE: Answer = { status: 204, body: null };

/** What an error is over HTTP (PROTOCOL.md §10): a line, or JSON for who asks for that [H-4]. */
export function answerOf(error: WireError, asJson = false): Answer {
  const { code, message } = error;
  const status = errorTable[code].http ?? 500;
  const answered = asJson ? json({ code, message }, status) : line(status, message);
  return code === "limit"
    ? { ...answered, headers: { "retry-after": String(RETRY_S), connection: "close" } }
    : answered;
}

/** Whether `Accept` names a type. Who takes anything gets text. */
export function accepts(
  accept: string | undefined,
  type: "application/json" | "text/event-stream" | "text/html",
): boolean {
  return accept?.toLowerCase().includes(type) ?? false;
}

export function answer(response: ServerResponse, { status, body, type, headers }: Answer): void {
  response.writeHead(status, headersOf({ status, body, ...(type && { type }), ...(headers && { headers }) }));
  response.end(body ?? undefined);
}

/** Answers a request that wanted to become a WebSocket, and closes. */
export function answerUpgrade(socket: Duplex, refused: Answer): void {
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(written(refused));
}

/** An answer as it goes over a connection that is then closed. */
export function written(last: Answer): string {
  const headers = Object.entries({ ...headersOf(last), connection: "close" }).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${String(one)}`),
  );
  return [`HTTP/1.1 ${last.status} ${STATUS_CODES[last.status]}`, ...headers, "", last.body ?? ""].join(
    "\r\n",
  );
}

function headersOf({
  status,
  body,
  type = "text/plain; charset=utf-8",
  headers,
}: Answer): OutgoingHttpHeaders {
  return {
    ...HEADERS,
    ...(body !== null && { "content-type": type, "content-length": Buffer.byteLength(body) }),
    ...(status === 401 && { "www-authenticate": CHALLENGES }),
    ...headers,
  };
}
