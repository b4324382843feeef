/** Questions on the terminal itself, whatever stdin and stdout are. */
import { closeSync, openSync } from "node:fs";
import tty from "node:tty";
import { createPromptModule } from "inquirer";
import { EXIT_INTERRUPTED, Exit } from "./exit.ts";

export interface Choice<Value extends string> {
  readonly name: string;
  readonly value: Value;
}

type Ask = ReturnType<typeof createPromptModule>;

export async function choose<Value extends string>(
  message: string,
  choices: readonly Choice<Value>[],
): Promise<Value> {
  return onTerminal(async (ask) => {
    const { answer } = await ask([{ type: "select", name: "answer", message, choices }]);
    return answer as Value;
  });
}

export async function confirm(message: string, isYesDefault = false): Promise<boolean> {
  return onTerminal(async (ask) => {
    const { answer } = await ask([{ type: "confirm", name: "answer", message, default: isYesDefault }]);
    return answer === true;
  });
}

/** Gives the reason why an answer is no good; the question is put again. */
export type Check = (answer: string) => Promise<string | null>;

export async function text(message: string, check?: Check): Promise<string> {
  return onTerminal(async (ask) => {
    const { answer } = await ask([{ type: "input", name: "answer", message, ...validation(check) }]);
    return String(answer);
  });
}

/** Nothing of what is typed or pasted is shown. */
export async function secret(message: string, check?: Check): Promise<string> {
  return onTerminal(async (ask) => {
    const { answer } = await ask([{ type: "password", name: "answer", message, ...validation(check) }]);
    return String(answer);
  });
}

function validation(check?: Check): { validate?: (answer: string) => Promise<string | true> } {
  return check === undefined ? {} : { validate: async (answer) => (await check(answer)) ?? true };
}

async function onTerminal<Answer>(question: (ask: Ask) => Promise<Answer>): Promise<Answer> {
  const [inputFd, outputFd] = openTerminal();
  const input = new tty.ReadStream(inputFd);
  const output = new tty.WriteStream(outputFd);
  try {
    return await question(createPromptModule({ input, output }));
  } catch (error) {
    // Ctrl-C, or the terminal has gone.
    if (error instanceof Error && error.name === "ExitPromptError") {
      throw new Exit(EXIT_INTERRUPTED, "", { cause: error });
    }
    throw error;
  } finally {
    input.destroy();
    output.destroy();
  }
}

function openTerminal(): [number, number] {
  if (process.platform === "win32") return [0, 2];
  const inputFd = openSync("/dev/tty", "r");
  try {
    return [inputFd, openSync("/dev/tty", "w")];
  } catch (error) {
    closeSync(inputFd);
    throw error;
  }
}
