/** `skypipe send [NAME] [FILE]`: always writes. */

import { openFile, sourceOf } from "../terminal/stdin.ts";
import { pipeMeant } from "./common/links.ts";
import { pipeName } from "./common/pipe-name.ts";
import { writeEnd } from "./common/write-end.ts";

export interface SendOptions {
  sync?: boolean;
  whole?: boolean;
  lines?: boolean;
  /** Milliseconds. */
  ttl?: number;
  /** Milliseconds. */
  timeout?: number;
  /** Bytes per second. */
  limit?: number;
  /** The name of one that setup remembers. */
  satellite?: string;
  plain?: boolean;
  quiet?: boolean;
  json?: boolean;
}

const STDIN = 0;

export async function send(
  name: string,
  file: string | undefined,
  options: SendOptions,
  { refusesEmpty = false }: { refusesEmpty?: boolean } = {},
): Promise<number> {
  const pipe = pipeName(pipeMeant(name));
  return writeEnd({
    pipe,
    source: file === undefined || file === "-" ? sourceOf(STDIN) : openFile(file),
    kind: options.whole === true ? "binary" : options.lines === true ? "text" : undefined,
    sync: options.sync,
    ttlMs: options.ttl,
    timeoutMs: options.timeout,
    bytesPerSecond: options.limit,
    satellite: options.satellite,
    plain: options.plain,
    quiet: options.quiet,
    json: options.json,
    refusesEmpty,
  });
}
