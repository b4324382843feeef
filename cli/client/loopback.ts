import dns from "node:dns";
import type { LookupFunction } from "node:net";

/** As `dns.lookup`; names below `localhost` are this computer (RFC 6761 §6.3), whether or not its resolver knows. */
export const lookupLoopback: LookupFunction = (hostname, options, callback) => {
  dns.lookup(/\.localhost\.?$/i.test(hostname) ? "localhost" : hostname, options, callback);
};
