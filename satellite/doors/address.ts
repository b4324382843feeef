/** Whose connection it is, for what is limited by address [K-5]. */
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";

/** Groups of an IPv6 address that one customer has. */
const NETWORK_GROUPS = 4;

/**
 * The address as the limits count it; `null` for a Unix socket. An address of IPv6 stands for its /64, as whoever has one
 * has all of them; one of IPv4 in the clothes of IPv6 is one of IPv4.
 */
export function countedAs(address: string | undefined): string | null {
  if (address === undefined) return null;
  const plain = address.replace(/%.*$/, "").toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (isIP(plain) !== 6) return plain;
  const [before = "", after] = plain.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  const gap = after === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  const groups = [...head, ...Array.from({ length: gap }, () => "0"), ...tail];
  return `${groups
    .slice(0, NETWORK_GROUPS)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}

/** The last address in a header that a proxy sets: those before it are what the client said. `null` where there is none. */
export function addressIn(headers: IncomingHttpHeaders, header: string): string | null {
  const values = [headers[header] ?? ""].flat().join(",");
  const last = values.slice(values.lastIndexOf(",") + 1).trim();
  return isIP(last) === 0 ? null : last;
}
