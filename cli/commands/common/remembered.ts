/** What `setup` remembers. */
import type { Credentials, Place } from "../../../deploy/provider.ts";
import { WireError } from "../../../satellite/wire/errors.ts";
import { SettingsFile } from "./settings-file.ts";
import { isPlace, isRecord, isTextRecord, migrated } from "./settings-shape.ts";

/** Of the file's shape. A later one is not touched by this version; an earlier one is read, and written anew. */
const SCHEMA_VERSION = 2;
const file = new SettingsFile("settings", SCHEMA_VERSION, "skypipe setup");

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
  return file.read((stored) => understand(migrated(stored))) ?? { byDefault: null, satellites: [] };
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

/** Where it is now; one that is not remembered stays so. */
export function renew(satellite: Remembered): void {
  const { satellites, byDefault } = recall();
  if (!satellites.some(({ name }) => name === satellite.name)) return;
  remember(satellite, byDefault?.name === satellite.name);
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
    file.replace({});
    return;
  }
  const entries = satellites.map(({ name, keys, ...rest }) => [
    name,
    { ...rest, ...(keys !== null && { keys }) },
  ]);
  file.replace({ default: byDefault?.name ?? null, satellites: Object.fromEntries(entries) as unknown });
}
