/** The one map from what was thrown to an exit code, and to what is told of it. */
import { type ErrorCode, errorTable, WireError } from "../../../satellite/wire/errors.ts";
import { EXIT_FAILED, Exit } from "../../terminal/exit.ts";
import { pipeCalled } from "./pipe-name.ts";

export function exitCodeOf(error: unknown): number {
  if (error instanceof Exit) return error.exitCode;
  return error instanceof WireError ? errorTable[error.code].exit : EXIT_FAILED;
}

const aboutPipes: readonly ErrorCode[] = [
  "aborted",
  "behind",
  "expired",
  "forbidden",
  "full",
  "limit",
  "no-key",
  "not-found",
  "not-sealed",
  "removed",
  "replaced",
  "tampered",
];

/** The failure of a pipe's end or of a request for it, with the name of the pipe. */
export function about(pipe: string, error: unknown): Error {
  const called = pipeCalled(pipe);
  if (!(error instanceof WireError) || !aboutPipes.includes(error.code) || error.message.includes(called)) {
    return asError(error);
  }
  return new WireError(error.code, `${called}: ${error.message}`, { cause: error });
}

/** One sentence; empty where nothing is to be said. */
export function sentenceOf(error: unknown): string {
  if (error instanceof Exit || error instanceof WireError) return error.message;
  const what = error instanceof Error ? error.message : String(error);
  return `unexpected: ${what.replaceAll("\n", " ")}; set SKYPIPE_DEBUG=1 to see where`;
}

/** For `--json`. */
export function errorFacts(error: unknown): { code: string; message: string } {
  return { code: error instanceof WireError ? error.code : "failed", message: sentenceOf(error) };
}

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
