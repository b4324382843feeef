/** [T-3] as a table: who is let in, by Host, Origin and Sec-Fetch-Site. */
import { describe, expect, it } from "vitest";
import { type GuardedHeaders, isLoopback, refusalOf, siteOf } from "../../satellite/doors/guard.ts";

const loopback = siteOf("127.0.0.1");
const given = siteOf("localhost", ["Pipes.Example", "::7", "with.port:80"]);
const otherLoopback = siteOf("127.0.0.5");
const ipv6 = siteOf("::1");
const socket = siteOf(null);
const socketGiven = siteOf(null, ["pipes.example"]);
const open = siteOf("0.0.0.0");
const openGiven = siteOf("0.0.0.0", ["pipes.example"]);

const hosts: [site: ReturnType<typeof siteOf>, host: string | undefined, isLetIn: boolean][] = [
  [loopback, "localhost", true],
  [loopback, "LocalHost:8080", true],
  [loopback, "127.0.0.1:1", true],
  [loopback, "[::1]:65535", true],
  [loopback, undefined, false],
  [loopback, "", false],
  [loopback, ":80", false],
  [loopback, "evil.example", false],
  [loopback, "localhost.evil.example", false],
  [loopback, "127.0.0.1.evil.example", false],
  [loopback, "evil.example:80@localhost", false],
  [loopback, "localhost/evil", false],
  [loopback, "localhost#evil.example", false],
  [loopback, "localhost:80:80", false],
  [loopback, "localhost:http", false],
  [loopback, "local host", false],
  [loopback, "127.0.0.2", false],
  [loopback, "::1", false],
  [loopback, "[::2]", false],
  [loopback, "pipes.example", false],
  [given, "pipes.example:99", true],
  [given, "PIPES.EXAMPLE", true],
  [given, "[::7]", true],
  [given, "with.port:9000", true],
  [given, "localhost", true],
  [given, "more.pipes.example", false],
  [otherLoopback, "127.0.0.5:80", true],
  [otherLoopback, "127.0.0.6:80", false],
  [ipv6, "[::1]:80", true],
  [socket, "localhost", true],
  [socket, "skypipe", true],
  [socket, "evil.example", false],
  [socket, "127.0.0.1", false],
  [socket, "[::1]", false],
  [socket, undefined, false],
  [socketGiven, "pipes.example", true],
  [open, "anything.example", true],
  [open, "10.0.0.1:80", true],
  [open, undefined, false],
  [open, "not a host", false],
  [openGiven, "pipes.example", true],
  [openGiven, "other.example", false],
  [openGiven, "10.0.0.1", false],
];

const origins: [host: string, origin: string, isLetIn: boolean][] = [
  ["localhost:8080", "http://localhost:8080", true],
  ["LOCALHOST:8080", "http://localhost:8080", true],
  ["localhost", "http://localhost", true],
  ["localhost:80", "http://localhost", true],
  ["localhost:443", "https://localhost", true],
  ["[::1]:8080", "http://[::1]:8080", true],
  ["localhost:8080", "http://localhost:8081", false],
  ["localhost:8080", "http://localhost", false],
  ["localhost:8080", "http://127.0.0.1:8080", false],
  ["localhost:8080", "http://evil.example", false],
  ["localhost:8080", "http://localhost:8080.evil.example", false],
  ["localhost:8080", "null", false],
  ["localhost:8080", "", false],
  ["localhost:8080", "file://", false],
  ["localhost:8080", "chrome-extension://localhost:8080", false],
  ["localhost:8080", "localhost:8080", false],
  ["localhost:8080", "http://", false],
];

const sites: [value: string, isLetIn: boolean][] = [
  ["same-origin", true],
  ["none", true],
  ["same-site", false],
  ["cross-site", false],
];

describe("guard", () => {
  it.each(hosts)("[T-3] on %o, Host %o is let in: %o", (site, host, isLetIn) => {
    const headers: GuardedHeaders = host === undefined ? {} : { host };
    expect(refusalOf(headers, site) === null).toBe(isLetIn);
  });

  it.each(origins)("[T-3] with Host %o, Origin %o is let in: %o", (host, origin, isLetIn) => {
    expect(refusalOf({ host, origin }, loopback) === null).toBe(isLetIn);
  });

  it.each(sites)("[T-3] Sec-Fetch-Site %o is let in: %o", (value, isLetIn) => {
    expect(refusalOf({ host: "localhost", "sec-fetch-site": value }, loopback) === null).toBe(isLetIn);
  });

  it.each([
    ["navigate", "document", true],
    ["navigate", "iframe", false],
    ["no-cors", "image", false],
    ["cors", "empty", false],
  ])(
    "[H-22] from another site, mode %o and destination %o may ask for the page: %o",
    (mode, dest, isLetIn) => {
      const headers = {
        host: "localhost",
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": mode,
        "sec-fetch-dest": dest,
      };
      expect(refusalOf(headers, loopback, true) === null).toBe(isLetIn);
      expect(refusalOf(headers, loopback)).not.toBeNull();
      expect(refusalOf({ ...headers, host: "evil.example" }, loopback, true)).not.toBeNull();
      expect(refusalOf({ ...headers, origin: "https://evil.example" }, loopback, true)).not.toBeNull();
    },
  );

  it("[T-3] refuses a foreign Origin on a host that answers to every Host too", () => {
    const headers = { host: "pipes.example", origin: "https://evil.example" };
    expect(refusalOf(headers, open)).toMatch(/origin/i);
    expect(refusalOf({ ...headers, origin: "https://pipes.example" }, open)).toBeNull();
  });

  it("[T-3] refuses a page that was rebound to loopback, though its Origin is its Host", () => {
    const headers = { host: "evil.example:8080", origin: "http://evil.example:8080" };
    expect(refusalOf(headers, loopback)).toMatch(/Host/);
  });

  it("refuses to answer to what is no name", () => {
    expect(() => siteOf("127.0.0.1", ["http://pipes.example/"])).toThrow(/'http:\/\/pipes.example\/'/);
  });

  it.each([
    ["localhost", true],
    ["127.0.0.1", true],
    ["127.8.9.10", true],
    ["::1", true],
    ["[::1]", true],
    ["0.0.0.0", false],
    ["::", false],
    ["10.0.0.1", false],
    ["127.0.0.1.evil.example", false],
    ["localhost.evil.example", false],
    ["", false],
  ])("%o is loopback: %o", (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});
