/** The handshake of WebSocket (RFC 6455 §4), as text: what is asked, and what is answered. Pure. */
import { SUBPROTOCOL } from "./limits.ts";

/** What a key is joined with before it is hashed (RFC 6455 §1.3). */
export const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** The head of an answer that is longer is none that a satellite gives. */
const ANSWER_BYTES_MAX = 16 * 1024;

export interface Handshake {
  /** Host and port, as `Host` has them. */
  readonly host: string;
  readonly path: string;
  /** 16 random bytes in base64. */
  readonly key: string;
  readonly token: string | undefined;
}

export function requestText({ host, path, key, token }: Handshake): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
    `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`, // [T-1]
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]), // [T-4]
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** What a server says that has agreed. */
export function acceptanceText(accept: string): string {
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`,
    "",
    "",
  ].join("\r\n");
}

export interface HandshakeAnswer {
  readonly status: number;
  /** Names in lower case; what came twice is joined by a comma. */
  readonly headers: ReadonlyMap<string, string>;
  /** What came behind the head. */
  readonly rest: Uint8Array;
}

/** Reads the answer to a handshake, however it is split. */
export class AnswerReader {
  #bytes: Uint8Array = new Uint8Array(0);

  /** Takes what came; `null` while the head is not whole, and an error's text for what is no answer. */
  push(bytes: Uint8Array): HandshakeAnswer | string | null {
    const from = Math.max(0, this.#bytes.length - 3);
    const joined = new Uint8Array(this.#bytes.length + bytes.length);
    joined.set(this.#bytes);
    joined.set(bytes, this.#bytes.length);
    this.#bytes = joined;
    if (!startsLikeHttp(joined)) return "it does not speak HTTP";
    const end = endOfHead(joined, from);
    if (end === -1) return joined.length > ANSWER_BYTES_MAX ? "its answer does not end" : null;
    return parseHead(latin1(joined.subarray(0, end)), joined.subarray(end));
  }
}

function startsLikeHttp(bytes: Uint8Array): boolean {
  const wanted = "HTTP/1.";
  const length = Math.min(wanted.length, bytes.length);
  return latin1(bytes.subarray(0, length)) === wanted.slice(0, length);
}

/** Behind the empty line. */
function endOfHead(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 4 <= bytes.length; at++) {
    if (bytes[at] === 13 && bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10)
      return at + 4;
  }
  return -1;
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function parseHead(head: string, rest: Uint8Array): HandshakeAnswer | string {
  const [first = "", ...lines] = head.split("\r\n").filter((line) => line !== "");
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1];
  if (status === undefined) return "it does not speak HTTP";
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) return "a header of its answer is broken";
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { status: Number(status), headers, rest };
}

/** What is wrong with an answer of status 101; `null`: nothing. */
export function refusalOf({ headers }: HandshakeAnswer, accept: string): string | null {
  const has = (name: string, token: string): boolean =>
    (headers.get(name) ?? "")
      .toLowerCase()
      .split(",")
      .some((part) => part.trim() === token);
  if (!has("upgrade", "websocket") || !has("connection", "upgrade")) return "it did not change to WebSocket";
  if (headers.get("sec-websocket-accept") !== accept) return "Sec-WebSocket-Accept is wrong";
  if (headers.has("sec-websocket-extensions")) return "it wants an extension that nobody has offered"; // [T-2]
  if (headers.get("sec-websocket-protocol") !== SUBPROTOCOL) return `it does not speak ${SUBPROTOCOL}`; // [T-1]
  return null;
}
