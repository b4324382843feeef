/** Why a reader with or without a key does not take a stream. What it refuses stays in the pipe. */
import { SkypipeError } from "../errors.ts";

/** What came is not what was sealed [Z-9]. */
export function tampered(what: string, cause?: unknown): SkypipeError {
  return new SkypipeError(
    "tampered",
    `a stream was changed on its way: ${what}; nothing was delivered from there on, and it stays in the pipe`,
    { cause },
  );
}

/** [Z-10] */
export function noKey(): SkypipeError {
  return new SkypipeError(
    "no-key",
    "the stream is sealed, and no key is known here: set SKYPIPE_KEY to what skypipe keys export prints where it was " +
      "sent from; it stays in the pipe",
  );
}

/** [Z-10] */
export function unknownKey(id: string): SkypipeError {
  return new SkypipeError(
    "no-key",
    `the stream is sealed with the key ${id}, which is not known here: skypipe keys add takes it; it stays in the pipe`,
  );
}

/** [Z-10] */
export function laterVersion(): SkypipeError {
  return new SkypipeError(
    "no-key",
    "the stream was sealed by a later version of skypipe: upgrade this one; it stays in the pipe",
  );
}

/** [Z-11] */
export function notSealed(): SkypipeError {
  return new SkypipeError(
    "not-sealed",
    "the stream is not sealed, and there is a key here: say skypipe recv --plain to take it all the same; it stays in " +
      "the pipe",
  );
}
