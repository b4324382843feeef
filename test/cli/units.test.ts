import { expect, it } from "vitest";
import { formatAge, formatBytes, formatSpan, parseRate, parseSize } from "../../cli/terminal/units.ts";

it.each([
  ["0", 0],
  ["4096", 4096],
  ["64K", 65_536],
  ["64k", 65_536],
  ["256M", 268_435_456],
  ["1G", 1_073_741_824],
  ["2T", 2_199_023_255_552],
])("%s is a size", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

it.each(["", "much", "-1", "1.5M", "1KB", "1 K", "K", "0x10", "99999999999T"])(
  "%j is no size; the rule and an example are said",
  (text) => {
    expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: "usage" }));
    expect(() => parseSize(text)).toThrow(/K, M, G or T.*64K/);
  },
);

it("a rate is a size above 0", () => {
  expect(parseRate("1M")).toBe(1_048_576);
  expect(() => parseRate("0")).toThrow(/at least 1 byte/);
  expect(() => parseRate("fast")).toThrow(/fast/);
});

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1_048_575, "1.0 MiB"],
  [1_572_864, "1.5 MiB"],
  [2 ** 40, "1.0 TiB"],
  [2 ** 53, "8192.0 TiB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it("spans and ages", () => {
  expect([0, 7.4, 754, 10_921].map(formatSpan)).toEqual(["0:00", "0:07", "12:34", "3:02:01"]);
  expect([0, 59.9, 60, 3600, 200_000].map(formatAge)).toEqual(["0s", "59s", "1m", "1h", "2d"]);
});
