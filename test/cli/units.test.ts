import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  formatAge,
  formatBytes,
  formatDuration,
  formatSpan,
  parseDuration,
  parseRate,
  parseSize,
} from "../../cli/terminal/units.ts";

it.each([
  ["0ms", 0],
  ["500ms", 500],
  ["30s", 30_000],
  ["10m", 600_000],
  ["2h", 7_200_000],
  ["7d", 604_800_000],
])("%s is a duration", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(["", "5", "soon", "-1s", "1.5s", "1 s", "1S", "1w", "s", "1e3s", "99999999999999999d", "1s\n"])(
  "%j is no duration; the rule and an example are said",
  (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: "usage" }));
    expect(() => parseDuration(text)).toThrow(/whole number.*ms, s, m, h, d.*30s/);
  },
);

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

it("what is formatted as a duration is the same duration", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e12 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }),
  );
  expect(formatDuration(90_000)).toBe("90s");
  expect(formatDuration(86_400_000)).toBe("1d");
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
