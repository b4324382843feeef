/** How every verb shows its help and its mistakes. */
import type { Command } from "commander";
import { openOutput } from "../terminal/output.ts";

/** Runs a verb whose options are good; it resolves with the exit code. */
export type Run = (verb: () => Promise<number>) => Promise<void>;

/** What stands at the end of a help text: a line to type, and what it does. */
type Example = readonly [line: string, does: string];

const examplesOf = new WeakMap<Command, readonly Example[]>();

/** A line that shows how a command is used. */
export function exampleOf(command: Command): string {
  return examplesOf.get(command)?.[0]?.[0] ?? "skypipe --help";
}

/** Examples below the help, errors thrown and not printed. */
export function withManners(command: Command, examples: readonly Example[]): Command {
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
