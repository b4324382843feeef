/** What a scenario is: contestants that do the same, what is measured of each, and which ratio is aimed at. */
import type { Bed } from "../support/bed.ts";
import type { Spread } from "./statistics.ts";

export interface Context {
  /** `tiny` is just enough to see that it runs. */
  readonly size: "full" | "quick" | "tiny";
  /** Rounds, in each of which every contestant has its turn. */
  readonly rounds: number;
}

/** What one turn has given, by metric. The unit is part of the metric's name. */
export type Sample = Readonly<Record<string, number>>;

/** A turn has a bed of its own, which ends whatever was started in it. */
export type Contestant = (bed: Bed) => Promise<Sample>;

/** A goal of the project: a metric of one contestant against a metric of a peer, or against a number. */
export interface Target {
  readonly of: string;
  readonly metric: string;
  /** Without one the figure itself is looked at. */
  readonly peer?: string;
  /** Of the peer; without one, the same. */
  readonly peerMetric?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Better than what must be reached. */
  readonly goal?: number;
}

export interface Group {
  readonly title: string;
  /** How long one turn may take. */
  readonly boundMs: number;
  /** By name; ours begin with `skypipe`. */
  readonly contestants: Readonly<Record<string, Contestant>>;
  readonly targets: readonly Target[];
  /** Every turn at the same time: for what does not depend on how much else runs, and takes long. */
  readonly atOnce?: boolean;
  /** Where the turns of a round would say no more than one of them (default: as many as asked for). */
  readonly rounds?: number;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What must be there beside skypipe. */
  readonly peers: readonly Peer[];
  groups(context: Context): readonly Group[] | Promise<readonly Group[]>;
}

/** A Debian package's command, or an npm package. */
export type Peer =
  | "socat"
  | "curl"
  | "ssh"
  | "nats-server"
  | "mosquitto"
  | "time"
  | "piping-server"
  | "nats.js";

export interface Verdict extends Target {
  /** The ratio, or the figure itself. NaN where one of the two failed. */
  readonly measured: number;
  readonly met: boolean;
}

export interface Result {
  readonly scenario: string;
  readonly title: string;
  readonly rounds: number;
  readonly contestants: Readonly<Record<string, Readonly<Record<string, Spread>>>>;
  /** Contestants that did not come to an end, and why. */
  readonly failures: Readonly<Record<string, string>>;
  readonly targets: readonly Verdict[];
}
