/** `skypipe satellite` without the command around it: the entry of the one file that is deployed (`deploy/bundle.ts`). */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parseDuration } from "../../satellite/wire/duration.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import { parseSize } from "../terminal/units.ts";
import { exitCodeOf, sentenceOf } from "./common/failure.ts";
import { type ServeOptions, satellite } from "./satellite.ts";

const text = { type: "string" } as const;

/** The flags of `skypipe satellite`. PORT in the environment is where hosts of other people's programs say it. */
function optionsOf(args: string[]): ServeOptions {
  const { values } = parseArgs({
    args,
    options: {
      host: { ...text, default: "127.0.0.1" },
      port: { ...text, default: process.env["PORT"] || "0" },
      socket: text,
      data: text,
      memory: { type: "boolean" },
      "token-file": text,
      "answer-to": text,
      grace: text,
      "max-buffer": text,
      "max-lag": text,
      "idle-exit": text,
      "trust-proxy": text,
    },
  });
  return {
    host: values.host,
    port: portOf(values.port),
    bundle: createHash("sha256")
      .update(readFileSync(import.meta.filename))
      .digest("hex"),
    ...optional("socket", values.socket, String),
    ...optional("data", values.data, String),
    ...optional("tokenFile", values["token-file"], String),
    ...optional("answerTo", values["answer-to"], String),
    ...optional("grace", values.grace, parseDuration),
    ...optional("maxBuffer", values["max-buffer"], parseSize),
    ...optional("maxLag", values["max-lag"], parseSize),
    ...optional("trustProxy", values["trust-proxy"], String),
    ...optional("idleExit", values["idle-exit"], parseDuration),
  };
}

function optional<Key extends keyof ServeOptions>(
  key: Key,
  given: string | undefined,
  parse: (text: string) => ServeOptions[Key],
): Partial<ServeOptions> {
  return given === undefined ? {} : { [key]: parse(given) };
}

function portOf(given: string): number {
  const port = Number(given);
  if (/^\d+$/.test(given) && port <= 65_535) return port;
  throw new WireError("usage", `'${given}' is not a port: a number from 0 to 65535, for example 8080`);
}

function end(error: unknown): void {
  const isFlag =
    error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
  const told = isFlag
    ? new WireError("usage", error.message.split(". ", 1)[0] ?? "", { cause: error })
    : error;
  process.stderr.write(`skypipe: ${sentenceOf(told)}\n`);
  process.exit(exitCodeOf(told));
}

process.on("uncaughtException", end);
process.on("unhandledRejection", end);

Promise.resolve()
  .then(async () => satellite(optionsOf(process.argv.slice(2))))
  .then((exitCode) => process.exit(exitCode), end);
