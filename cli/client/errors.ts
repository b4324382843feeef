import { type ErrorCode, errorTable, isErrorCode, WireError } from "../../satellite/wire/errors.ts";

/** What the library throws. `code` is one of PROTOCOL.md §10 and stays; the message is a sentence and may change. */
export class SkypipeError extends WireError {
  /** What the command exits with. */
  readonly exitCode: number;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = "SkypipeError";
    this.exitCode = errorTable[code].exit;
  }
}

/** Any failure as a SkypipeError, its cause kept. What has no code is `internal`. */
export function toSkypipeError(error: unknown): SkypipeError {
  if (error instanceof SkypipeError) return error;
  const code = error instanceof WireError ? error.code : "internal";
  return new SkypipeError(code, error instanceof Error ? error.message : String(error), { cause: error });
}

/** The code of an `error` or `aborted` message; a code that this version does not know is `internal`. */
export function codeOf(code: string): ErrorCode {
  return isErrorCode(code) ? code : "internal";
}

/** Whether another attempt to connect would meet the same error. */
export function isPermanent(code: ErrorCode): boolean {
  return PERMANENT.has(code);
}

const PERMANENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "usage",
  "protocol",
  "too-large",
  "unauthorized",
  "forbidden",
  "superseded",
  "version",
]);

/** The two sides speak different versions of the protocol [V-1]. */
export function versionError(
  satellite: { address: string; software: string; isOlder: boolean },
  software: string,
): WireError {
  const { address, isOlder } = satellite;
  return new WireError(
    "version",
    `The satellite at ${address} (${satellite.software}) and this end (${software}) speak different versions: upgrade ${isOlder ? "the satellite" : "this end"}, which is older.`,
  );
}

/** Nothing answers there, or no satellite does. */
export function unreachableError(address: string, why: string): WireError {
  return new WireError(
    "unreachable",
    `No satellite answers at ${address} (${why}): check the address, and that it runs.`,
  );
}
