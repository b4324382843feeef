/** The verbs, their options and their help. A verb's own file is loaded when it runs. */
import { Command, Option } from "commander";
import { WireError } from "../../satellite/wire/errors.ts";
import { openOutput } from "../terminal/output.ts";
import { parseDuration, parseRate, parseSize } from "../terminal/units.ts";
import type { RecvOptions } from "./recv.ts";
import type { ResetOptions } from "./reset.ts";
import type { ServeOptions } from "./satellite.ts";
import type { SendOptions } from "./send.ts";
import type { SetupOptions } from "./setup.ts";
import { isVerb } from "./verbs.ts";

declare const __VERSION__: string | undefined;
const version = typeof __VERSION__ === "string" ? __VERSION__ : "0.0.0";

/** Runs a verb whose options are good; it resolves with the exit code. */
export type Run = (verb: () => Promise<number>) => Promise<void>;

/** What stands at the end of a help text: a line to type, and what it does. */
type Example = readonly [line: string, does: string];

const NAME = "the pipe's name; without one, the default pipe";

const examplesOf = new WeakMap<Command, readonly Example[]>();

/** A line that shows how a command is used. */
export function exampleOf(command: Command): string {
  return examplesOf.get(command)?.[0]?.[0] ?? "skypipe --help";
}

/**
 * The command for a line whose first word is not a verb's: all that is left is a pipe's name. After `--` it may be
 * that of a verb.
 */
export function bareCommand(run: Run, takesAnyName = true): Command {
  const command = new Command("skypipe")
    .description(
      "Named pipes in the sky: what goes in here comes out there. It writes where stdin is a pipe, a socket or a " +
        "file, and reads where stdin is a terminal, /dev/null or closed.",
    )
    .usage("[options] [name]\n       skypipe verb [options] …")
    .version(version, "-V, --version", "print the version")
    .argument("[name]", NAME)
    .action(async (name: string | undefined, options: SendOptions & RecvOptions) => {
      if (name !== undefined && isVerb(name) && !takesAnyName) throw misplacedVerb(name);
      await run(async () => (await import("./bare.ts")).bare(name ?? "", options));
    });
  for (const option of [...readerOptions(), ...writerOptions(), ...endOptions()]) {
    command.addOption(option.helpGroup("Options (as those of send and recv):"));
  }
  return withManners(command, [
    ["skypipe | gzip -9 -c > out.gz", "read what comes, here"],
    ["cat file | skypipe", "send it, from there"],
    ["tail -f app.log | skypipe logs", "a pipe has a name: send to logs, from many machines"],
    ["skypipe logs > all.log", "gather them, line by line"],
    ["skypipe trigger; echo go", "wait until somebody says echo | skypipe trigger"],
    ["skypipe -- ls", "a pipe whose name is a verb's"],
  ]);
}

/** The command for a line whose first word is a verb, and for the help of everything. */
export function verbCommand(run: Run): Command {
  // An option behind a verb is the verb's.
  const command = bareCommand(run).enablePositionalOptions();
  const verbs = [send, recv, ls, peek, rm, setup, check, reset, satellite];
  for (const verb of verbs) command.addCommand(verb(run));
  return command.helpCommand("help [verb]", "show what a verb does");
}

function misplacedVerb(name: string): WireError {
  return new WireError(
    "usage",
    `${name} is a verb and comes before its options, for example skypipe ${name} --help; a pipe of that name is ` +
      `skypipe -- ${name}`,
  );
}

function send(run: Run): Command {
  const command = new Command("send")
    .description("send stdin, or a file, into a pipe")
    .argument("[name]", NAME)
    .argument("[file]", "the file to send; without one, stdin")
    .action(async (name: string | undefined, file: string | undefined, options: SendOptions) => {
      await run(async () => (await import("./send.ts")).send(name ?? "", file, options));
    });
  for (const option of [...writerOptions(), ...endOptions()]) command.addOption(option);
  return withManners(command, [
    ["skypipe send photos holiday.zip", "a file; the reader gets it whole"],
    ["make 2>&1 | skypipe send build --sync", "and wait until somebody has read it all"],
    ["echo | skypipe send trigger --ttl 10m", "a signal that is good for ten minutes"],
    ["pg_dump shop | skypipe send dump --limit 2M", "at two megabytes per second"],
  ]);
}

function recv(run: Run): Command {
  const command = new Command("recv")
    .description("read what comes out of a pipe")
    .argument("[name]", NAME)
    .action(async (name: string | undefined, options: RecvOptions) => {
      await run(async () => (await import("./recv.ts")).recv(name ?? "", options));
    });
  for (const option of [...readerOptions(), ...endOptions()]) command.addOption(option);
  return withManners(command, [
    ["skypipe recv photos -o holiday.zip", "a file, under its name only when it is whole"],
    ["skypipe recv logs --follow --tag", "everything, for ever, with the host before each line"],
    ["skypipe recv jobs --one | sh", "one stream that no other reader gets"],
    ["skypipe recv trigger --timeout 30s", "give up, with exit 124, when nothing comes"],
    ["skypipe recv logs --tap", "look on without taking anything"],
  ]);
}

function ls(run: Run): Command {
  const command = new Command("ls")
    .description("list the pipes")
    .action(async (options: { quiet?: boolean; json?: boolean }) => {
      await run(async () => (await import("./ls.ts")).ls(options));
    });
  return withManners(command.addOption(jsonOption()).addOption(quietOption()), [
    ["skypipe ls", "streams, bytes, age, writers and readers of each pipe"],
    ["skypipe ls --json", "the same as an array"],
  ]);
}

function peek(run: Run): Command {
  const command = new Command("peek")
    .description("show the start of a pipe's oldest stream; nothing is taken")
    .argument("<name>", "the pipe's name; '' is the default pipe")
    .addOption(new Option("--bytes <n>", "show at most so many bytes, for example 64K").argParser(parseSize))
    .action(async (name: string, options: { bytes?: number }) => {
      await run(async () => (await import("./peek.ts")).peek(name, options));
    });
  return withManners(command, [["skypipe peek logs --bytes 1K", "the first KiB of what waits in logs"]]);
}

function rm(run: Run): Command {
  const command = new Command("rm")
    .description("drop everything that is in a pipe")
    .argument("<name>", "the pipe's name; '' is the default pipe")
    .addOption(quietOption())
    .addOption(jsonOption())
    .action(async (name: string, options: { quiet?: boolean; json?: boolean }) => {
      await run(async () => (await import("./rm.ts")).rm(name, options));
    });
  return withManners(command, [["skypipe rm logs", "forget what nobody has read of logs"]]);
}

function setup(run: Run): Command {
  const command = new Command("setup")
    .description("bring your satellite to where it shall live, and remember it")
    .argument("[where]", "local: on this computer; without one, you are asked")
    .addOption(yesOption())
    .addOption(quietOption())
    .addOption(jsonOption())
    .action(async (where: string | undefined, options: SetupOptions) => {
      await run(async () => (await import("./setup.ts")).setup(where, options));
    });
  return withManners(command, [
    ["skypipe setup", "choose"],
    ["skypipe setup local --yes", "on this computer, for pipes between its own processes"],
  ]);
}

function check(run: Run): Command {
  const command = new Command("check")
    .description("say whether the satellite is there, which version it is, and what it holds")
    .addOption(jsonOption())
    .action(async (options: { json?: boolean }) => {
      await run(async () => (await import("./check.ts")).check(options));
    });
  return withManners(command, [
    ["skypipe check", "exit 3 when it can't be reached"],
    ["skypipe check --json", "the same for a script"],
  ]);
}

function reset(run: Run): Command {
  const command = new Command("reset")
    .description("end the satellite that setup made, with all that it holds, and forget it")
    .addOption(yesOption())
    .addOption(quietOption())
    .addOption(jsonOption())
    .action(async (options: ResetOptions) => {
      await run(async () => (await import("./reset.ts")).reset(options));
    });
  return withManners(command, [["skypipe reset --yes", "without a question"]]);
}

function satellite(run: Run): Command {
  const command = new Command("satellite")
    .description("run a satellite here; prints its address when it is ready")
    .option("--host <host>", "listen on this address; any but loopback needs a token", "127.0.0.1")
    .addOption(
      new Option("--port <port>", "listen on this port; 0: one that is free").default(0).argParser(parsePort),
    )
    .addOption(new Option("--socket <path>", "listen on a Unix socket instead").conflicts(["host", "port"]))
    .addOption(
      new Option(
        "--data <dir>",
        "keep what waits in this folder: it survives the end of the satellite",
      ).conflicts("memory"),
    )
    .option("--memory", "keep what waits in memory (the default: it is lost when the satellite ends)")
    .option("--token-file <file>", "ask for the token that is in this file; else for SKYPIPE_TOKEN, if set")
    .addOption(duration("--grace <d>", "how long a lost connection may come back, for example 60s"))
    .addOption(new Option("--max-buffer <n>", "room for what waits, for example 1G").argParser(parseSize))
    .addOption(
      new Option("--max-lag <n>", "how far one reader may fall behind, for example 256M").argParser(
        parseSize,
      ),
    )
    .addOption(duration("--idle-exit <d>", "end when nobody was there, and nothing kept, for so long"))
    .action(async (options: ServeOptions) => {
      await run(async () => (await import("./satellite.ts")).satellite(options));
    });
  return withManners(command, [
    ["skypipe satellite --port 7777 --data ~/pipes", "for this computer, with a backlog that lasts"],
    ["skypipe satellite --host 0.0.0.0 --port 7777 --token-file token", "for others, who need the token"],
  ]);
}

function writerOptions(): Option[] {
  return [
    new Option("--sync", "end only when one reader has it all"),
    new Option("--whole", "it is binary: never mixed with other streams").conflicts("lines"),
    new Option("--lines", "it is text: merged with others, line by line").conflicts("whole"),
    duration("--ttl <d>", "drop it when nobody has read it for so long, for example 10m"),
  ];
}

function readerOptions(): Option[] {
  return [
    new Option("-f, --follow", "read everything, and never end").conflicts(["one", "tap"]),
    new Option("-1, --one", "read one stream, which no other reader gets").conflicts(["follow", "tap"]),
    new Option("--tap", "look on: take nothing, hold up nobody").conflicts(["follow", "one"]),
    new Option("--new", "skip what was there before"),
    new Option("--tag", "put the writer's host before each line"),
    new Option("-o, --output <file>", "write this file, and give it its name when it is whole"),
  ];
}

function endOptions(): Option[] {
  return [
    duration("--timeout <d>", "give up, with exit 124, after so long without a start, room or a reader"),
    new Option("--limit <rate>", "bytes per second, for example 512K").argParser(parseRate),
    quietOption(),
    new Option("--json", "one line of JSON on stderr at the end, instead of sentences"),
  ];
}

function duration(flags: string, description: string): Option {
  return new Option(flags, description).argParser(parseDuration);
}

function quietOption(): Option {
  return new Option("-q, --quiet", "say nothing but failures");
}

function jsonOption(): Option {
  return new Option("--json", "print JSON");
}

function yesOption(): Option {
  return new Option("-y, --yes", "do not ask");
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new WireError("usage", `'${text}' is not a port: a number from 0 to 65535, for example --port 7777`);
}

/** Examples below the help, errors thrown and not printed. */
function withManners(command: Command, examples: readonly Example[]): Command {
  examplesOf.set(command, examples);
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, does]) => `  ${line.padEnd(width)}  ${does}`);
  return command
    .helpOption("-h, --help", "show this help")
    .addHelpText("after", `\nExamples:\n${lines.join("\n")}`)
    .exitOverride()
    .configureOutput({
      outputError: () => undefined,
      writeOut: (text) => void openOutput(1).write(Buffer.from(text)),
    });
}
