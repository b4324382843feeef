/** A terminal that a person could sit at: tmux draws it, so that what was erased is gone. */
import type { Proc } from "./proc.ts";
import { until } from "./until.ts";

type Tmux = (args: readonly string[]) => Proc;

export class Screen {
  readonly #run: Tmux;
  readonly #socket: string;

  private constructor(run: Tmux, socket: string) {
    this.#run = run;
    this.#socket = socket;
  }

  /** A shell on 100 × 30 characters, on a tmux server of its own, which goes with the test's processes. */
  static async open(run: Tmux, socket: string): Promise<Screen> {
    const screen = new Screen(run, socket);
    const shell = "exec env PS1='$ ' bash --norc --noprofile -i"; // tmux's own shell would unset it
    await screen.#tmux(["-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", shell]);
    await screen.shows(/\$ $/m);
    return screen;
  }

  /** What is on it now, without trailing blanks. */
  async look(): Promise<string> {
    const text = await this.#tmux(["capture-pane", "-p"]);
    return text
      .split("\n")
      .map((line) => line.trimEnd())
      .join("\n")
      .trimEnd();
  }

  /** Types a line and presses Enter. */
  async type(line: string): Promise<void> {
    await this.#tmux(["send-keys", "-l", line]);
    await this.press("Enter");
  }

  /** A key by tmux's name for it: `C-c`, `Enter`, `Down`. */
  async press(key: string): Promise<void> {
    await this.#tmux(["send-keys", key]);
  }

  async shows(pattern: RegExp | string, withinMs?: number): Promise<string> {
    let last = "";
    const seen = async (): Promise<boolean> => {
      last = await this.look();
      return typeof pattern === "string" ? last.includes(pattern) : pattern.test(`${last} `);
    };
    await until(`the screen shows ${pattern}`, seen, withinMs).catch((error: Error) => {
      throw new Error(`${error.message}\n${last}`);
    });
    return last;
  }

  async #tmux(args: readonly string[]): Promise<string> {
    const { out } = await this.#run(["-L", this.#socket, ...args]).exits(0);
    return out;
  }
}
