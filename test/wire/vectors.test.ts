/** Every vector, whole. */
import { describe, expect, it } from "vitest";
import { parseEndMessage, parseSatelliteMessage } from "../../satellite/wire/control.ts";
import { decodeChunk } from "../../satellite/wire/decode.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { errorTable, isErrorCode, WireError } from "../../satellite/wire/errors.ts";
import { HEADER_BYTES, payloadOf } from "../../satellite/wire/frame.ts";
import { isPipeName } from "../../satellite/wire/name.ts";
import {
  dataVectors,
  endVectors,
  errorVectors,
  type MessageVector,
  nameVectors,
  satelliteVectors,
} from "./vectors.ts";

/** What `call` gives, or the code of the WireError that it throws. */
function outcome(call: () => unknown): { value: unknown } | { code: string } {
  try {
    return { value: call() };
  } catch (error) {
    if (error instanceof WireError) return { code: error.code };
    throw error;
  }
}

function title({ name, rules }: { name: string; rules?: readonly string[] }): string {
  return `${(rules ?? []).map((rule) => `[${rule}] `).join("")}${name}`;
}

describe("data frames that are valid", () => {
  it.each(dataVectors.filter(({ chunk }) => chunk).map((vector) => [title(vector), vector] as const))(
    "%s",
    (_, { bytes, chunk }) => {
      const decoded = decodeChunk(bytes);
      expect(decoded).toMatchObject(chunk ?? {});
      expect(Buffer.from(payloadOf(decoded))).toEqual(bytes.subarray(HEADER_BYTES));
      const again = encodeChunk(decoded.stream, decoded.offset, decoded.flags, payloadOf(decoded));
      expect(Buffer.compare(again.frame, bytes)).toBe(0);
    },
  );
});

describe("data frames that are refused", () => {
  it.each(dataVectors.filter(({ error }) => error).map((vector) => [title(vector), vector] as const))(
    "%s",
    (_, { bytes, error }) => expect(outcome(() => decodeChunk(bytes))).toEqual({ code: error }),
  );
});

function replay(vectors: readonly MessageVector[], parse: (text: string) => unknown): void {
  it.each(vectors.map((vector) => [title(vector), vector] as const))("%s", (_, { text, error, ignored }) => {
    const expected = error === undefined ? { value: ignored ? null : JSON.parse(text) } : { code: error };
    expect(outcome(() => parse(text))).toEqual(expected);
  });
}

describe("messages from an end", () => {
  replay(endVectors, parseEndMessage);
});
describe("messages from the satellite", () => {
  replay(satelliteVectors, parseSatelliteMessage);
});

describe("pipe names", () => {
  it.each(nameVectors.map((vector) => [title(vector), vector] as const))("%s", (_, { pipe, valid }) =>
    expect(isPipeName(pipe)).toBe(valid),
  );
});

describe("errors", () => {
  it("[E-1] the table is that of the vectors", () => {
    const table = Object.entries(errorTable).map(([code, row]) => ({ code, ...row }));
    expect(table).toEqual(errorVectors);
  });

  it("knows its codes, and no name that every object has", () => {
    expect(errorVectors.every(({ code }) => isErrorCode(code))).toBe(true);
    expect(["", "constructor", "__proto__", "Usage"].some(isErrorCode)).toBe(false);
  });

  it("keeps code and cause", () => {
    const cause = new Error("below");
    const error = new WireError("limit", "too many", { cause });
    expect(error).toMatchObject({ name: "WireError", code: "limit", message: "too many", cause });
  });
});
