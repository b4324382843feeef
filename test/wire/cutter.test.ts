import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cut, LineCutter } from "../../satellite/wire/cutter.ts";
import { Flag } from "../../satellite/wire/frame.ts";
import { limits } from "../../satellite/wire/limits.ts";
import { bytesOf, LINE, textOf } from "../client/bench.ts";

const MAX = limits.chunkBytesMax;

function shown(cuts: readonly Cut[]): [text: string, flags: number][] {
  return cuts.map(({ payload, flags }) => [textOf(payload), flags]);
}

/** Lines of any length, some longer than a chunk. */
const text = fc
  .array(fc.oneof(fc.nat(200), fc.nat(MAX * 3), fc.constantFrom(0, MAX - 1, MAX, MAX + 1)), { maxLength: 12 })
  .map((lengths) => lengths.map((length) => "x".repeat(length)).join("\n"));
/** Where reads end, as shares of the text. */
const reads = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 });

function piecesOf(bytes: Uint8Array, shares: number[]): Uint8Array[] {
  const ends = [...shares.map((share) => Math.floor(share * bytes.length)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return ends.map((end, i) => bytes.slice(ends[i - 1] ?? 0, end));
}

describe("[L-6] a line cutter", () => {
  it("cuts at the last newline of what is at hand, and holds the rest", () => {
    const cutter = new LineCutter();
    expect(shown(cutter.push(bytesOf("a\nb\nc"), 0))).toEqual([["a\nb\n", LINE]]);
    expect(shown(cutter.push(bytesOf("d\n"), 0))).toEqual([["cd\n", LINE]]);
    expect(cutter.deadlineMs).toBeNull();
    expect(cutter.end()).toEqual([]);
  });

  it("sends a fragment after 100 ms of silence, as a place to switch, not as a line", () => {
    const cutter = new LineCutter();
    expect(cutter.push(bytesOf("pass"), 0)).toEqual([]);
    cutter.push(bytesOf("word: "), 60);
    expect(cutter.deadlineMs).toBe(160);
    expect(cutter.tick(159)).toEqual([]);
    expect(shown(cutter.tick(160))).toEqual([["password: ", Flag.boundary]]);
    expect(cutter.deadlineMs).toBeNull();
    expect(shown(cutter.push(bytesOf("\n"), 200))).toEqual([["\n", LINE]]);
  });

  it("does not take what comes for silence that is over", () => {
    const cutter = new LineCutter();
    cutter.push(bytesOf("a"), 0);
    cutter.push(new Uint8Array(0), 90);
    expect(cutter.deadlineMs).toBe(100);
  });

  it("keeps a copy of what it holds", () => {
    const cutter = new LineCutter();
    const buffer = bytesOf("abc");
    cutter.push(buffer, 0);
    buffer.fill(0x21);
    expect(shown(cutter.end())).toEqual([["abc", Flag.boundary]]);
  });

  it("joins to what went in, in chunks that are neither empty nor too large", () => {
    fc.assert(
      fc.property(text, reads, (input, shares) => {
        const cutter = new LineCutter();
        const cuts = [
          ...piecesOf(bytesOf(input), shares).flatMap((piece) => cutter.push(piece, 0)),
          ...cutter.end(),
        ];
        expect(Buffer.concat(cuts.map(({ payload }) => payload)).equals(bytesOf(input))).toBe(true);
        for (const { payload } of cuts) {
          expect(payload.length).toBeGreaterThan(0);
          expect(payload.length).toBeLessThanOrEqual(MAX);
        }
      }),
    );
  });

  it("cuts no line in two that fits a chunk, and says which chunks end a line", () => {
    fc.assert(
      fc.property(text, reads, (input, shares) => {
        const cutter = new LineCutter();
        const cuts = piecesOf(bytesOf(input), shares).flatMap((piece) => cutter.push(piece, 0));
        for (const { payload, flags } of cuts) {
          const isLine = payload.at(-1) === 0x0a;
          const isPieceOfLong = payload.length === MAX && !payload.includes(0x0a);
          expect(isLine || isPieceOfLong).toBe(true);
          expect(flags).toBe(isLine ? LINE : Flag.boundary);
        }
        expect(cutter.end().reduce((sum, { payload }) => sum + payload.length, 0)).toBeLessThan(MAX);
      }),
    );
  });

  it("holds a line that comes byte by byte in linear time", () => {
    const cutter = new LineCutter();
    const cuts: Cut[] = [];
    for (let i = 0; i < MAX * 2; i++) cuts.push(...cutter.push(Uint8Array.of(0x78), 0));
    expect(cuts.map(({ payload }) => payload.length)).toEqual([MAX, MAX]);
  });
});
