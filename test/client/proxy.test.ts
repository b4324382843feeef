/** Which proxy leads where, by the variables that curl knows. */
import { describe, expect, it } from "vitest";
import { proxyFor } from "../../cli/client/proxy.ts";

function textFor(address: string, env: NodeJS.ProcessEnv): string | null {
  const url = new URL(address);
  const isSecure = url.protocol === "https:";
  const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
  return proxyFor({ isSecure, host: url.hostname, port }, env)?.text ?? null;
}

describe("a proxy", () => {
  it.each<[address: string, env: NodeJS.ProcessEnv, proxy: string | null]>([
    ["https://sat.example.com", {}, null],
    ["https://sat.example.com", { HTTPS_PROXY: "http://p:3128" }, "p:3128"],
    ["https://sat.example.com", { HTTPS_PROXY: "p:3128" }, "p:3128"],
    ["https://sat.example.com", { HTTPS_PROXY: "p" }, "p:80"],
    ["https://sat.example.com", { HTTPS_PROXY: "https://p" }, "p:443"],
    ["https://sat.example.com", { HTTPS_PROXY: "http://[fd00::1]:8" }, "[fd00::1]:8"],
    ["https://sat.example.com", { HTTPS_PROXY: "" }, null],
    ["https://sat.example.com", { https_proxy: "a:1", HTTPS_PROXY: "b:2" }, "a:1"],
    ["https://sat.example.com", { https_proxy: "", ALL_PROXY: "b:2" }, null],
    ["https://sat.example.com", { HTTP_PROXY: "p:1" }, null],
    ["https://sat.example.com", { ALL_PROXY: "p:1" }, "p:1"],
    ["http://sat.example.com", { all_proxy: "p:1" }, "p:1"],
    ["http://sat.example.com", { HTTPS_PROXY: "p:1" }, null],
    ["http://sat.example.com", { HTTP_PROXY: "p:1" }, "p:1"],
    ["http://sat.example.com", { HTTP_PROXY: "p:1", REQUEST_METHOD: "GET" }, null],
    ["http://sat.example.com", { http_proxy: "p:1", REQUEST_METHOD: "GET" }, "p:1"],
  ])("to %s with %j is %s", (address, env, proxy) => {
    expect(textFor(address, env)).toBe(proxy);
  });

  it.each([
    "http://localhost:1",
    "https://x.localhost",
    "http://127.0.0.1:1",
    "http://127.9.9.9",
    "https://[::1]:1",
  ])("never leads to this computer: %s", (address) => {
    expect(textFor(address, { ALL_PROXY: "p:1", HTTPS_PROXY: "p:1", HTTP_PROXY: "p:1" })).toBeNull();
  });

  it.each(["socks5://p:1080", "http://", "ftp://p", "http://pre:cious@:80", "//"])(
    "that skypipe does not speak to is a sentence without its password: %s",
    (value) => {
      const find = () => textFor("https://sat.example.com", { ALL_PROXY: value });
      expect(find).toThrow(expect.objectContaining({ code: "usage" }) as Error);
      expect(find).toThrow(/ALL_PROXY.*NO_PROXY/);
      expect(find).not.toThrow(/pre|cious/);
    },
  );
});

describe("NO_PROXY", () => {
  it.each<[list: string, address: string, isExcepted: boolean]>([
    ["*", "https://sat.example.com", true],
    ["sat.example.com", "https://sat.example.com", true],
    ["SAT.example.com", "https://sat.example.com", true],
    ["example.com", "https://sat.example.com", true],
    [".example.com", "https://sat.example.com", true],
    ["*.example.com", "https://sat.example.com", true],
    [".example.com", "https://example.com", true],
    ["example.com.", "https://sat.example.com", true],
    ["ample.com", "https://sat.example.com", false],
    ["sat.example.com:443", "https://sat.example.com", true],
    ["sat.example.com:8443", "https://sat.example.com", false],
    ["example.com:8443", "https://sat.example.com:8443", true],
    ["other.org, example.com", "https://sat.example.com", true],
    ["other.org example.com", "https://sat.example.com", true],
    [" ,, ", "https://sat.example.com", false],
    ["10.1.2.3", "https://10.1.2.3", true],
    ["10.1.2.3:443", "https://10.1.2.3", true],
    ["2.3", "https://10.1.2.3", false],
    ["10.1.0.0/16", "https://10.1.2.3", true],
    ["10.2.0.0/16", "https://10.1.2.3", false],
    ["10.0.0.0/99", "https://10.1.2.3", false],
    ["10.0.0.0/8", "https://sat.example.com", false],
    ["fd00::/8", "https://[fd12::3]", true],
    ["fd12::3", "https://[fd12::3]", true],
    ["[fd12::3]", "https://[fd12::3]", true],
    ["[fd12::3]:443", "https://[fd12:0::3]", true],
    ["[fd12::3]:1", "https://[fd12::3]", false],
    ["example.com/24", "https://sat.example.com", false],
  ])("%j excepts %s: %s", (list, address, isExcepted) => {
    expect(textFor(address, { HTTPS_PROXY: "p:1", NO_PROXY: list })).toBe(isExcepted ? null : "p:1");
  });
});
