/** The options that several verbs have. */
import { Option } from "commander";
import { parseDuration } from "../../satellite/wire/duration.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import { parseRate } from "../terminal/units.ts";

export function writerOptions(): Option[] {
  return [
    new Option("--sync", "end only when one reader has it all"),
    new Option("--whole", "it is binary: never mixed with other streams").conflicts("lines"),
    new Option("--lines", "it is text: merged with others, line by line").conflicts("whole"),
    duration("--ttl <d>", "drop it when nobody has read it for so long, for example 10m"),
  ];
}

export function readerOptions(): Option[] {
  return [
    new Option("-f, --follow", "read everything, and never end").conflicts(["one", "tap"]),
    new Option("-1, --one", "read one stream, which no other reader gets").conflicts(["follow", "tap"]),
    new Option("--tap", "look on: take nothing, hold up nobody").conflicts(["follow", "one"]),
    new Option("--new", "skip what was there before"),
    new Option("--tag", "put the writer's host before each line"),
    new Option("-o, --output <file>", "write this file, and give it its name when it is whole"),
  ];
}

export function endOptions(): Option[] {
  return [
    duration("--timeout <d>", "give up, with exit 124, after so long without a start, room or a reader"),
    new Option("--limit <rate>", "bytes per second, for example 512K").argParser(parseRate),
    new Option("--plain", "send it unsealed, or take also what is not sealed, although there is a key"),
    satelliteOption(),
    quietOption(),
    new Option("--json", "one line of JSON on stderr at the end, instead of sentences"),
  ];
}

export function duration(flags: string, description: string): Option {
  return new Option(flags, description).argParser(parseDuration);
}

export function satelliteOption(): Option {
  return new Option("--satellite <name>", "use the one that setup remembers under this name");
}

export function quietOption(): Option {
  return new Option("-q, --quiet", "say nothing but failures");
}

export function jsonOption(): Option {
  return new Option("--json", "print JSON");
}

export function yesOption(): Option {
  return new Option("-y, --yes", "do not ask");
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new WireError("usage", `'${text}' is not a port: a number from 0 to 65535, for example --port 7777`);
}
