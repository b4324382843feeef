/** A channel through an HTTP proxy: CONNECT (RFC 9110 §9.3.6). */
import http, { type ClientRequest, type IncomingMessage } from "node:http";
import net from "node:net";
import { certificateError } from "./certificate.ts";
import { SkypipeError } from "./errors.ts";
import type { Proxy } from "./proxy.ts";
import { reasonOf } from "./reasons.ts";

/** What a proxy answers that may be better in a moment: it is busy, or does not reach the satellite. */
const TRANSIENT: readonly number[] = [408, 429, 500, 502, 503, 504];

/**
 * Resolves when the proxy has connected; what the satellite has said already is put back.
 *
 * @param to host, an IPv6 address in brackets, and port
 * @throws SkypipeError `unreachable` where trying again is of no use; else an Error with the reason
 */
export async function tunnel(
  proxy: Proxy,
  to: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<net.Socket> {
  const { url } = proxy;
  const target = `${to.host}:${to.port}`;
  // Loaded only where it is used: TLS costs several milliseconds.
  const { request: requestOver } = url.protocol === "https:" ? (await import("node:https")).default : http;
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const request = requestOver({
    agent: false,
    host,
    servername: net.isIP(host) === 0 ? host : "", // else it would be taken from the header
    port: url.port === "" ? undefined : url.port,
    method: "CONNECT",
    path: target,
    headers: { host: target, ...authorization(url) },
    signal,
  });
  return connected(request, proxy, target);
}

function connected(request: ClientRequest, proxy: Proxy, target: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    request.once("error", (error) => reject(proxyError(error, proxy)));
    request.once("connect", (response: IncomingMessage, socket: net.Socket, head: Buffer) => {
      socket.on("error", () => undefined); // the caller's from now on
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) {
        if (head.length > 0) socket.unshift(head);
        resolve(socket.setNoDelay(true));
        return;
      }
      socket.destroy();
      reject(refusal(status, proxy, target));
    });
    request.end();
  });
}

function authorization({ username, password }: URL): http.OutgoingHttpHeaders {
  if (username === "" && password === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** Says of a failed connection that it is that to the proxy. */
function proxyError(cause: NodeJS.ErrnoException, { text, variable }: Proxy): Error {
  return (
    certificateError(cause, text) ??
    new Error(`the proxy at ${text}, which ${variable} names, can't be reached: ${reasonOf(cause)}`, {
      cause,
    })
  );
}

function refusal(status: number, { text, url, variable }: Proxy, target: string): Error {
  if (TRANSIENT.includes(status)) return new Error(`the proxy at ${text} answered HTTP ${status}`);
  const what =
    status !== 407
      ? `does not let skypipe through to ${target} (HTTP ${status}): ask whoever runs it, or except the host with NO_PROXY`
      : url.username === ""
        ? `asks for a name and a password: put them into ${variable}, as in http://name:password@${text}`
        : `does not accept the name and the password that are in ${variable}: correct them`;
  return new SkypipeError("unreachable", `The proxy at ${text} ${what}.`);
}
