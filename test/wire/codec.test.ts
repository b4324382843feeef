/** Properties of the codec that no list of vectors can show. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseEndMessage, parseSatelliteMessage } from "../../satellite/wire/control.ts";
import { decodeChunk } from "../../satellite/wire/decode.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import {
  Flag,
  HEADER_BYTES,
  hasFlag,
  NO_CHUNK,
  payloadOf,
  STREAM_ID_MAX,
} from "../../satellite/wire/frame.ts";
import { limits } from "../../satellite/wire/limits.ts";
import { endSchema, satelliteSchema } from "../../satellite/wire/messages.ts";
import { fitsUtf8, isPipeName } from "../../satellite/wire/name.ts";

const streams = fc.oneof(
  fc.integer({ min: 1, max: 0xffff_ffff }),
  fc.integer({ min: 1, max: STREAM_ID_MAX }),
);
const bytes = fc.uint8Array({ maxLength: 300 });
/** The rules F-2 and F-3 turned into what is allowed. */
const flags = fc
  .tuple(
    fc.constantFrom(0, Flag.boundary, Flag.boundary | Flag.line),
    fc.boolean(),
    fc.boolean(),
    fc.boolean(),
  )
  .map(
    ([place, final, binary, interrupted]) =>
      place |
      (final ? Flag.final : 0) |
      (binary ? Flag.binary : 0) |
      (final && interrupted ? Flag.interrupted : 0),
  );
const chunks = fc
  .record({ stream: streams, room: fc.maxSafeNat(), flags, payload: bytes })
  .map(({ room, ...rest }) => ({
    ...rest,
    offset: Math.min(room, Number.MAX_SAFE_INTEGER - rest.payload.length),
  }))
  .map((chunk) => (chunk.payload.length === 0 ? { ...chunk, flags: chunk.flags | Flag.final } : chunk));

function onlyWireErrors(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof WireError) || error.message === "") throw error;
  }
}

function accepts(call: () => unknown): boolean {
  let accepted = false;
  onlyWireErrors(() => {
    call();
    accepted = true;
  });
  return accepted;
}

describe("decode", () => {
  it("[F-1] is the inverse of encode for every stream, offset, flag and payload", () => {
    fc.assert(
      fc.property(chunks, ({ stream, offset, flags: bits, payload }) => {
        const { frame } = encodeChunk(stream, offset, bits, payload);
        const chunk = decodeChunk(frame);
        expect(chunk).toMatchObject({ stream, offset, end: offset + payload.length, flags: bits });
        expect(Buffer.compare(payloadOf(chunk), payload)).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });

  it("[F-4] keeps the very bytes of the frame, wherever it lies in a buffer", () => {
    fc.assert(
      fc.property(chunks, fc.nat(40), ({ stream, offset, flags: bits, payload }, before) => {
        const { frame } = encodeChunk(stream, offset, bits, payload);
        const buffer = new Uint8Array(before + frame.length + 7).fill(0xee);
        buffer.set(frame, before);
        const chunk = decodeChunk(buffer.subarray(before, before + frame.length));
        expect(chunk.frame.buffer).toBe(buffer.buffer);
        expect(Buffer.compare(chunk.frame, frame)).toBe(0);
      }),
    );
  });

  it("[F-1] throws nothing but WireError, whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (frame) => onlyWireErrors(() => decodeChunk(frame))),
      { numRuns: 5000 },
    );
  });

  it("[F-1] reads a frame with one changed byte as the chunk that it now is, or refuses it", () => {
    fc.assert(
      fc.property(
        chunks,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        ({ stream, offset, flags: bits, payload }, at, change) => {
          const { frame } = encodeChunk(stream, offset, bits, payload);
          const index = at % HEADER_BYTES;
          frame[index] = (frame[index] ?? 0) ^ change;
          onlyWireErrors(() => {
            const chunk = decodeChunk(frame);
            const again = encodeChunk(chunk.stream, chunk.offset, chunk.flags, payloadOf(chunk));
            expect(Buffer.compare(again.frame, frame)).toBe(0);
          });
        },
      ),
      { numRuns: 5000 },
    );
  });

  it("[F-1] refuses a frame cut anywhere in its header", () => {
    const { frame } = encodeChunk(7, 0, Flag.boundary, Buffer.from("go\n"));
    for (let length = 0; length < HEADER_BYTES; length += 1) {
      expect(() => decodeChunk(frame.subarray(0, length))).toThrow(WireError);
    }
  });

  it("[F-2] [F-3] accepts exactly the flags that go together", () => {
    for (let bits = 0; bits < 256; bits += 1) {
      for (const payload of [new Uint8Array(0), new Uint8Array(1)]) {
        const { frame } = encodeChunk(1, 0, bits, payload);
        const has = (flag: number): boolean => hasFlag({ ...NO_CHUNK, flags: bits }, flag);
        const allowed =
          bits < 0x20 &&
          (payload.length > 0 || has(Flag.final)) &&
          (!has(Flag.line) || has(Flag.boundary)) &&
          (!has(Flag.interrupted) || has(Flag.final));
        expect(
          accepts(() => decodeChunk(frame)),
          `flags ${bits}`,
        ).toBe(allowed);
      }
    }
  });
});

const parsers = { "from an end": parseEndMessage, "from the satellite": parseSatelliteMessage };
const types = [...Object.keys(endSchema), ...Object.keys(satelliteSchema)];
const fieldNames = [
  ...new Set(
    [...Object.values(endSchema), ...Object.values(satelliteSchema)].flatMap((fields) => Object.keys(fields)),
  ),
].map((name) => name.replace("?", ""));

describe.each(Object.entries(parsers))("a message %s", (_, parse) => {
  it("[C-1] parses, or throws a WireError, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (text) =>
        onlyWireErrors(() => parse(text)),
      ),
      { numRuns: 2000 },
    );
  });

  it("[C-1] parses, or throws a WireError, whatever the fields of a known type", () => {
    const message = fc
      .tuple(
        fc.constantFrom(...types),
        fc.dictionary(fc.constantFrom(...fieldNames), fc.jsonValue({ maxDepth: 3 })),
      )
      .map(([type, fields]) => JSON.stringify({ ...fields, type }));
    fc.assert(
      fc.property(message, (text) => onlyWireErrors(() => parse(text))),
      { numRuns: 3000 },
    );
  });

  it("[C-2] gives null for every type that begins with x-", () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (name, value) => {
        expect(parse(JSON.stringify({ type: `x-${name}`, value }))).toBeNull();
      }),
    );
  });

  it("[C-1] survives nesting as deep as a message is long", () => {
    for (const text of ["[".repeat(limits.controlBytesMax), `{"type":${'{"a":'.repeat(10_000)}`]) {
      expect(() => parse(text)).toThrow(WireError);
    }
  });
});

describe("sizes in UTF-8", () => {
  const text = fc.string({ unit: "binary", maxLength: 120 });

  it("agree with Node's own count, at every bound", () => {
    fc.assert(
      fc.property(text, fc.nat(400), (value, bytesMax) => {
        expect(fitsUtf8(value, bytesMax)).toBe(Buffer.byteLength(value) <= bytesMax);
      }),
      { numRuns: 2000 },
    );
  });

  it("[C-4] a pipe's name survives UTF-8 and has at most 200 bytes", () => {
    fc.assert(
      fc.property(text, (name) => {
        const encoded = Buffer.from(name);
        const clean = encoded.toString() === name && !/\p{Cc}/u.test(name);
        expect(isPipeName(name)).toBe(clean && encoded.length <= limits.pipeNameBytesMax);
      }),
      { numRuns: 2000 },
    );
  });
});
