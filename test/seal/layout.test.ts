/** The pure part of sealing: bytes, nonces and texts. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeInfo,
  decodeSealed,
  encodeInfo,
  encodeSealHeader,
  fromBase64Url,
  joined,
  SEAL_HEADER_BYTES,
  SealMode,
  toBase64Url,
  writeNonce,
} from "../../satellite/wire/sealing.ts";

const text = fc.string({ unit: "binary" }).filter((each) => Buffer.byteLength(each) <= 255);
const info = fc.record(
  { size: fc.maxSafeNat(), name: text, contentType: text, host: text },
  { requiredKeys: [] },
);
const header = fc.record({
  mode: fc.constantFrom(SealMode.base, SealMode.psk),
  keyId: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  enc: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  part: fc.nat({ max: 2 ** 32 - 1 }),
});

describe("[Z-5] the info", () => {
  it("comes back as it was, in whole blocks", () => {
    fc.assert(
      fc.property(info, (each) => {
        const bytes = encodeInfo(each);
        expect(bytes.length % 64).toBe(0);
        expect(decodeInfo(bytes)).toEqual(each);
      }),
    );
  });

  it("at its longest fits into `sealed`", () => {
    const longest = { size: Number.MAX_SAFE_INTEGER, name: "n", contentType: "c", host: "h" };
    for (const name of ["name", "contentType", "host"] as const) longest[name] = "\0".repeat(255);
    const sealed = toBase64Url(new Uint8Array(SEAL_HEADER_BYTES + encodeInfo(longest).length + 16));
    expect(sealed.length).toBeLessThanOrEqual(2048);
  });

  it("leaves out what it does not know, and never throws", () => {
    expect(decodeInfo(Uint8Array.of(9, 2, 1, 1, 4, 1, 0x68, 0))).toEqual({ host: "h" });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeInfo(bytes)));
  });
});

describe("[Z-4] `sealed`", () => {
  it("comes back as it was", () => {
    fc.assert(
      fc.property(header, fc.uint8Array({ minLength: 16, maxLength: 200 }), (each, rest) => {
        const head = encodeSealHeader(each);
        const sealed = decodeSealed(toBase64Url(joined(head, rest)));
        expect(sealed).toEqual({ ...each, head, info: rest });
      }),
    );
  });

  it("never throws, whatever comes", () => {
    fc.assert(fc.property(fc.string(), (each) => void decodeSealed(each)));
    const head = encodeSealHeader({ mode: 1, keyId: new Uint8Array(8), enc: new Uint8Array(32), part: 0 });
    for (let length = 0; length < SEAL_HEADER_BYTES + 16; length++) {
      const cut = toBase64Url(joined(head, new Uint8Array(16)).subarray(0, length));
      expect(decodeSealed(cut)).toBe("damaged");
    }
    expect(decodeSealed(toBase64Url(Uint8Array.of(2, 9, 9)))).toBe("later");
  });
});

describe("base64url", () => {
  it("has one text for each bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const written = toBase64Url(bytes);
        expect(written).toBe(Buffer.from(bytes).toString("base64url"));
        expect(fromBase64Url(written)).toEqual(bytes);
      }),
    );
    for (const other of ["AB", "AAB", "A", "AA==", "A+A", "AAA/", " AA"])
      expect(fromBase64Url(other)).toBeNull();
  });
});

function number(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

it("[Z-6] a nonce is the base XOR the offset, also above 32 bits", () => {
  const base = Uint8Array.from({ length: 12 }, (_, index) => index * 17);
  fc.assert(
    fc.property(fc.maxSafeNat(), (offset) => {
      const nonce = new Uint8Array(12);
      writeNonce(nonce, base, offset);
      expect(number(nonce)).toBe(number(base) ^ BigInt(offset));
    }),
  );
});
