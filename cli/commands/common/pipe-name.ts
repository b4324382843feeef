import { WireError } from "../../../satellite/wire/errors.ts";
import { isPipeName, NAME_RULE } from "../../../satellite/wire/name.ts";

/** The name as it is. Throws WireError `usage` [C-4]. */
export function pipeName(name: string): string {
  if (isPipeName(name)) return name;
  throw new WireError("usage", `${NAME_RULE}, for example logs/web: this one is not`);
}

/** For a line to type: ` 'logs'`; nothing for the default pipe. */
export function typed(name: string): string {
  return name === "" ? "" : ` '${name.replaceAll("'", "'\\''")}'`;
}

/** For a sentence: `pipe 'logs'` or `the default pipe`. */
export function pipeCalled(name: string): string {
  return name === "" ? "the default pipe" : `pipe '${name}'`;
}
