/** What the command says on stderr: sentences, and on a terminal one line that is rewritten in place. */
import { writeSync } from "node:fs";
import tty from "node:tty";

export interface TellerOptions {
  /** Neither notes nor a status line. */
  quiet?: boolean | undefined;
  /** No sentence at all: a line of JSON at the end tells everything. */
  json?: boolean | undefined;
  /** Where the text goes. Default: fd 2. */
  write?: (text: string) => void;
  /** Default: whether fd 2 is a terminal that can erase a line. */
  isTerminal?: boolean;
  /** Width of the terminal. */
  columns?: () => number;
}

const ERASE_LINE = "\r\u001b[K";

export class Teller {
  readonly #isQuiet: boolean;
  readonly #isSilent: boolean;
  /** Whether a status line is shown at all. */
  readonly hasStatus: boolean;
  readonly #write: (text: string) => void;
  readonly #columns: () => number;
  #status = "";

  constructor(options: TellerOptions = {}) {
    this.#isSilent = options.json ?? false;
    this.#isQuiet = this.#isSilent || (options.quiet ?? false);
    this.hasStatus = !this.#isQuiet && (options.isTerminal ?? isCapable());
    this.#write = options.write ?? writeStderr;
    this.#columns = options.columns ?? stderrColumns;
  }

  /** A failure, or a truth that must be told: always. */
  say(sentence: string): void {
    if (!this.#isSilent) this.line(`skypipe: ${sentence}`);
  }

  /** What is good to know; not with `-q`. */
  note(sentence: string): void {
    if (!this.#isQuiet) this.say(sentence);
  }

  /** Shows `text` as the status line in place of the last one; an empty one erases it. */
  status(text: string): void {
    if (!this.hasStatus || text === this.#status) return;
    const fitting = text.slice(0, Math.max(0, this.#columns() - 1));
    this.#write(`${ERASE_LINE}${fitting}`);
    this.#status = fitting;
  }

  /** A line as it is, such as the JSON at the end. */
  line(text: string): void {
    const status = this.#status;
    this.status("");
    this.#write(`${text}\n`);
    this.status(status);
  }
}

function isCapable(): boolean {
  return tty.isatty(2) && process.env.TERM !== "dumb";
}

function stderrColumns(): number {
  return process.stderr.columns || 80;
}

function writeStderr(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Nobody reads stderr, or it is full: the data matter more.
  }
}
