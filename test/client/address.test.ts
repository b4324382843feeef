import { describe, expect, it } from "vitest";
import { parseAddress, refuseOpenToken } from "../../cli/client/address.ts";
import { checkOptions, checkPipe } from "../../cli/client/options.ts";

describe("an address", () => {
  it.each([
    ["ws://host", "ws://host/ws", "host:80"],
    ["http://127.0.0.1:8080", "ws://127.0.0.1:8080/ws", "127.0.0.1:8080"],
    ["wss://host/", "wss://host/ws", "host:443"],
    ["https://host:8443/base/", "wss://host:8443/base/ws", "host:8443"],
    ["http://[::1]:1/ws", "ws://[::1]:1/ws", "[::1]:1"],
  ])("%s", (text, url, shown) => {
    expect(parseAddress(text)).toMatchObject({ url, text: shown, socketPath: null, token: null });
  });

  it("may be a Unix socket, with colons in its path", () => {
    expect(parseAddress("unix:/run/a:b")).toEqual({
      url: "ws://localhost/ws",
      socketPath: "/run/a:b",
      host: "/run/a:b",
      port: 0,
      text: "/run/a:b",
      token: null,
    });
  });

  it("may carry the token as its password, which is shown nowhere", () => {
    const address = parseAddress("https://me:a%2Fb@host");
    expect(address.token).toBe("a/b");
    expect(address.url + address.text).not.toContain("b@");
  });

  it.each(["", "host", "ftp://secret@host", "unix:", "http://", "host:80"])("%j is refused", (text) => {
    expect(() => parseAddress(text)).toThrow(
      expect.objectContaining({ code: "usage", exitCode: 2 }) as Error,
    );
    expect(() => parseAddress(text)).not.toThrow(/secret/);
  });
});

describe("[T-4] a token", () => {
  it.each([
    "http://127.0.0.1:1",
    "ws://localhost",
    "http://x.localhost",
    "http://[::1]",
    "unix:/s",
    "https://host",
  ])("goes to %s", (text) => {
    expect(() => refuseOpenToken(parseAddress(text), {})).not.toThrow();
  });

  it.each(["http://host", "ws://10.0.0.1", "http://127.0.0.1.example.org"])(
    "does not go to %s, unless SKYPIPE_INSECURE says so",
    (text) => {
      expect(() => refuseOpenToken(parseAddress(text), {})).toThrow(/SKYPIPE_INSECURE=1/);
      expect(() => refuseOpenToken(parseAddress(text), { SKYPIPE_INSECURE: "1" })).not.toThrow();
    },
  );
});

describe("names and options", () => {
  it("[C-4] refuses a pipe name that breaks the rule before it travels", () => {
    expect(() => checkPipe("a".repeat(201))).toThrow(/at most 200 bytes/);
    expect(() => checkPipe("a\nb")).toThrow(expect.objectContaining({ code: "usage" }) as Error);
    expect(() => checkPipe("")).not.toThrow();
  });

  it("[C-1] refuses what would cost the connection, and leaves out what is not set", () => {
    expect(() => checkOptions({ name: "ü".repeat(128) })).toThrow(/'name'.*255 bytes/);
    expect(() => checkOptions({ ttlMs: -1 })).toThrow(/'ttlMs'/);
    expect(() => checkOptions({ limitBytes: 1.5 })).toThrow(/'limitBytes'/);
    expect(checkOptions({ size: 3, sync: true, ...({ name: undefined } as object) })).toEqual({
      size: 3,
      sync: true,
    });
  });
});
