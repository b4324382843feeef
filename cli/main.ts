/** The command: runs what was typed, and turns whatever it ends with into one exit code and one sentence. */
import { looksLikeLink } from "../satellite/wire/link.ts";
import { bare } from "./commands/bare.ts";
import { errorFacts, exitCodeOf, sentenceOf } from "./commands/common/failure.ts";
import { isVerb } from "./commands/verbs.ts";
import { Teller } from "./terminal/teller.ts";

/** Resolves with the exit code. A bare pipe needs nothing of what verbs and options load. */
async function main(args: readonly string[]): Promise<number> {
  const [name = "", ...rest] = args;
  const isBare = rest.length === 0 && !name.startsWith("-") && !isVerb(name) && !looksLikeLink(name);
  if (isBare) return bare(name, {});
  return (await import("./commands/line.ts")).runLine(args);
}

function report(error: unknown): number {
  const args = process.argv.slice(2);
  const options = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const sentence = sentenceOf(error);
  const teller = new Teller();
  if (sentence !== "") {
    if (options.includes("--json")) teller.line(JSON.stringify({ error: errorFacts(error) }));
    else teller.say(sentence);
  }
  if (process.env.SKYPIPE_DEBUG && error instanceof Error) teller.line(error.stack ?? "");
  return exitCodeOf(error);
}

function end(error: unknown): void {
  process.exit(report(error));
}

process.on("uncaughtException", end);
process.on("unhandledRejection", end);
// A stream that waits, such as stdin, is no reason to stay.
main(process.argv.slice(2)).then((exitCode) => process.exit(exitCode), end);
