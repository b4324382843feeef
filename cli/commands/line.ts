/** The command line with its verbs and options: finds the verb and runs it. */
import { type Command, CommanderError } from "commander";
import { WireError } from "../../satellite/wire/errors.ts";
import { looksLikeLink } from "../../satellite/wire/link.ts";
import { exampleOf } from "./manners.ts";
import { bareCommand, verbCommand } from "./tree.ts";
import { isVerb } from "./verbs.ts";

/** Resolves with the exit code. Throws what the verb throws, and WireError `usage` for a line that is not understood. */
export async function runLine(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const run = async (verb: () => Promise<number>): Promise<void> => {
    exitCode = await verb();
  };
  const options = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const asksForHelp = options.includes("--help") || options.includes("-h");
  const program = isVerb(args[0]) || asksForHelp ? verbCommand(run) : bareCommand(run, args.includes("--"));
  try {
    if (args.some(looksLikeLink)) throw linkInSight();
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // help and version
    throw error instanceof CommanderError ? usageError(error, program, args[0]) : error;
  }
}

/** It is not repeated: stderr may be a log. */
function linkInSight(): WireError {
  return new WireError(
    "usage",
    "a link is a secret, and on a command line others can see it, now and in the shell's history: run skypipe join, which " +
      "asks for it, or give it as skypipe join < file or in SKYPIPE_LINK; whoever shared it can revoke this one",
  );
}

/** What commander complains of, with an example of how it is done. */
function usageError(error: CommanderError, program: Command, verb: string | undefined): WireError {
  const command = program.commands.find((each) => each.name() === verb) ?? program;
  const name = command === program ? "skypipe" : `skypipe ${command.name()}`;
  const what = error.message
    .replace(/^error: /, "")
    .replaceAll("\n", " ")
    .replace(/\.$/, "");
  const message = `${what}; for example ${exampleOf(command)} (${name} --help shows more)`;
  return new WireError("usage", message, { cause: error });
}
