/** What `setup` remembers: one small file, mode 0600, in SKYPIPE_CONFIG_DIR or the platform's place. */
import path from "node:path";
import Conf from "conf";
import { WireError } from "../../../satellite/wire/errors.ts";
import { EXIT_FAILED, Exit, systemCode, systemReason } from "../../terminal/exit.ts";

/** Of the file's shape. A later one is not touched by this version. */
const SCHEMA_VERSION = 1;

export interface Remembered {
  /** The provider's name. */
  readonly provider: string;
}

/** Throws WireError `usage` where the file can't be understood; nothing is overwritten then. */
export function recall(): Remembered | null {
  const settings = load();
  if (settings === null || Object.keys(settings.store).length === 0) return null;
  const { version, satellite } = settings.store;
  if (typeof version === "number" && version > SCHEMA_VERSION) {
    throw unusable(settings.path, "was written by a later version of skypipe: use that one, or");
  }
  if (version !== SCHEMA_VERSION || !isRemembered(satellite)) {
    throw unusable(settings.path, "is damaged: mend it, or");
  }
  return { provider: satellite.provider };
}

export function remember(remembered: Remembered): void {
  recall();
  write({ version: SCHEMA_VERSION, satellite: { provider: remembered.provider } });
}

export function forget(): void {
  if (recall() !== null) write({});
}

function open(): Conf {
  const folder = process.env.SKYPIPE_CONFIG_DIR;
  return new Conf({
    projectName: "skypipe",
    projectSuffix: "",
    configName: "settings",
    configFileMode: 0o600,
    deserialize: parse,
    ...(folder === undefined || folder === "" ? {} : { cwd: path.resolve(folder) }),
  });
}

/** What is no JSON object is an object without a version, so that the file is refused with its name. */
function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // refused below
  }
  return { version: 0 };
}

function isRemembered(value: unknown): value is Remembered {
  return (
    typeof value === "object" && value !== null && "provider" in value && typeof value.provider === "string"
  );
}

/** `null` where there is no place for settings: nothing was remembered there. */
function load(): Conf | null {
  try {
    return open();
  } catch (error) {
    if (systemCode(error) === "") throw error;
    if (detail(error, "syscall") === "mkdir" || systemCode(error) === "ENOTDIR") return null;
    const file = detail(error, "path") || "the file of the settings";
    throw unusable(file, `can't be read (${systemReason(error)}): mend that, or`, error);
  }
}

function write(store: Record<string, unknown>): void {
  try {
    open().store = store;
  } catch (error) {
    if (systemCode(error) === "") throw error;
    const message = `cannot write the settings: ${systemReason(error)}; set SKYPIPE_CONFIG_DIR to a folder of yours`;
    throw new Exit(EXIT_FAILED, message, { cause: error });
  }
}

function unusable(file: string, what: string, cause?: unknown): WireError {
  return new WireError("usage", `${file} ${what} delete it and run skypipe setup`, { cause });
}

function detail(error: unknown, name: "path" | "syscall"): string {
  const value = error instanceof Error ? (error as NodeJS.ErrnoException)[name] : undefined;
  return value ?? "";
}
