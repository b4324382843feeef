import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { looksBinary } from "../../satellite/wire/kind.ts";
import { bytesOf } from "../client/bench.ts";

describe("looksBinary", () => {
  it.each([
    ["nothing", "", false],
    ["ASCII", "hello\r\n\tworld\u001b[0m\n", false],
    ["umlauts, emoji and the highest code point", "Grüße 😀 日本語 \u{10ffff}", false],
    ["one NUL", "a lot of text\0and more", true],
  ])("%s", (_what, block, expected) => {
    expect(looksBinary(bytesOf(block))).toBe(expected);
  });

  it.each([
    ["a tenth that is not UTF-8", [...Array<number>(18).fill(0x61), 0xff, 0xff], false],
    ["more than a tenth that is not UTF-8", [...Array<number>(17).fill(0x61), 0xff, 0xff], true],
    ["overlong forms", [0xc0, 0x80, 0xe0, 0x80, 0x80, 0xf0, 0x80, 0x80, 0x80], true],
    ["surrogates", [0xed, 0xa0, 0x80], true],
    ["what is above U+10FFFF", [0xf4, 0x90, 0x80, 0x80], true],
    ["continuations alone", [0x80, 0x80], true],
    [
      "Latin-1 with few accents",
      [...Buffer.from("un texte fran"), 0xe7, ...Buffer.from("ais, en Latin-1\n")],
      false,
    ],
    ["a gzip header", [0x1f, 0x8b, 0x08, 0x00], true],
  ])("%s", (_what, block, expected) => {
    expect(looksBinary(Uint8Array.from(block))).toBe(expected);
  });

  it("calls no text binary, wherever the block ends", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), fc.nat(), (text, at) => {
        const bytes = bytesOf(text.replaceAll("\0", " "));
        expect(looksBinary(bytes.subarray(0, at % (bytes.length + 1)))).toBe(false);
      }),
    );
  });
});
