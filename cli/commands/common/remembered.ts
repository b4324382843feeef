/** What `setup` remembers: one small file, mode 0600, in SKYPIPE_CONFIG_DIR or the platform's place. */
import path from "node:path";
import Conf from "conf";
import type { Credentials, Place } from "../../../deploy/provider.ts";
import { WireError } from "../../../satellite/wire/errors.ts";
import { EXIT_FAILED, Exit, systemCode, systemReason } from "../../terminal/exit.ts";
import { isPlace, isRecord, isTextRecord, migrated } from "./settings-shape.ts";

/** Of the file's shape. A later one is not touched by this version; an earlier one is read, and written anew. */
const SCHEMA_VERSION = 2;

/** A satellite that `setup` brought to its place. */
export interface Remembered {
  /** What `--satellite` calls it. */
  readonly name: string;
  /** The provider's name. */
  readonly provider: string;
  readonly credentials: Credentials;
  /** Where it was when it was set up; `null`: its provider knows. */
  readonly place: Place | null;
  /** What its streams are sealed with, the newest key first; `null`: they are not. */
  readonly keys: string | null;
}

export interface Settings {
  /** The one that is used where none is named; `null` where that is not said. */
  readonly byDefault: Remembered | null;
  readonly satellites: readonly Remembered[];
}

const RULE = "1 to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or a digit";

/** Throws WireError `usage` for what can't name a satellite. */
export function satelliteName(name: string): string {
  if (/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u.test(name)) return name;
  throw new WireError("usage", `the name of a satellite is ${RULE}, for example --name work`);
}

/** Throws WireError `usage` where the file can't be understood; nothing is overwritten then. */
export function recall(): Settings {
  const settings = load();
  if (settings === null || Object.keys(settings.store).length === 0) {
    return { byDefault: null, satellites: [] };
  }
  const { version } = settings.store;
  if (typeof version === "number" && version > SCHEMA_VERSION) {
    throw unusable(settings.path, "was written by a later version of skypipe: use that one, or");
  }
  const understood = understand(migrated(settings.store));
  if (understood === null) throw unusable(settings.path, "is damaged: mend it, or");
  return understood;
}

/** Adds it, or puts it in the place of the one of its name. The first one is the default whatever is said. */
export function remember(satellite: Remembered, isDefault: boolean): void {
  const { satellites, byDefault } = recall();
  const others = satellites.filter(({ name }) => name !== satellite.name);
  write({
    satellites: [...others, satellite],
    byDefault: isDefault || others.length === 0 ? satellite : byDefault,
  });
}

/** Where it was the default, there is none then: what was meant for it must not go to another one unasked. */
export function forget(name: string): void {
  const { satellites, byDefault } = recall();
  const others = satellites.filter((each) => each.name !== name);
  if (others.length === satellites.length) return;
  write({ satellites: others, byDefault: byDefault?.name === name ? null : byDefault });
}

function understand(store: Readonly<Record<string, unknown>>): Settings | null {
  const { version, satellites, default: byDefault = null } = store;
  if (version !== SCHEMA_VERSION || !isRecord(satellites)) return null;
  const known: Remembered[] = [];
  for (const [name, value] of Object.entries(satellites)) {
    if (!isRecord(value)) return null;
    const { provider, credentials = {}, place = null, keys = null } = value;
    if (typeof provider !== "string" || !isTextRecord(credentials) || !isPlace(place)) return null;
    if (keys !== null && typeof keys !== "string") return null;
    known.push({ name, provider, credentials, place, keys });
  }
  const named = known.find(({ name }) => name === byDefault) ?? null;
  if (known.length === 0 || (named === null && byDefault !== null)) return null;
  return { satellites: known, byDefault: named };
}

function write({ satellites, byDefault }: Settings): void {
  if (satellites.length === 0) {
    replace({});
    return;
  }
  const entries = satellites.map(({ name, keys, ...rest }) => [
    name,
    { ...rest, ...(keys !== null && { keys }) },
  ]);
  replace({
    version: SCHEMA_VERSION,
    default: byDefault?.name ?? null,
    satellites: Object.fromEntries(entries) as unknown,
  });
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
    if (isRecord(value)) return { ...value };
  } catch {
    // refused below
  }
  return { version: 0 };
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

function replace(settings: Record<string, unknown>): void {
  try {
    open().store = settings;
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
