/** A stand-in that is closed when the test ends, and that must have seen nothing but what the contract allows. */
import { expect, onTestFinished } from "vitest";
import { StandIn, type StandInOptions } from "./stand-in.ts";

export async function useStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const standIn = await StandIn.open(options);
  onTestFinished(async () => {
    await standIn.close();
    expect(standIn.violations).toEqual([]);
    expect(standIn.unmetFaults).toEqual([]);
  });
  return standIn;
}
