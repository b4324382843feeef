import { isPipeName, NAME_RULE } from "../../satellite/wire/name.ts";
import { type Check, int, str } from "../../satellite/wire/schema.ts";
import { SkypipeError } from "./errors.ts";
import type { ReaderOptions, WriterOptions } from "./types.ts";

/** What each option may be, so that a wrong one fails alone, and not its connection [C-1] [C-4]. */
const RULES: Readonly<Record<string, { check: Check; rule: string }>> = {
  size: { check: int, rule: "a number of bytes" },
  ttlMs: { check: int, rule: "a number of milliseconds" },
  limitBytes: { check: int, rule: "a number of bytes" },
  name: { check: str(255), rule: "at most 255 bytes" },
  contentType: { check: str(255), rule: "at most 255 bytes" },
  host: { check: str(255), rule: "at most 255 bytes" },
};

/** @throws SkypipeError `usage` */
export function checkPipe(pipe: string): void {
  if (!isPipeName(pipe))
    throw new SkypipeError("usage", `${JSON.stringify(pipe)} can't name a pipe: ${NAME_RULE}.`);
}

/**
 * The options that are set, as they go into a message.
 *
 * @throws SkypipeError `usage`
 */
export function checkOptions<Options extends WriterOptions | ReaderOptions>(options: Options): Options {
  const set = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [name, value] of set) {
    const known = RULES[name];
    if (known === undefined || known.check(value)) continue;
    throw new SkypipeError(
      "usage",
      `The option '${name}' is ${JSON.stringify(value)}; it must be ${known.rule}.`,
    );
  }
  return Object.fromEntries(set) as Options;
}
