import * as fc from "fast-check";
import { expect, it } from "vitest";
import { BodyCutter } from "../../satellite/doors/body-cutter.ts";
import { Flag } from "../../satellite/wire/frame.ts";
import { limits } from "../../satellite/wire/limits.ts";
import type { Kind } from "../../satellite/wire/messages.ts";
import { noise } from "../support/bytes.ts";

const LINE = Flag.boundary | Flag.line;

it("[H-7] what goes in comes out, in chunks of one kind that are neither empty nor too large", () => {
  const bodies = fc
    .tuple(fc.integer({ min: 0, max: 300_000 }), fc.boolean(), fc.integer())
    .map(([bytes, isText, seed]) =>
      isText ? Buffer.from(noise(bytes, seed).toString("base64").replaceAll("a", "\n")) : noise(bytes, seed),
    );
  const kinds = fc.constantFrom<Kind | null>(null, "text", "binary");
  fc.assert(
    fc.property(bodies, kinds, fc.array(fc.nat(100_000), { maxLength: 8 }), (body, kind, sizes) => {
      const cutter = new BodyCutter(kind);
      const cuts = [];
      let at = 0;
      for (const [turn, size] of [...sizes, body.length].entries()) {
        cuts.push(...cutter.push(body.subarray(at, at + size), turn * 40), ...cutter.tick(turn * 40 + 20));
        at += size;
      }
      cuts.push(...cutter.end(1_000));
      expect(Buffer.concat(cuts.map(({ payload }) => payload)).equals(body)).toBe(true);
      for (const { payload, flags } of cuts) {
        expect(payload.length).toBeGreaterThan(0);
        expect(payload.length).toBeLessThanOrEqual(limits.chunkBytesMax);
        expect(flags & Flag.binary).toBe(cutter.endFlags & Flag.binary);
        expect((flags & Flag.line) === 0 || payload.at(-1) === 0x0a).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

it("[H-7] a first block is waited for: until a newline, 4 KiB, 50 ms, or the end", () => {
  const cutter = new BodyCutter(null);
  expect(cutter.push(Buffer.from("half"), 100)).toEqual([]);
  expect(cutter.deadlineMs).toBe(150);
  expect(cutter.tick(149)).toEqual([]);
  expect(cutter.push(Buffer.from(" a line\nrest"), 149)).toEqual([]);
  const cuts = cutter.tick(150);
  expect(cuts.map(({ payload, flags }) => [Buffer.from(payload).toString(), flags])).toEqual([
    ["half a line\n", LINE],
  ]);
  expect(cutter.deadlineMs).toBe(250);
  expect(cutter.tick(250).map(({ flags }) => flags)).toEqual([Flag.boundary]);
  expect(cutter.deadlineMs).toBeNull();
});

it("[H-7] nothing at all is text", () => {
  const cutter = new BodyCutter(null);
  expect(cutter.end(0)).toEqual([]);
  expect(cutter.endFlags).toBe(Flag.final);
});
