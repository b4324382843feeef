import { describe, expect, it } from "vitest";
import { equalSecrets, rootKeyring, tokenIn } from "../../satellite/keys/tokens.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("tokens", () => {
  it.each([
    [undefined, null],
    ["Bearer secret", "secret"],
    ["bearer   secret", "secret"],
    ["BEARER two words", "two words"],
    [`Basic ${base64("anybody:secret")}`, "secret"],
    [`basic ${base64(":secret")}`, "secret"],
    [`Basic ${base64("me:with:colons")}`, "with:colons"],
    [`Basic ${base64("no password")}`, ""],
    ["Basic %%%", ""],
    ["Digest secret", ""],
    ["secret", ""],
    ["", ""],
    ["Bearer", ""],
  ])("[T-4] reads the token in Authorization %o: %o", (header, token) => {
    expect(tokenIn(header)).toBe(token);
  });

  it("[T-4] gives all rights for the token, and none for another or none", () => {
    const keyring = rootKeyring("secret");
    const rights = keyring.rightsOf("secret");
    expect(rights?.mayRead("a")).toBe(true);
    expect(rights?.mayWrite("a")).toBe(true);
    expect(rights?.mayManage).toBe(true);
    for (const wrong of ["", "Secret", "secret ", "secre", "secrets", null]) {
      expect(keyring.rightsOf(wrong)).toBeNull();
    }
  });

  it("gives all rights to everybody where no token is set", () => {
    const keyring = rootKeyring(undefined);
    expect(keyring.rightsOf(null)?.mayManage).toBe(true);
    expect(keyring.rightsOf("whatever")?.mayManage).toBe(true);
  });

  it.each(["", " secret", "secret ", "new\nline", "ünicode", "x".repeat(4_097)])(
    "does not take %j for a token, and does not repeat it",
    (token) => {
      expect(() => rootKeyring(token)).toThrow(/^the token is not usable/);
      expect(() => rootKeyring(token)).toThrow(expect.objectContaining({ code: "usage" }) as Error);
    },
  );

  it("takes any printable token up to 4,096 characters", () => {
    for (const token of ["x", "two words", "x".repeat(4_096)]) {
      expect(rootKeyring(token).rightsOf(token)).not.toBeNull();
    }
  });

  it("[S-2] compares secrets of any length", () => {
    expect(equalSecrets("", "")).toBe(true);
    expect(equalSecrets("a", "")).toBe(false);
    expect(equalSecrets("a".repeat(10_000), "a".repeat(10_000))).toBe(true);
    expect(equalSecrets("a".repeat(10_000), "a".repeat(9_999))).toBe(false);
  });
});
