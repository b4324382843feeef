/** What the command asks of the program that it runs on the host, and what that answers. */

export type Request =
  | { readonly op: "look" }
  | ({ readonly op: "install" } & Installation)
  | ({ readonly op: "keep" } & Keeping)
  | { readonly op: "destroy" };

/** The keys of sealing, as text; `before` is what was kept when that was last looked at, `null` for nothing. */
export interface Keeping {
  readonly keys: string;
  readonly before: string | null;
}

/** What shall be there. Done again with the same, it changes nothing. */
export interface Installation {
  readonly version: string;
  /** Of the bundle, in hexadecimal. */
  readonly sha256: string;
  readonly files: readonly { readonly name: string; readonly base64: string }[];
  /** `null`: on a Unix socket. Else on this port of the host's loopback, for a reverse proxy that has the URL. */
  readonly listen: Listen | null;
  /** Whether a line in the user's crontab may start it when the host starts, where there is no systemd. */
  readonly usesCrontab: boolean;
}

export interface Listen {
  readonly url: string;
  readonly port: number;
}

/** How the satellite is kept running. */
type Keeper = "systemd" | "supervisor";

/** What is remembered on the host of the satellite that is installed there. */
export interface Installed {
  readonly version: string;
  readonly sha256: string;
  readonly keeper: Keeper;
  readonly listen: Listen | null;
  /** Of the host itself: several may have the same home. */
  readonly machine: string;
  readonly hostname: string;
}

export interface HostReport {
  readonly os: string;
  readonly arch: string;
  readonly node: string;
  readonly user: string;
  /** Where the satellite is or would be. */
  readonly folder: string;
  readonly freeBytes: number;
  /** Of this user: `systemd` where a user manager answers. */
  readonly keeper: Keeper;
  /** With systemd: whether it goes on when nobody is logged in. */
  readonly lingers: boolean;
  readonly hasCrontab: boolean;
  /** With a supervisor: whether the crontab starts it. */
  readonly startsAtBoot: boolean;
  /** Where it listens, or would. */
  readonly socket: string;
  readonly installed: Installed | null;
  /** Of what is installed. */
  readonly listen: Listen | null;
  readonly isRunning: boolean;
  /** For a satellite behind a URL. */
  readonly token: string | null;
  /** What `keep` was given last. */
  readonly keys: string | null;
}

export type Answer =
  | { readonly ok: true; readonly report: HostReport; readonly existed: boolean }
  | { readonly ok: false; readonly sentence: string };

/** Stands before the one line of JSON that is the answer: others, such as a shell's start-up files, may write too. */
export const ANSWER_MARK = "skypipe-answer:";

/** The bootstrap found no Node that is new enough. */
export const NO_NODE_MARK = "skypipe-no-node:";
