/** The shape of the settings file, now and before. */
import type { Place } from "../../../deploy/provider.ts";

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isTextRecord(value: unknown): value is Readonly<Record<string, string>> {
  return isRecord(value) && Object.values(value).every((each) => typeof each === "string");
}

export function isPlace(value: unknown): value is Place | null {
  return value === null || (isTextRecord(value) && value.url !== undefined);
}

/** Version 1 knew one satellite, by its provider: `{version: 1, satellite: {provider}}`. */
export function migrated(store: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { version, satellite } = store;
  if (version !== 1 || !isRecord(satellite) || typeof satellite.provider !== "string") return store;
  const { provider } = satellite;
  return { version: 2, default: provider, satellites: { [provider]: { provider } } };
}
