/** What people paste as a token, what an answer may show of it, and which machines can be wished for. */
import { describe, expect, it } from "vitest";
import { Redactor } from "../../deploy/fly/redact.ts";
import { costOf, parseMachineSize } from "../../deploy/fly/size.ts";
import { authorization, normalizeToken, tokenIn } from "../../deploy/fly/token.ts";

const macaroon = "fm2_lJPECAAAAAAAB+/x=,fm2_lJPETu8=";

describe("a token", () => {
  it.each([
    ["as it is", macaroon],
    ["with its scheme", `FlyV1 ${macaroon}`],
    ["with another scheme", `Bearer ${macaroon}`],
    ["with both", `Bearer FlyV1 ${macaroon}`],
    ["as a header", `Authorization: FlyV1 ${macaroon}`],
    ["in quotes", `"FlyV1 ${macaroon}"`],
    ["in other quotes", `'${macaroon}'`],
    ["as an assignment", `export FLY_API_TOKEN="FlyV1 ${macaroon}"`],
    ["as the other assignment", `FLY_ACCESS_TOKEN=${macaroon}`],
    ["with line ends", `\r\n  FlyV1 ${macaroon}\n\n`],
    ["wrapped", `FlyV1 ${macaroon.slice(0, 12)}\n  ${macaroon.slice(12)}`],
    ["with spaces in its list", `FlyV1 ${macaroon.replace(",", " , ")}`],
    ["with a comma too many", `${macaroon},`],
  ])("%s", (_, pasted) => {
    expect(normalizeToken(pasted)).toBe(macaroon);
  });

  it("that can't be one", () => {
    expect(normalizeToken("")).toBe("");
    expect(normalizeToken('  ""  ')).toBe("");
    expect(normalizeToken("FlyV1 ")).toBe("");
    expect(normalizeToken("<your token>")).toBeNull();
    expect(normalizeToken("fm2_ümlaut")).toBeNull();
    expect(normalizeToken("fm2_a\u0007b")).toBeNull();
  });

  it("goes out with the scheme that it needs", () => {
    expect(authorization(macaroon)).toBe(`FlyV1 ${macaroon}`);
    expect(authorization("fm1r_abc")).toBe("FlyV1 fm1r_abc");
    expect(authorization("fm1a_abc,fo1_x")).toBe("FlyV1 fm1a_abc,fo1_x");
    expect(authorization("fo1_abcdef")).toBe("Bearer fo1_abcdef");
    expect(authorization("abc")).toBe("Bearer abc");
  });

  it("is taken from FLY_ACCESS_TOKEN, then from FLY_API_TOKEN", () => {
    expect(tokenIn({})).toBeNull();
    expect(tokenIn({ FLY_ACCESS_TOKEN: " ", FLY_API_TOKEN: "b" })?.variable).toBe("FLY_API_TOKEN");
    expect(tokenIn({ FLY_ACCESS_TOKEN: "a", FLY_API_TOKEN: "b" })?.pasted).toBe("a");
  });
});

describe("what a server says", () => {
  it("is shown without secrets, on one short line", () => {
    const redactor = new Redactor();
    redactor.add(macaroon, ...macaroon.split(","), "satellite-token-1", undefined, "short");
    const file = Buffer.alloc(90, "skypipe").toString("base64");
    const text = redactor.clean(
      `bad FlyV1 ${macaroon} and fm2_lJPETu8= and Bearer abc\nand satellite-token-1 and ${file} and \u001B[31mfo1_otherone, short`,
    );
    expect(text).toBe("bad FlyV1 … and … and … and … and … and [31m…, short");
    expect(redactor.clean("x ".repeat(1000)).length).toBeLessThan(310);
  });
});

describe("a size", () => {
  it.each([
    [undefined, { cpu_kind: "shared", cpus: 1, memory_mb: 256 }],
    ["shared-cpu-1x", { cpu_kind: "shared", cpus: 1, memory_mb: 256 }],
    ["shared-cpu-2x", { cpu_kind: "shared", cpus: 2, memory_mb: 512 }],
    ["shared-cpu-1x:1024", { cpu_kind: "shared", cpus: 1, memory_mb: 1024 }],
    ["shared-cpu-1x:1gb", { cpu_kind: "shared", cpus: 1, memory_mb: 1024 }],
    ["performance-2x", { cpu_kind: "performance", cpus: 2, memory_mb: 4096 }],
    ["512", { cpu_kind: "shared", cpus: 1, memory_mb: 512 }],
    ["512MB", { cpu_kind: "shared", cpus: 1, memory_mb: 512 }],
    ["2GB", { cpu_kind: "shared", cpus: 1, memory_mb: 2048 }],
  ])("%s", (text, guest) => {
    expect(parseMachineSize(text)).toEqual(guest);
  });

  it.each([
    "",
    "big",
    "shared-cpu-3x",
    "shared-cpu-1x:128",
    "300",
    "1x",
    "64GB",
    "performance",
    "shared-cpu-1x:",
  ])("that there is not: %s", (text) => {
    expect(() => parseMachineSize(text)).toThrow(/is no size .* for example --size/);
  });

  it("says what it costs", () => {
    expect(costOf(parseMachineSize(undefined), true)).toMatch(/\$2 a month .*\$0\.15 a month/);
    expect(costOf(parseMachineSize(undefined), false)).toMatch(/\$2 a month .*always/);
    expect(costOf(parseMachineSize("1GB"), true)).toMatch(/pricing/);
  });
});
