/** One line of the log. Never a payload, a token or a secret. */
export interface LogEntry {
  /** ISO 8601. */
  readonly time: string;
  readonly level: LogLevel;
  /** What happened, as `part.verb`. */
  readonly event: string;
  readonly [field: string]: unknown;
}

type LogLevel = "debug" | "info" | "warn" | "error";

/** Writes an entry, with the time that it is now. */
export type Log = (level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>) => void;
