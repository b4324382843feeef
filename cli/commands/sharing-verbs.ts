/** The verbs that let others use a pipe. */
import { Command } from "commander";
import type { JoinOptions } from "./join.ts";
import { type Run, withManners } from "./manners.ts";
import { duration, jsonOption, quietOption, satelliteOption } from "./options.ts";
import type { ShareOptions } from "./share.ts";

export function share(run: Run): Command {
  const command = new Command("share")
    .description("make a link that lets whoever has it read or write one pipe")
    .argument("[name]", "the pipe's name; '' is the default pipe")
    .option("--read", "the link lets them read it")
    .option("--write", "the link lets them write to it; with --read, both")
    .addOption(
      duration("--expires <d>", "it ends by itself after so long, for example 7d; else when it is revoked"),
    )
    .option("--once", "it is for one writer or one reader")
    .option("--list", "show what is shared")
    .option("--revoke <id>", "end a link, and whatever is being done by it")
    .addOption(satelliteOption())
    .addOption(quietOption())
    .addOption(jsonOption())
    .action(async (name: string | undefined, options: ShareOptions) => {
      await run(async () => (await import("./share.ts")).share(name, options));
    });
  return withManners(command, [
    ["skypipe share logs --write", "a link for a machine that sends its log and can read nothing"],
    ["skypipe share photos --read --once --expires 1d", "for one download, today"],
    ["skypipe share logs --read > link; chmod 600 link", "a link is a secret: keep it out of sight"],
    ["skypipe share --list", "what was given out, with ids"],
    ["skypipe share --revoke 1f3c5a7e9b2d", "end it now"],
  ]);
}

export function join(run: Run): Command {
  const command = new Command("join")
    .description("use a link that somebody gave you: from then on its pipe works on this computer")
    .option("--as <name>", "call the pipe so here, where its own name is taken")
    .option("--list", "show the links that were joined")
    .option("--forget <name>", "forget those of this name")
    .addOption(quietOption())
    .addOption(jsonOption())
    .action(async (options: JoinOptions) => {
      await run(async () => (await import("./join.ts")).join(options));
    });
  return withManners(command, [
    ["skypipe join", "asks for the link, and does not show it"],
    ["skypipe join < link", "from a file, or from a program"],
    ["SKYPIPE_LINK=… skypipe logs", "use a link once, without joining: for containers and CI"],
    ["skypipe join --list", "names, rights and satellites; no secrets"],
    ["skypipe join --forget logs", "logs is a pipe of your own satellite again"],
  ]);
}
