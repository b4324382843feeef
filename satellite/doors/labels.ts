/** What a stream is called: the headers that say it, on the way in [H-12] and on the way out [H-13]. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { create, parse } from "content-disposition";
import { WireError } from "../wire/errors.ts";
import type { StreamInfo } from "../wire/messages.ts";
import { fitsUtf8 } from "../wire/name.ts";

const TEXT = "text/plain; charset=utf-8";
const BINARY = "application/octet-stream";
/** What curl and wget say of every body: it is no statement about this one. */
const SAID_OF_EVERYTHING = "application/x-www-form-urlencoded";
/** PROTOCOL.md §4, of `name` and `contentType`. */
const LABEL_BYTES_MAX = 255;

/** What the headers of a write say of its stream. Throws WireError for a body that would not arrive as meant [H-11]. */
export function infoIn(headers: IncomingHttpHeaders): StreamInfo {
  const type = headers["content-type"]?.trim() ?? "";
  if (/^multipart\/form-data\b/i.test(type)) {
    throw new WireError(
      "usage",
      "a form is not unpacked: send the file itself, for example with curl -T FILE",
    );
  }
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new WireError("usage", "send it without Content-Encoding: what is encoded arrives encoded");
  }
  if (headers["content-range"] !== undefined) {
    throw new WireError("usage", "a stream is sent from its start: there is no Content-Range");
  }
  const size = sizeIn(headers["content-length"]);
  const name = fileNameIn(headers["content-disposition"]);
  const isType = /^[!-~][ -~]{0,254}$/.test(type) && !type.toLowerCase().startsWith(SAID_OF_EVERYTHING);
  return {
    ...(isType && { contentType: type }),
    ...(name !== null && { name }),
    ...(size !== null && { size }),
  };
}

/** The headers of a response that begins with a stream which is called so. */
export function headersFor(info: StreamInfo): OutgoingHttpHeaders {
  return {
    "content-type": info.kind === "binary" ? BINARY : TEXT,
    "content-disposition": info.name === undefined ? "attachment" : create(info.name),
    ...(info.contentType !== undefined && isHeaderValue(info.contentType)
      ? { "skypipe-content-type": info.contentType }
      : {}),
  };
}

/** The headers of a response that anything may come in. */
export const HEADERS_FOR_ANYTHING: OutgoingHttpHeaders = {
  "content-type": BINARY,
  "content-disposition": "attachment",
};

function sizeIn(length: string | undefined): number | null {
  if (length === undefined) return null;
  const size = Number(length);
  if (Number.isSafeInteger(size)) return size;
  throw new WireError("too-large", "a stream has at most 2^53-1 bytes"); // [F-1]
}

/** The last component of the file name that somebody gave, if it can be one. */
function fileNameIn(disposition: string | undefined): string | null {
  if (disposition === undefined) return null;
  try {
    const parsed = parse(disposition).parameters.filename ?? "";
    const given = /filename\*/i.test(disposition) ? parsed : asUtf8(parsed);
    const name = given.slice(Math.max(given.lastIndexOf("/"), given.lastIndexOf("\\")) + 1);
    const clean = name.replace(/[\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/gu, "").trim();
    return clean !== "" && fitsUtf8(clean, LABEL_BYTES_MAX) ? clean : null;
  } catch {
    return null; // no header that names a file
  }
}

/** Node reads headers as Latin-1, but what people type into a shell is UTF-8. */
function asUtf8(latin1: string): string {
  const text = Buffer.from(latin1, "latin1").toString();
  return text.includes("\ufffd") ? latin1 : text;
}

/** An end that speaks the protocol may say anything. */
function isHeaderValue(text: string): boolean {
  return /^[ -~]+$/.test(text);
}
