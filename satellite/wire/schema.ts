import { fitsUtf8 } from "./name.ts";

/** Whether a value has the shape of one field. */
export type Check = (value: unknown) => boolean;
/** Checks by field name; a name that ends in `?` may be absent. */
export type Fields = Readonly<Record<string, Check>>;

export const int: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
/** Seconds, with or without a fraction. */
export const seconds: Check = (value) => typeof value === "number" && value >= 0 && Number.isFinite(value);
export const bool: Check = (value) => typeof value === "boolean";

/** A string of at most `bytesMax` bytes of UTF-8. */
export function str(bytesMax: number): Check {
  return (value) => typeof value === "string" && fitsUtf8(value, bytesMax);
}

export function oneOf(...allowed: string[]): Check {
  return (value) => typeof value === "string" && allowed.includes(value);
}

export function listOf(item: Check): Check {
  return (value) => Array.isArray(value) && value.every(item);
}

/** An array of exactly these items. */
export function tuple(...items: Check[]): Check {
  return (value) =>
    Array.isArray(value) && value.length === items.length && items.every((check, i) => check(value[i]));
}

export function record(fields: Fields): Check {
  const rules = Object.entries(fields).map(([name, check]) => ({
    name: name.replace(/\?$/, ""),
    optional: name.endsWith("?"),
    check,
  }));
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    const object = value as Record<string, unknown>;
    return rules.every(({ name, optional, check }) =>
      Object.hasOwn(object, name) ? check(object[name]) : optional,
    );
  };
}
