/** The verbs and their options: what is typed is understood, and the help's examples can be typed. */
import { type Command, CommanderError } from "commander";
import { beforeEach, expect, it } from "vitest";
import { exampleOf } from "../../cli/commands/manners.ts";
import { bareCommand, verbCommand } from "../../cli/commands/tree.ts";
import { isVerb } from "../../cli/commands/verbs.ts";

let ran: number;

beforeEach(() => {
  ran = 0;
});

const run = async (): Promise<void> => {
  ran++;
  return Promise.resolve();
};

function commandFor(args: readonly string[]): Command {
  return isVerb(args[0]) ? verbCommand(run) : bareCommand(run, args.includes("--"));
}

async function parse(args: readonly string[]): Promise<void> {
  await commandFor(args).parseAsync(args, { from: "user" });
}

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (more) => {
      text += more;
    },
  });
  command.outputHelp();
  return text;
}

const all = verbCommand(run);

/** The examples of a help text, without what explains them. */
function examplesOf(help: string): string[] {
  const [, examples = ""] = help.split("Examples:\n");
  return examples
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.trim().split(/ {2,}/)[0] ?? "");
}

/** The words of each `skypipe` in a line of shell. */
function invocations(line: string): string[][] {
  return line
    .split(/[|;]/)
    .map((part) =>
      part
        .replace(/^.*\$\((.*)\).*$/, "$1") // what stands in a substitution
        .replace(/\d?[<>].*$/, "")
        .replace(/^\s*([A-Z_]+=\S* )+/, "") // variables
        .trim()
        .split(/\s+/),
    )
    .filter(([program]) => program === "skypipe")
    .map((words) => words.slice(1));
}

it("DESIGN.md §5: these verbs, and no other", () => {
  const names = all.commands.map((command) => command.name());
  expect(names).toEqual([
    "send",
    "recv",
    "ls",
    "peek",
    "rm",
    "share",
    "join",
    "setup",
    "keys",
    "check",
    "upgrade",
    "reset",
    "satellite",
  ]);
  for (const name of [...names, "help"]) expect(isVerb(name)).toBe(true);
  expect(isVerb("logs")).toBe(false);
  expect(isVerb(undefined)).toBe(false);
});

it.each([all, ...all.commands].map((command) => [command.name(), command] as const))(
  "the help of %s teaches by examples that can be typed",
  async (_, command) => {
    const examples = examplesOf(helpOf(command));
    expect(examples.length).toBeGreaterThan(0);
    expect(examples).toContain(exampleOf(command));
    for (const example of examples) {
      const calls = invocations(example);
      expect(calls.length).toBeGreaterThan(0);
      for (const args of calls) {
        ran = 0;
        await parse(args);
        expect([args, ran]).toEqual([args, 1]);
      }
    }
  },
);

it("every option of every verb is explained", () => {
  for (const command of [all, ...all.commands]) {
    for (const option of command.options) expect(option.description).not.toBe("");
  }
});

it.each([
  [["recv", "--no-such-option"], "commander.unknownOption"],
  [["--no-such-option"], "commander.unknownOption"],
  [["one", "two"], "commander.excessArguments"],
  [["send", "x", "file", "more"], "commander.excessArguments"],
  [["peek"], "commander.missingArgument"],
  [["rm"], "commander.missingArgument"],
  [["recv", "--timeout"], "commander.optionMissingArgument"],
  [["send", "--whole", "--lines"], "commander.conflictingOption"],
  [["recv", "-f", "-1"], "commander.conflictingOption"],
  [["recv", "--tap", "-f"], "commander.conflictingOption"],
  [["satellite", "--socket", "s", "--port", "1"], "commander.conflictingOption"],
  // Later issues bring these.
  [["satellite", "--data", "d", "--memory"], "commander.conflictingOption"],
])("%j is refused", async (args, code) => {
  await expect(parse(args)).rejects.toSatisfy(
    (error) => error instanceof CommanderError && error.code === code,
  );
  expect(ran).toBe(0);
});

it.each([
  [["recv", "--timeout", "soon"]],
  [["recv", "--limit", "0"]],
  [["send", "--ttl", "1"]],
  [["peek", "x", "--bytes", "few"]],
  [["satellite", "--port", "65536"]],
  [["satellite", "--port", "-1"]],
  [["satellite", "--grace", "60"]],
  [["satellite", "--max-buffer", "1X"]],
])("%j breaks a rule", async (args) => {
  await expect(parse(args)).rejects.toMatchObject({ code: "usage" });
  expect(ran).toBe(0);
});

it("a pipe that is called like a verb is reached with --", async () => {
  await parse(["--", "ls"]);
  await parse(["-q", "--", "send"]);
  expect(ran).toBe(2);
  await expect(parse(["-q", "ls"])).rejects.toThrow(/ls is a verb.*skypipe -- ls/);
});

it("an option behind a verb is the verb's", async () => {
  let options: unknown;
  const command = verbCommand(run);
  const ls = command.commands.find((each) => each.name() === "ls");
  ls?.action((given: unknown) => {
    options = given;
  });
  await command.parseAsync(["ls", "--json"], { from: "user" });
  expect(options).toEqual({ json: true });
});
