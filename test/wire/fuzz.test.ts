import { expect, it } from "vitest";
import { fuzz } from "./fuzz.ts";

it("[F-1] [C-1] a second of mutated vectors finds nothing but WireErrors", () => {
  const seed = Date.now() % 1e9;
  const report = fuzz(1000, seed);
  expect(report.accepted, `seed ${seed}`).toBeGreaterThan(0);
  expect(report.refused, `seed ${seed}`).toBeGreaterThan(0);
});
