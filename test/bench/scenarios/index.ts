/** All scenarios, in the order of the table. */
import type { Scenario } from "../scenario.ts";
import { live } from "./live.ts";

export const scenarios: readonly Scenario[] = [live];
