/** A command on a terminal, driven through `script` of util-linux: every byte that the terminal got. */
import type { Exit, Proc } from "./proc.ts";

export class Pty {
  readonly proc: Proc;

  constructor(proc: Proc) {
    this.proc = proc;
  }

  /** `script` hands the status on (-e), flushes (-f) and keeps no file. Without a size, prompts draw nothing. */
  static args(line: string): string[] {
    return ["-qefc", `stty cols 100 rows 30; ${line}`, "/dev/null"];
  }

  /** Everything so far, with its control sequences. */
  get raw(): string {
    return this.proc.out;
  }

  async type(text: string): Promise<void> {
    await this.proc.write(text);
  }

  async sees(pattern: RegExp | string, withinMs?: number): Promise<void> {
    await this.proc.puts(pattern, withinMs);
  }

  async exits(status: number, withinMs?: number): Promise<Exit> {
    return this.proc.exits(status, withinMs);
  }
}
