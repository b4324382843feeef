import type { LookupFunction } from "node:net";

/** As `dns.lookup`; names below `localhost` are this computer (RFC 6761 §6.3), whether or not its resolver knows. */
export const lookupLoopback: LookupFunction = (hostname, options, callback) => {
  const dns = process.getBuiltinModule("node:dns"); // not needed for an address, or a socket's path
  dns.lookup(/\.localhost\.?$/i.test(hostname) ? "localhost" : hostname, options, callback);
};
