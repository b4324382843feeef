/** Which proxy leads to an address, as the environment says it and curl understands it. */
import net from "node:net";
import { isLoopback } from "./address.ts";
import { SkypipeError } from "./errors.ts";

export interface Proxy {
  /** `http:` or `https:`, with the name and password for it, if any. */
  readonly url: URL;
  /** The variable that names it. */
  readonly variable: string;
  /** For messages to people: `host:port`. */
  readonly text: string;
}

/** What is to be reached. */
export interface Destination {
  readonly isSecure: boolean;
  /** An IPv6 address in brackets. */
  readonly host: string;
  readonly port: number;
}

const PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/**
 * The proxy that leads there; `null`: none. This computer is never reached through one.
 *
 * @throws SkypipeError `usage` where the variable does not hold the address of an HTTP proxy
 */
export function proxyFor(destination: Destination, env: NodeJS.ProcessEnv): Proxy | null {
  if (isLoopback(destination.host)) return null;
  const variable = variablesFor(destination, env).find((name) => env[name] !== undefined);
  const value = variable === undefined ? undefined : env[variable];
  if (variable === undefined || value === undefined || value === "") return null;
  const excepted = env["no_proxy"] ?? env["NO_PROXY"] ?? "";
  return isExcepted(destination, excepted) ? null : parseProxy(variable, value);
}

function variablesFor({ isSecure }: Destination, env: NodeJS.ProcessEnv): string[] {
  const all = ["all_proxy", "ALL_PROXY"];
  if (isSecure) return ["https_proxy", "HTTPS_PROXY", ...all];
  // In CGI, HTTP_PROXY is what a client has sent as its header `Proxy`.
  return ["http_proxy", ...(env["REQUEST_METHOD"] === undefined ? ["HTTP_PROXY"] : []), ...all];
}

function parseProxy(variable: string, value: string): Proxy {
  const text = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : null;
  const standard = url === null ? undefined : PORTS[url.protocol];
  // The value is not repeated: it may hold a password.
  if (url === null || standard === undefined || url.hostname === "") {
    throw new SkypipeError(
      "usage",
      `${variable} does not hold the address of an HTTP proxy: set it to one, for example http://proxy.example.com:3128, or except the satellite's host with NO_PROXY.`,
    );
  }
  const port = url.port === "" ? standard : Number(url.port);
  return { url, variable, text: `${url.hostname}:${port}` };
}

/** A list of hosts with all that lies below them, each perhaps with a port; of addresses and blocks of them; or `*`. */
function isExcepted(destination: Destination, list: string): boolean {
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => entry === "*" || covers(entry, destination));
}

function covers(entry: string, { host, port }: Destination): boolean {
  const own = withoutBrackets(host.toLowerCase()).replace(/\.$/, "");
  const block = /^(.+)\/(\d+)$/.exec(entry);
  if (block !== null) return isInBlock(own, withoutBrackets(block[1] ?? ""), Number(block[2]));
  const isBareIpv6 = net.isIPv6(entry);
  const named = isBareIpv6 ? null : /^(.+):(\d+)$/.exec(entry);
  if (named !== null && Number(named[2]) !== port) return false;
  const name = withoutBrackets(named?.[1] ?? entry)
    .replace(/^\*?\.+/, "")
    .replace(/\.$/, "");
  if (net.isIP(own) !== 0) return net.isIP(name) !== 0 && isInBlock(own, name, net.isIPv4(name) ? 32 : 128);
  return own === name || own.endsWith(`.${name}`);
}

function isInBlock(address: string, network: string, bits: number): boolean {
  const family = net.isIPv4(address) ? "ipv4" : net.isIPv6(address) ? "ipv6" : null;
  if (family === null || net.isIP(network) !== net.isIP(address)) return false;
  if (bits > (family === "ipv4" ? 32 : 128)) return false;
  const block = new net.BlockList();
  block.addSubnet(network, bits, family);
  return block.check(address, family);
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}
