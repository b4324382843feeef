/** `skypipe recv [NAME]`: always reads. */
import { WireError } from "../../satellite/wire/errors.ts";
import { pipeMeant } from "./common/links.ts";
import { pipeName } from "./common/pipe-name.ts";
import { readEnd } from "./common/read-end.ts";

export interface RecvOptions {
  follow?: boolean;
  one?: boolean;
  tap?: boolean;
  new?: boolean;
  tag?: boolean;
  /** Milliseconds. */
  timeout?: number;
  /** A file's name. */
  output?: string;
  /** Bytes per second. */
  limit?: number;
  /** The name of one that setup remembers. */
  satellite?: string;
  plain?: boolean;
  quiet?: boolean;
  json?: boolean;
}

export async function recv(name: string, options: RecvOptions): Promise<number> {
  const pipe = pipeName(pipeMeant(name));
  const { output, follow = false, one = false, tap = false } = options;
  if (output !== undefined && (follow || tap)) {
    throw new WireError(
      "usage",
      "-o writes a file that is whole at its end, and --follow and --tap have none: use > FILE with them",
    );
  }
  return readEnd({
    pipe,
    mode: follow ? "follow" : one ? "one" : tap ? "tap" : "plain",
    fresh: options.new,
    tag: options.tag,
    timeoutMs: options.timeout,
    file: output,
    bytesPerSecond: options.limit,
    satellite: options.satellite,
    plain: options.plain,
    quiet: options.quiet,
    json: options.json,
  });
}
