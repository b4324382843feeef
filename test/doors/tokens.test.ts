import { describe, expect, it } from "vitest";
import { ShareTokens } from "../../satellite/keys/share-tokens.ts";
import { createKeyring, equalSecrets, tokenIn } from "../../satellite/keys/tokens.ts";
import { ALL } from "../../satellite/wire/rights.ts";
import { shareTokenVectors } from "../wire/vectors.ts";

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

  it("[T-4] [A-1] gives all rights for the token, and none for another or none", async () => {
    const keyring = createKeyring("secret", null);
    expect(await keyring.rightsOf("secret")).toEqual(ALL);
    for (const wrong of ["", "Secret", "secret ", "secre", "secrets", null]) {
      expect(await keyring.rightsOf(wrong)).toBeNull();
    }
  });

  it("[A-1] gives all rights to everybody where no token is set, and signs nothing then", async () => {
    const keyring = createKeyring(undefined, null);
    expect(await keyring.rightsOf(null)).toEqual(ALL);
    expect(await keyring.rightsOf("whatever")).toEqual(ALL);
    const terms = {
      share: "a",
      pipe: "p",
      right: "read",
      once: false,
      createdMs: 0,
      expiresMs: null,
    } as const;
    await expect(keyring.sign(terms)).rejects.toMatchObject({ code: "usage" });
  });

  it.each(["", " secret", "secret ", "new\nline", "ünicode", "x".repeat(4_097)])(
    "does not take %j for a token, and does not repeat it",
    (token) => {
      expect(() => createKeyring(token, null)).toThrow(/^the token is not usable/);
      expect(() => createKeyring(token, null)).toThrow(expect.objectContaining({ code: "usage" }) as Error);
    },
  );

  it("takes any printable token up to 4,096 characters", async () => {
    for (const token of ["x", "two words", "x".repeat(4_096)]) {
      expect(await createKeyring(token, null).rightsOf(token)).toEqual(ALL);
    }
  });

  it.each(shareTokenVectors)(
    "[A-2] [A-4] signs as the vector does: $name",
    async ({ root, saltHex, terms, token }) => {
      const tokens = new ShareTokens(root, Buffer.from(saltHex, "hex"));
      expect(await tokens.sign(terms)).toBe(token);
      const { share, pipe, right, once } = terms;
      expect(await tokens.rightsOf(token)).toEqual({ scope: { share, pipe, right, once } });
      expect(await new ShareTokens(`${root}x`, Buffer.from(saltHex, "hex")).rightsOf(token)).toBeNull();
      expect(await new ShareTokens(root, Buffer.alloc(32, 7)).rightsOf(token)).toBeNull();
    },
  );

  it("[S-2] compares secrets of any length", () => {
    expect(equalSecrets("", "")).toBe(true);
    expect(equalSecrets("a", "")).toBe(false);
    expect(equalSecrets("a".repeat(10_000), "a".repeat(10_000))).toBe(true);
    expect(equalSecrets("a".repeat(10_000), "a".repeat(9_999))).toBe(false);
  });
});
