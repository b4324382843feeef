/** Memory of frames is used again, and what waits for that is limited. */
import { expect, it } from "vitest";
import { type Block, Blocks } from "../../satellite/wire/blocks.ts";
import { HEADER_BYTES } from "../../satellite/wire/frame.ts";
import { limits } from "../../satellite/wire/limits.ts";
import { KiB } from "../support/bytes.ts";

const large = 64 * KiB + HEADER_BYTES;
const small = 8 * KiB + HEADER_BYTES;

function take(blocks: Blocks, frameBytes: number, count: number): Block[] {
  return Array.from({ length: count }, () => {
    const { frame, block } = blocks.place(frameBytes);
    expect(frame).toHaveLength(frameBytes);
    return block as Block;
  });
}

function letGo(taken: readonly Block[]): void {
  for (const block of taken) block.letGo();
}

function reused(before: readonly Block[], after: readonly Block[]): number {
  return after.filter((block) => before.includes(block)).length;
}

it("uses again what everybody has let go of, and nothing that somebody holds", () => {
  const blocks = new Blocks();
  const [kept, free] = take(blocks, large, 2) as [Block, Block];
  kept.hold();
  letGo([kept, free]);
  expect(reused([free], take(blocks, large, 1))).toBe(1);
  expect(reused([kept, free], take(blocks, large, 1))).toBe(0);
  expect(() => letGo([kept, kept])).toThrow("nobody holds");
});

it("keeps as much as a stream has on its way, of all sizes together", () => {
  const blocks = new Blocks();
  const fits = Math.floor(limits.windowBytesMax / large);
  const taken = take(blocks, large, fits + 50);
  const others = take(blocks, small, 50);
  letGo([...taken, ...others]);
  const left = Math.floor((limits.windowBytesMax - fits * large) / small);
  expect(reused(others, take(blocks, small, 50))).toBe(left);
  expect(reused(taken, take(blocks, large, fits + 50))).toBe(fits);
});

it("gives up what was not needed since the last time", () => {
  const blocks = new Blocks();
  const taken = take(blocks, large, 10);
  letGo(taken);
  blocks.shrink();
  letGo(take(blocks, large, 4));
  blocks.shrink();
  expect(reused(taken, take(blocks, large, 10))).toBe(4);
});
