import * as fc from "fast-check";
import { expect, it } from "vitest";
import { formatDuration, parseDuration } from "../../satellite/wire/duration.ts";

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

it("what is formatted as a duration is the same duration", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e12 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }),
  );
  expect(formatDuration(90_000)).toBe("90s");
  expect(formatDuration(86_400_000)).toBe("1d");
});
