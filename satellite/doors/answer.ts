/** How the doors answer over HTTP, before or without a WebSocket. */
import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { errorTable, type WireError } from "../wire/errors.ts";

/** With every answer: it is data, it is nobody else's, and a browser that shows it runs none of it. */
const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

/** Which tokens are read from where [T-4]. */
const CHALLENGES = ['Bearer realm="skypipe"', 'Basic realm="skypipe", charset="UTF-8"'];

/** When one who was too fast may come again [K-3]. */
const RETRY_S = 5;

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One line for a person. */
export function line(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, body: `${text}\n`, headers };
}

/** What an error is over HTTP (PROTOCOL.md §10). */
export function answerOf(error: WireError): Answer {
  const headers = error.code === "limit" ? { "retry-after": String(RETRY_S), connection: "close" } : {};
  return line(errorTable[error.code].http ?? 500, error.message, headers);
}

export function answer(response: ServerResponse, { status, body, type, headers }: Answer): void {
  response.writeHead(status, headersOf({ status, body, ...(type && { type }), ...(headers && { headers }) }));
  response.end(body);
}

/** Answers a request that wanted to become a WebSocket, and closes. */
export function answerUpgrade(socket: Duplex, refused: Answer): void {
  const headers = Object.entries({ ...headersOf(refused), connection: "close" }).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${one}`),
  );
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(
    [`HTTP/1.1 ${refused.status} ${STATUS_CODES[refused.status]}`, ...headers, "", refused.body].join("\r\n"),
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
    ...headers,
    ...(status === 401 && { "www-authenticate": CHALLENGES }),
    "content-type": type,
    "content-length": Buffer.byteLength(body),
  };
}
