/** What happens in one schedule, as data: made from the seed, shrunk by leaving parts out. */
import { type Limits, limits } from "../../satellite/wire/limits.ts";
import type { Kind, Mode } from "../../satellite/wire/messages.ts";
import { Random } from "./random.ts";

export type StoreKind = "memory" | "model" | "files";

interface Write {
  readonly delayMs: number;
  readonly tokens: number;
  readonly endsLine: boolean;
}

export interface WriterPlan {
  readonly id: number;
  readonly type: "writer";
  readonly pipe: string;
  readonly kind: Kind;
  /** The kind is told when the stream opens. */
  readonly tellsKind: boolean;
  readonly sync: boolean;
  readonly ttlMs: number | null;
  readonly startMs: number;
  readonly writes: readonly Write[];
  readonly ending: "eof" | "interrupt" | "abort" | "kill" | "hang";
  /** Chunks are cut by the plan, some in mid-line, instead of by the LineCutter. */
  readonly isRaw: boolean;
}

export interface ReaderPlan {
  readonly id: number;
  readonly type: "reader";
  readonly pipe: string;
  readonly mode: Mode;
  readonly fresh: boolean;
  readonly startMs: number;
  /** Longest time that one chunk takes. */
  readonly sinkMs: number;
  readonly leavesAfter: number | null;
  readonly diesAfter: number | null;
  readonly limitBytes: number | null;
  /** Processes one after the other. */
  readonly repeats: number;
}

type FaultKind =
  | "cut"
  | "silence"
  | "half"
  | "stall"
  | "offline"
  | "freeze"
  | "kill"
  | "satelliteFreeze"
  | "satelliteKill"
  | "satelliteKillInside"
  | "powerLoss"
  | "satelliteStop"
  | "diskFull"
  | "diskFails"
  | "remove";

export interface FaultPlan {
  readonly id: number;
  readonly type: "fault";
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly lastsMs: number;
  /** Chooses whom it hits. */
  readonly who: number;
  readonly pipe: string;
}

type Item = WriterPlan | ReaderPlan | FaultPlan;

export interface Plan {
  readonly seed: number;
  readonly store: StoreKind;
  readonly limits: Limits;
  readonly delayMaxMs: number;
  /** When the faults stop. */
  readonly calmMs: number;
  readonly pipes: readonly string[];
  readonly items: readonly Item[];
}

const ENDS: readonly FaultKind[] = [
  "cut",
  "cut",
  "cut",
  "silence",
  "half",
  "stall",
  "offline",
  "freeze",
  "kill",
];
const SATELLITE: readonly FaultKind[] = [
  "satelliteFreeze",
  "satelliteKill",
  "satelliteKill",
  "satelliteKillInside",
  "satelliteKillInside",
  "powerLoss",
  "powerLoss",
  "satelliteStop",
  "diskFull",
  "diskFails",
];

export function planOf(seed: number, store?: StoreKind): Plan {
  const random = new Random(seed);
  const calmMs = random.pick([2_000, 5_000, 15_000, 40_000]);
  const pipes = random.chance(0.8) ? ["p"] : ["p", "q"];
  const windowBytesMin = random.pick([64, 256, 256, 1_024]);
  const made: Limits = {
    ...limits,
    windowBytesMin,
    windowBytesMax: windowBytesMin * random.pick([1, 4, 16]),
    budgetBytes: windowBytesMin * random.pick([1, 2, 4, 1_000]),
    maxBufferBytes: random.pick([windowBytesMin * 4, 4_096, 65_536, 2 ** 20]),
    maxLagBytes: random.pick([windowBytesMin * 2, 2_048, 2 ** 20]),
    graceMs: random.pick([8_000, 20_000]),
    sendQueueBytesMax: random.pick([256, 65_536]),
    streamsPerReaderMax: random.pick([2, 1_024, 1_024]),
    expiredMax: 10_000,
  };
  const lasting = random.chance(0.55) ? "model" : random.chance(0.85) ? "files" : "memory";
  const items: Item[] = [];
  const writers = random.between(1, 5);
  const readers = random.between(1, 4);
  for (let i = 0; i < writers; i++) items.push(writerPlan(random, items.length + 1, calmMs, pipes, made));
  const modes: Mode[] = ["plain", "follow", "one", "tap", "peek"];
  const favourite = random.pick<Mode>(["plain", "plain", "follow", "one"]);
  for (let i = 0; i < readers; i++) {
    const mode = random.chance(0.5) ? favourite : random.pick(modes);
    items.push(readerPlan(random, items.length + 1, calmMs, pipes, mode));
  }
  for (const kind of faultKinds(random)) {
    items.push({
      id: items.length + 1,
      type: "fault",
      kind,
      atMs: random.below(calmMs),
      lastsMs: random.pick([10, 500, 3_000, 7_000, 30_000]),
      who: random.below(1_000),
      pipe: random.pick(pipes),
    });
  }
  return {
    seed,
    store: store ?? lasting,
    limits: made,
    delayMaxMs: random.pick([0, 5, 30, 200]),
    calmMs,
    pipes,
    items,
  };
}

/** Each schedule has its own selection of what can go wrong, so that rare things are often alone. */
function faultKinds(random: Random): FaultKind[] {
  const count = random.pick([0, 1, 2, 3, 4, 6, 9, 14]);
  const kinds: FaultKind[] = [];
  if (random.chance(0.85)) kinds.push(...ENDS);
  if (random.chance(0.6)) kinds.push(...SATELLITE);
  if (random.chance(0.1)) kinds.push("remove");
  const chosen = random.chance(0.3) ? [random.pick([...kinds, "cut" as const])] : kinds;
  if (chosen.length === 0) return [];
  return Array.from({ length: count }, () => random.pick(chosen));
}

function writerPlan(
  random: Random,
  id: number,
  calmMs: number,
  pipes: readonly string[],
  made: Limits,
): WriterPlan {
  const kind: Kind = random.chance(0.35) ? "binary" : "text";
  const count = random.pick([0, 1, 3, 8, 20, 40]);
  const pauseMs = random.pick([0, 20, 150, 1_000]);
  const tokensMax = Math.max(1, Math.floor(made.windowBytesMin / 8 / 4));
  const writes = Array.from({ length: count }, () => ({
    delayMs: random.chance(0.3) ? random.below(pauseMs + 1) : 0,
    tokens: random.between(1, tokensMax),
    endsLine: random.chance(0.75),
  }));
  return {
    id,
    type: "writer",
    pipe: random.pick(pipes),
    kind,
    tellsKind: random.chance(0.7),
    sync: random.chance(0.2),
    ttlMs: random.chance(0.05) ? random.pick([100, 5_000]) : null,
    startMs: random.chance(0.3) ? 0 : random.below(calmMs),
    writes,
    ending: random.pick(["eof", "eof", "eof", "eof", "interrupt", "abort", "kill", "hang"]),
    isRaw: random.chance(0.4),
  };
}

function readerPlan(
  random: Random,
  id: number,
  calmMs: number,
  pipes: readonly string[],
  mode: Mode,
): ReaderPlan {
  return {
    id,
    type: "reader",
    pipe: random.pick(pipes),
    mode,
    fresh: (mode === "plain" || mode === "follow") && random.chance(0.08),
    startMs: random.chance(0.35) ? 0 : random.below(calmMs),
    sinkMs: random.pick([0, 0, 5, 100, 2_000]),
    leavesAfter: random.chance(0.15) ? random.below(12) : null,
    diesAfter: random.chance(0.15) ? random.below(12) : null,
    limitBytes: mode === "peek" && random.chance(0.5) ? random.between(1, 500) : null,
    repeats: mode === "plain" || mode === "one" ? random.pick([1, 2, 6]) : 1,
  };
}
