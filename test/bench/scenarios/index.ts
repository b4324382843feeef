/** All scenarios, in the order of the table. */
import type { Scenario } from "../scenario.ts";
import { budget } from "./budget.ts";
import { backlogOnDisk } from "./durable.ts";
import { fanout, messages } from "./fanout.ts";
import { firstUse } from "./first-use.ts";
import { idle } from "./idle.ts";
import { latency } from "./latency.ts";
import { lines } from "./lines.ts";
import { live } from "./live.ts";
import { scaling } from "./scaling.ts";
import { seal } from "./seal.ts";
import { slow } from "./slow.ts";
import { commits, recovery, store } from "./store.ts";
import { trigger } from "./trigger.ts";

export const scenarios: readonly Scenario[] = [
  live,
  lines,
  latency,
  trigger,
  fanout,
  messages,
  backlogOnDisk,
  store,
  commits,
  recovery,
  slow,
  idle,
  budget,
  scaling,
  seal,
  firstUse,
];
