import { WireError } from "./errors.ts";
import { limits } from "./limits.ts";
import { type EndMessage, endSchema, type SatelliteMessage, satelliteSchema } from "./messages.ts";
import { fitsUtf8 } from "./name.ts";
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
  if (!fitsUtf8(text, limits.controlBytesMax)) {
    throw new WireError("too-large", `a control message is at most ${limits.controlBytesMax} bytes`);
  }
  const message = messageOf(text);
  if (message.type.startsWith("x-")) return null; // [C-2]
  const check = checks.get(message.type);
  if (check === undefined) throw new WireError("protocol", "unknown type of control message"); // [C-1]
  if (!check(message)) {
    throw new WireError("protocol", `a field of the control message '${message.type}' is missing or wrong`); // [C-1]
  }
  return message;
}

function messageOf(text: string): { type: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new WireError("protocol", "a control message is not JSON", { cause }); // [C-1]
  }
  if (typeof value === "object" && value !== null && "type" in value && typeof value.type === "string") {
    return value as { type: string };
  }
  throw new WireError("protocol", "a control message is an object with a type"); // [C-1]
}
