/** What a request on a pipe asks for: its path and its parameters [H-1] [H-2]. */
import { parseDuration } from "../wire/duration.ts";
import { WireError } from "../wire/errors.ts";
import type { Kind, Mode } from "../wire/messages.ts";
import { isPipeName, NAME_RULE } from "../wire/name.ts";

const PIPES = "/p/";
/** What a pipe can be asked. */
export const PIPE_METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"] as const;
/** What a timer can be set to. */
const TIMEOUT_MS_MAX = 24 * 86_400_000;

export interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** The target of a request; one in absolute form is that of a client which takes us for a proxy [H-1]. */
export function targetOf(url = ""): Target {
  const [path = "", ...query] = url.replace(/^https?:\/\/[^/?]*/i, "").split("?");
  return { path: path === "" && url !== "" ? "/" : path, query: new URLSearchParams(query.join("?")) };
}

/** Whether a path is of a pipe, if what follows is a name. */
export function isOfPipe(path: string): boolean {
  return path.startsWith(PIPES);
}

/** The name of the pipe that a path is of; `null`: of none. Throws WireError `usage` [C-4]. */
export function pipeIn(path: string): string | null {
  if (!isOfPipe(path)) return null;
  const name = decoded(path.slice(PIPES.length));
  if (!isPipeName(name)) throw new WireError("usage", NAME_RULE); // [C-4]
  return name;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new WireError("usage", "the name of the pipe is not percent-encoded UTF-8", { cause });
  }
}

export interface ReadOptions {
  readonly mode: Exclude<Mode, "peek">;
  readonly fresh: boolean;
  readonly timeoutMs: number | null;
}

export interface WriteOptions {
  /** Without one, the first block decides. */
  readonly kind: Kind | null;
  readonly sync: boolean;
  readonly ttlMs: number | null;
  /** Waits for room. */
  readonly waits: boolean;
  readonly timeoutMs: number | null;
}

/** Throws WireError `usage`. */
export function readOptions(query: URLSearchParams): ReadOptions {
  const { has, durationMs } = parametersIn(query, ["one", "follow", "tap", "new"], ["timeout"]);
  const modes = (["one", "follow", "tap"] as const).filter(has);
  if (modes.length > 1) throw new WireError("usage", `?${modes[0]} and ?${modes[1]} exclude each other`);
  return { mode: modes[0] ?? "plain", fresh: has("new"), timeoutMs: durationMs("timeout", TIMEOUT_MS_MAX) };
}

/** Throws WireError `usage`. */
export function writeOptions(query: URLSearchParams): WriteOptions {
  const flags = ["sync", "whole", "lines", "wait"];
  const { has, durationMs } = parametersIn(query, flags, ["ttl", "timeout"]);
  if (has("whole") && has("lines")) throw new WireError("usage", "?whole and ?lines exclude each other");
  return {
    kind: has("whole") ? "binary" : has("lines") ? "text" : null,
    sync: has("sync"),
    ttlMs: durationMs("ttl", Number.MAX_SAFE_INTEGER),
    waits: has("wait"),
    timeoutMs: durationMs("timeout", TIMEOUT_MS_MAX),
  };
}

/** Throws WireError `usage` where there is a parameter. */
export function noOptions(query: URLSearchParams): void {
  parametersIn(query, [], []);
}

interface Parameters {
  readonly has: (flag: string) => boolean;
  readonly durationMs: (name: string, maxMs: number) => number | null;
}

function parametersIn(query: URLSearchParams, flags: string[], durations: string[]): Parameters {
  const set = new Set<string>();
  const givenMs = new Map<string, number>();
  const known = [...flags.map((name) => `?${name}`), ...durations.map((name) => `?${name}=30s`)];
  const seen = new Set<string>();
  for (const [name, value] of query) {
    if (seen.has(name)) throw new WireError("usage", `?${name} is there twice`);
    seen.add(name);
    if (durations.includes(name)) givenMs.set(name, parseDuration(value));
    else if (!flags.includes(name)) {
      const which = known.length === 0 ? "it takes none" : `there are ${known.join(" ")}`;
      throw new WireError("usage", `?${name} is no parameter of this request: ${which}`);
    } else if (isSet(name, value)) set.add(name);
  }
  return {
    has: (flag) => set.has(flag),
    durationMs(name, maxMs) {
      const ms = givenMs.get(name) ?? null;
      if (ms !== null && ms > maxMs) throw new WireError("usage", `?${name} is at most 24d`);
      return ms;
    },
  };
}

function isSet(name: string, value: string): boolean {
  if (["", "1", "true"].includes(value)) return true;
  if (["0", "false"].includes(value)) return false;
  throw new WireError("usage", `?${name} is a flag: it stands alone, or is 1 or 0`);
}
