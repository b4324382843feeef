/** A bed that is cleared when the test ends, however it ends. */
import { onTestFinished } from "vitest";
import { Bed } from "./bed.ts";

export function useBed(): Bed {
  const bed = new Bed();
  onTestFinished(async () => bed.close());
  return bed;
}
