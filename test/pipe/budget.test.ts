/** The memory that all windows share: what one share may have of it. W-5, K-7. */
import { describe, expect, it } from "vitest";
import { Budget, Window } from "../../satellite/pipe/window.ts";
import { limits } from "../../satellite/wire/limits.ts";

const MIN = limits.windowBytesMin;

function opened(budget: Budget, share: string | null, count: number): Window[] {
  return Array.from({ length: count }, () => new Window(limits, 0, budget.purse(share)));
}

function granted(windows: readonly Window[]): number {
  return windows.filter(({ sizeBytes }) => sizeBytes > 0).length;
}

describe("the budget", () => {
  it("[K-7] gives the streams of one share half of it, and other streams the rest", () => {
    const budget = new Budget(16 * MIN);
    const flood = opened(budget, "flood", 16);
    expect(granted(flood)).toBe(8);
    expect(flood.at(-1)?.isCapped).toBe(true);
    expect(granted(opened(budget, "other", 8))).toBe(4);
    expect(granted(opened(budget, null, 8))).toBe(4); // the last quarter [W-5]
  });

  it("[W-5] keeps the last quarter for first windows", () => {
    const budget = new Budget(8 * MIN);
    const [window] = opened(budget, null, 1);
    for (let i = 0; i < 10; i++) window?.acked(window.sizeBytes, 0);
    expect(window?.sizeBytes).toBe(4 * MIN);
    expect(granted(opened(budget, null, 8))).toBe(4);
  });

  it("[K-7] takes back what a share's streams give", () => {
    const budget = new Budget(4 * MIN);
    const [first, , third] = opened(budget, "s", 3);
    expect(third?.open()).toBe(false);
    first?.close();
    expect(budget.hasGained).toBe(true);
    expect(third?.isCapped).toBe(false);
    expect(third?.open()).toBe(true);
  });
});
