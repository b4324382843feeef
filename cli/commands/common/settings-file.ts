/** One small file of what this computer remembers, mode 0600, in SKYPIPE_CONFIG_DIR or the platform's place. */
import path from "node:path";
import Conf from "conf";
import { WireError } from "../../../satellite/wire/errors.ts";
import { EXIT_FAILED, Exit, systemCode, systemReason } from "../../terminal/exit.ts";
import { isRecord } from "./settings-shape.ts";

export type Stored = Readonly<Record<string, unknown>>;

export class SettingsFile {
  readonly #name: string;
  readonly #version: number;
  readonly #remedy: string;

  /**
   * @param version of the file's shape: a later one is not touched
   * @param remedy what to run when it was deleted
   */
  constructor(name: string, version: number, remedy: string) {
    this.#name = name;
    this.#version = version;
    this.#remedy = remedy;
  }

  /** What is in it, as `understand` reads it; `null` where there is nothing. Throws WireError `usage` where it can't. */
  read<T>(understand: (stored: Stored) => T | null): T | null {
    const conf = this.#load();
    if (conf === null || Object.keys(conf.store).length === 0) return null;
    const { version } = conf.store;
    if (typeof version === "number" && version > this.#version) {
      throw this.#unusable(conf.path, "was written by a later version of skypipe: use that one, or");
    }
    const understood = understand(conf.store);
    if (understood === null) throw this.#unusable(conf.path, "is damaged: mend it, or");
    return understood;
  }

  /** Puts these things in place of all that is in it. */
  replace(things: Stored): void {
    try {
      this.#open().store = Object.keys(things).length === 0 ? {} : { version: this.#version, ...things };
    } catch (error) {
      if (systemCode(error) === "") throw error;
      const message = `cannot write the settings: ${systemReason(error)}; set SKYPIPE_CONFIG_DIR to a folder of yours`;
      throw new Exit(EXIT_FAILED, message, { cause: error });
    }
  }

  #open(): Conf {
    const folder = process.env.SKYPIPE_CONFIG_DIR;
    return new Conf({
      projectName: "skypipe",
      projectSuffix: "",
      configName: this.#name,
      configFileMode: 0o600,
      deserialize: parse,
      ...(folder === undefined || folder === "" ? {} : { cwd: path.resolve(folder) }),
    });
  }

  /** `null` where there is no place for settings: nothing was remembered there. */
  #load(): Conf | null {
    try {
      return this.#open();
    } catch (error) {
      if (systemCode(error) === "") throw error;
      if (detail(error, "syscall") === "mkdir" || systemCode(error) === "ENOTDIR") return null;
      const file = detail(error, "path") || "the file of the settings";
      throw this.#unusable(file, `can't be read (${systemReason(error)}): mend that, or`, error);
    }
  }

  #unusable(file: string, what: string, cause?: unknown): WireError {
    return new WireError("usage", `${file} ${what} delete it and run ${this.#remedy}`, { cause });
  }
}

/** What is no JSON object is an object without a version, so that the file is refused with its name. */
function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return { ...value };
  } catch {
    // refused by whoever reads it
  }
  return { version: 0 };
}

function detail(error: unknown, name: "path" | "syscall"): string {
  const value = error instanceof Error ? (error as NodeJS.ErrnoException)[name] : undefined;
  return value ?? "";
}
