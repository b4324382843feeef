/** Links, as PROTOCOL.md §15 has them. */
import { describe, expect, it } from "vitest";
import { WireError } from "../../satellite/wire/errors.ts";
import { limits } from "../../satellite/wire/limits.ts";
import { formatLink, looksLikeLink, parseLink } from "../../satellite/wire/link.ts";
import { linkVectors } from "./vectors.ts";

function outcome(text: string): unknown {
  try {
    return parseLink(text);
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
}

describe("[A-10] links", () => {
  it.each(linkVectors.map((vector) => [vector.name, vector] as const))(
    "[A-10] %s",
    (_, { text, link, error }) => {
      expect(outcome(text)).toEqual(link ?? error);
    },
  );

  it.each(linkVectors.filter(({ link }) => link !== undefined))(
    "[A-10] are written as they are read: $name",
    ({ link }) => {
      if (link === undefined) throw new Error("no link");
      const text = formatLink(link);
      expect(parseLink(text)).toEqual(link);
      expect(looksLikeLink(text)).toBe(true);
    },
  );

  it("[A-10] are not taken above linkBytesMax, and never repeated in an error", () => {
    const text = `https://sat.example.com/#t=${"secret.".repeat(limits.linkBytesMax)}`;
    expect(() => parseLink(text)).toThrow(expect.objectContaining({ code: "usage" }) as Error);
    expect(() => parseLink(text)).not.toThrow(/secret/);
  });

  it("[A-11] are known where they must not stand, and pipes are not taken for them", () => {
    const [link = ""] = linkVectors.map(({ text }) => text);
    for (const text of [link, link.slice(20), `logs${link}`, link.replace("#t=", "#k=x&t=")]) {
      expect(looksLikeLink(text)).toBe(true);
    }
    for (const text of ["", "logs", "https://example.com/#top", "a.b.c", "t=1", "#t=x"]) {
      expect(looksLikeLink(text)).toBe(false);
    }
  });
});
