/** Questions on the terminal itself, whatever stdin and stdout are. */
import { closeSync, openSync } from "node:fs";
import tty from "node:tty";
import askConfirm from "@inquirer/confirm";
import askInput from "@inquirer/input";
import askPassword from "@inquirer/password";
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

export async function confirm(message: string, isYesDefault = false): Promise<boolean> {
  return onTerminal((terminal) => askConfirm({ message, default: isYesDefault }, terminal));
}

/** Gives the reason why an answer is no good; the question is put again. */
export type Check = (answer: string) => Promise<string | null>;

export async function text(message: string, check?: Check): Promise<string> {
  return onTerminal((terminal) => askInput({ message, ...validation(check) }, terminal));
}

/** Nothing of what is typed or pasted is shown. */
export async function secret(message: string, check?: Check): Promise<string> {
  return onTerminal((terminal) => askPassword({ message, ...validation(check) }, terminal));
}

function validation(check?: Check): { validate?: (answer: string) => Promise<string | true> } {
  return check === undefined ? {} : { validate: async (answer) => (await check(answer)) ?? true };
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
