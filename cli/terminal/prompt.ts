/** Questions on the terminal itself, whatever stdin and stdout are. */
import { closeSync, openSync } from "node:fs";
import tty from "node:tty";
import askConfirm from "@inquirer/confirm";
import askSelect from "@inquirer/select";
import { EXIT_INTERRUPTED, Exit } from "./exit.ts";

export interface Choice<Value extends string> {
  readonly name: string;
  readonly value: Value;
}

/** Where a question is asked. */
interface Terminal {
  readonly input: tty.ReadStream;
  readonly output: tty.WriteStream;
}

export async function choose<Value extends string>(
  message: string,
  choices: readonly Choice<Value>[],
): Promise<Value> {
  return onTerminal((terminal) => askSelect<Value>({ message, choices }, terminal));
}

export async function confirm(message: string): Promise<boolean> {
  return onTerminal((terminal) => askConfirm({ message, default: false }, terminal));
}

async function onTerminal<Answer>(question: (terminal: Terminal) => Promise<Answer>): Promise<Answer> {
  const [inputFd, outputFd] = openTerminal();
  const input = new tty.ReadStream(inputFd);
  const output = new tty.WriteStream(outputFd);
  try {
    return await question({ input, output });
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
