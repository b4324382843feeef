/** The verbs, their options and their help. A verb's own file is loaded when it runs. */
import { Argument, Command, Option } from "commander";
import { WireError } from "../../satellite/wire/errors.ts";
import { parseSize } from "../terminal/units.ts";
import type { KeysOptions } from "./keys.ts";
import { type Run, withManners } from "./manners.ts";
import {
  duration,
  endOptions,
  jsonOption,
  parsePort,
  quietOption,
  readerOptions,
  satelliteOption,
  writerOptions,
  yesOption,
} from "./options.ts";
import type { RecvOptions } from "./recv.ts";
import type { ResetOptions } from "./reset.ts";
import type { ServeOptions } from "./satellite.ts";
import type { SendOptions } from "./send.ts";
import type { SetupOptions } from "./setup.ts";
import { join, share } from "./sharing-verbs.ts";
import type { UpgradeOptions } from "./upgrade.ts";
import { isVerb } from "./verbs.ts";

declare const __VERSION__: string | undefined;
const version = typeof __VERSION__ === "string" ? __VERSION__ : "0.0.0";

const NAME = "the pipe's name; without one, the default pipe";

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
  const verbs = [send, recv, ls, peek, rm, share, join, setup, keys, check, upgrade, reset, satellite];
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
    .action(async (options: { satellite?: string; quiet?: boolean; json?: boolean }) => {
      await run(async () => (await import("./ls.ts")).ls(options));
    });
  for (const option of [satelliteOption(), jsonOption(), quietOption()]) command.addOption(option);
  return withManners(command, [
    ["skypipe ls", "streams, bytes, age, writers and readers of each pipe"],
    ["skypipe ls --json", "the same as an array"],
  ]);
}

function peek(run: Run): Command {
  const command = new Command("peek")
    .description("show the start of a pipe's oldest stream; nothing is taken")
    .argument("<name>", "the pipe's name; '' is the default pipe")
    .addOption(new Option("--bytes <n>", "show at most so many bytes, for example 64K").argParser(parseSize))
    .addOption(satelliteOption())
    .action(async (name: string, options: { bytes?: number; satellite?: string }) => {
      await run(async () => (await import("./peek.ts")).peek(name, options));
    });
  return withManners(command, [["skypipe peek logs --bytes 1K", "the first KiB of what waits in logs"]]);
}

function rm(run: Run): Command {
  const command = new Command("rm")
    .description("drop everything that is in a pipe")
    .argument("<name>", "the pipe's name; '' is the default pipe")
    .addOption(satelliteOption())
    .addOption(quietOption())
    .addOption(jsonOption())
    .action(async (name: string, options: { satellite?: string; quiet?: boolean; json?: boolean }) => {
      await run(async () => (await import("./rm.ts")).rm(name, options));
    });
  return withManners(command, [["skypipe rm logs", "forget what nobody has read of logs"]]);
}

function setup(run: Run): Command {
  const command = new Command("setup")
    .description("bring your satellite to where it shall live, and remember it")
    .argument(
      "[where]",
      "local: on this computer; ssh: on a host of yours; fly: in your Fly.io account; without one, you are asked",
    )
    .argument("[host]", "for ssh: the host, as you would log in to it")
    .option("--name <name>", "what it is called, to have it beside others")
    .option("--default", "make it the one that is used where none is named")
    .option(
      "--url <url>",
      "for ssh: where a reverse proxy of yours has the satellite, for example https://pipes.example.com",
    )
    .addOption(
      new Option("--port <port>", "for ssh, with --url: where on the host the proxy finds it").argParser(
        parsePort,
      ),
    )
    .option("--region <region>", "for fly: where, for example fra; without it, near you")
    .option("--org <organization>", "for fly: whose account, where your token is for several")
    .option("--size <size>", "for fly: the machine, for example shared-cpu-1x:512")
    .option("--no-volume", "for fly: no disk, so that a restart loses what waits in the pipes")
    .option("--passphrase", "keep the key with the provider under a passphrase only")
    .addOption(yesOption())
    .addOption(quietOption())
    .addOption(jsonOption())
    .action(async (where: string | undefined, host: string | undefined, options: SetupOptions) => {
      await run(async () => (await import("./setup.ts")).setup(where, host, options));
    });
  return withManners(command, [
    ["skypipe setup", "choose"],
    ["skypipe setup local --yes", "on this computer, for pipes between its own processes"],
    ["skypipe setup ssh me@example.com", "on a host that you can log in to"],
    ["skypipe setup fly", "in your Fly.io account: asks for a token, says what it costs"],
    ["skypipe setup fly --region fra --yes", "the same in a script, with FLY_API_TOKEN set"],
    ["skypipe setup ssh lab --name lab", "one more, for --satellite lab"],
    ["skypipe setup --name lab --default", "use that one from now on"],
  ]);
}

function keys(run: Run): Command {
  const actions = ["show", "export", "add", "rotate", "new"];
  const command = new Command("keys")
    .description("what streams are sealed with: show, export, add, rotate, or make a new one")
    .addArgument(new Argument("[action]", "what to do; without one, show").choices(actions))
    .addOption(satelliteOption())
    .option("-y, --yes", "print secrets on a terminal, too")
    .addOption(quietOption())
    .addOption(jsonOption())
    .action(async (action: string | undefined, options: KeysOptions) => {
      await run(async () => (await import("./keys.ts")).keys(action ?? "show", options));
    });
  return withManners(command, [
    ["skypipe keys", "their names and ages; nothing secret"],
    ["skypipe keys export | ssh lab skypipe keys add", "let another computer read and write, too"],
    ["skypipe keys rotate", "seal with a new one from now on; what is there stays readable"],
    ["export SKYPIPE_KEY=$(skypipe keys new)", "for a satellite that nobody set up"],
  ]);
}

function check(run: Run): Command {
  const command = new Command("check")
    .description("say whether the satellite is there, which version it is, and what it holds")
    .addOption(satelliteOption())
    .addOption(jsonOption())
    .action(async (options: { satellite?: string; json?: boolean }) => {
      await run(async () => (await import("./check.ts")).check(options));
    });
  return withManners(command, [
    ["skypipe check", "exit 3 when it can't be reached"],
    ["skypipe check --json", "the same for a script"],
  ]);
}

function upgrade(run: Run): Command {
  const command = new Command("upgrade")
    .description("put the version of this command on the satellite; what it holds stays")
    .addOption(satelliteOption())
    .addOption(yesOption())
    .addOption(quietOption())
    .addOption(jsonOption())
    .action(async (options: UpgradeOptions) => {
      await run(async () => (await import("./upgrade.ts")).upgrade(options));
    });
  return withManners(command, [
    ["skypipe upgrade", "nothing happens when it has this version"],
    ["skypipe upgrade --satellite lab --yes", "another one than the default, also to an older version"],
  ]);
}

function reset(run: Run): Command {
  const command = new Command("reset")
    .description("end the satellite that setup made, with all that it holds, and forget it")
    .addOption(satelliteOption())
    .option("--forget", "only forget it here; it goes on")
    .addOption(yesOption())
    .addOption(quietOption())
    .addOption(jsonOption())
    .action(async (options: ResetOptions) => {
      await run(async () => (await import("./reset.ts")).reset(options));
    });
  return withManners(command, [
    ["skypipe reset --yes", "without a question"],
    ["skypipe reset --satellite lab --forget", "it goes on; this computer does not know it any more"],
  ]);
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
    .option("--answer-to <host>", "answer to this name too: that of a reverse proxy in front of it")
    .addOption(duration("--grace <d>", "how long a lost connection may come back, for example 60s"))
    .addOption(new Option("--max-buffer <n>", "room for what waits, for example 1G").argParser(parseSize))
    .addOption(
      new Option("--max-lag <n>", "how far one reader may fall behind, for example 256M").argParser(
        parseSize,
      ),
    )
    .option(
      "--trust-proxy <header>",
      "believe this header about where a connection comes from, as only a reverse proxy reaches this port; for example x-forwarded-for",
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
