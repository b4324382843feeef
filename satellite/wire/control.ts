import { WireError } from "./errors.ts";
import { limits } from "./limits.ts";
import { type EndMessage, type SatelliteMessage, endSchema, satelliteSchema } from "./messages.ts";
import { type Check, type Fields, record } from "./schema.ts";

/** Reads one control message from an end; `null` for an `x-` type, which is ignored [C-2]. Throws WireError [C-1]. */
export function parseEndMessage(text: string): EndMessage | null {
  return parse(text, endChecks) as EndMessage | null;
}

/** Reads one control message from the satellite; `null` for an `x-` type, which is ignored [C-2]. Throws WireError [C-1]. */
export function parseSatelliteMessage(text: string): SatelliteMessage | null {
  return parse(text, satelliteChecks) as SatelliteMessage | null;
}

const endChecks = compile(endSchema);
const satelliteChecks = compile(satelliteSchema);

function compile(schema: Record<string, Fields>): Map<string, Check> {
  return new Map(Object.entries(schema).map(([type, fields]) => [type, record(fields)]));
}

function parse(text: string, checks: Map<string, Check>): unknown {
  if (text.length > limits.controlBytesMax) {
    throw new WireError("too-large", `a control message is at most ${limits.controlBytesMax} bytes`);
  }
  const type = typeOf(text);
  if (type.name.startsWith("x-")) return null;
  const check = checks.get(type.name);
  if (check === undefined) throw new WireError("protocol", "unknown type of control message");
  if (!check(type.value)) {
    throw new WireError("protocol", `a field of the control message '${type.name}' is missing or wrong`);
  }
  return type.value;
}

function typeOf(text: string): { name: string; value: object } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new WireError("protocol", "a control message is not JSON", { cause });
  }
  if (typeof value === "object" && value !== null && "type" in value && typeof value.type === "string") {
    return { name: value.type, value };
  }
  throw new WireError("protocol", "a control message is an object with a type");
}
