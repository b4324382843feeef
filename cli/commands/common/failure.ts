/** The one map from what was thrown to an exit code, and to what is told of it. */
import { errorTable, WireError } from "../../../satellite/wire/errors.ts";
import { EXIT_FAILED, Exit } from "../../terminal/exit.ts";

export function exitCodeOf(error: unknown): number {
  if (error instanceof Exit) return error.exitCode;
  return error instanceof WireError ? errorTable[error.code].exit : EXIT_FAILED;
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
