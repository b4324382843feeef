/** The construction of PROTOCOL.md §14 against its vectors: by the ends, and by WebCrypto as a page in a browser would. */
import { webcrypto } from "node:crypto";
import { describe, expect, it } from "vitest";
import { openInfo } from "../../cli/client/seal/aead.ts";
import { formatKey, keyName, parseKey, pipeKey } from "../../cli/client/seal/key.ts";
import { Keyring } from "../../cli/client/seal/keyring.ts";
import { unwrapKey } from "../../cli/client/seal/passphrase.ts";
import { decapsulate, partKeys, publicKeyOf } from "../../cli/client/seal/stream-keys.ts";
import { StreamOpener } from "../../cli/client/seal/stream-opener.ts";
import { StreamSealer } from "../../cli/client/seal/stream-sealer.ts";
import { decodeChunk } from "../../satellite/wire/decode.ts";
import { blankChunk } from "../../satellite/wire/encode.ts";
import {
  associatedFor,
  decodeInfo,
  decodeSealed,
  type Sealed,
  writeAssociated,
  writeNonce,
} from "../../satellite/wire/sealing.ts";
import { hex, passphraseVectors, type SealingVector, sealingVectors } from "./vectors.ts";

function sealedOf({ sealed }: SealingVector): Sealed {
  const parts = decodeSealed(sealed);
  if (parts === "later" || parts === "damaged") throw new Error(parts);
  return parts;
}

function accountOf({ key }: SealingVector): Extract<ReturnType<typeof parseKey>, { kind: "account" }> {
  const account = parseKey(key);
  if (account.kind !== "account") throw new Error(account.kind);
  return account;
}

async function secretOf(vector: SealingVector): Promise<Uint8Array> {
  return decapsulate(pipeKey(accountOf(vector), vector.pipe), sealedOf(vector));
}

describe.each(sealingVectors)("$name", (vector) => {
  it("[Z-1] [Z-2] derives the keys of the pipe, and writes and reads their texts", async () => {
    const account = accountOf(vector);
    const pipe = pipeKey(account, vector.pipe);
    expect(keyName(account)).toBe(vector.keyId);
    expect(formatKey(account)).toBe(vector.key);
    expect(formatKey(pipe)).toBe(vector.pipeKey);
    expect(parseKey(vector.pipeKey)).toEqual(pipe);
    const write = {
      kind: "write",
      id: pipe.id,
      pipe: vector.pipe,
      publicKey: await publicKeyOf(pipe),
    } as const;
    expect(formatKey(write)).toBe(vector.writeKey);
    expect(parseKey(vector.writeKey)).toEqual(write);
  });

  it("[Z-3] [Z-4] derives the keys of the stream", async () => {
    const keys = partKeys(await secretOf(vector), sealedOf(vector).head);
    const named = { chunkKey: keys.chunkKey, baseNonce: keys.baseNonce, infoKey: keys.infoKey };
    for (const [name, key] of Object.entries(named)) {
      expect(Buffer.from(key).toString("hex")).toBe(vector[name as keyof typeof named]);
    }
    expect(decodeInfo(openInfo(keys, sealedOf(vector).info) ?? new Uint8Array(0))).toEqual(vector.info);
  });

  it("[Z-4] [Z-5] [Z-6] seals to these bytes", async () => {
    const { mode, keyId, enc, part } = sealedOf(vector);
    const sealer = new StreamSealer({ mode, keyId, enc, secret: await secretOf(vector) }, vector.pipe);
    expect(sealer.field(part, vector.info)).toBe(vector.sealed);
    for (const { frame, plain } of vector.chunks) {
      const chunk = decodeChunk(hex(frame));
      const again = blankChunk(chunk.stream, chunk.offset, chunk.flags, chunk.end - chunk.offset);
      sealer.seal(part, again, hex(plain));
      expect(Buffer.from(again.frame).toString("hex")).toBe(frame);
      expect(Buffer.from(sealer.unseal(part, chunk)).toString("hex")).toBe(plain);
    }
  });

  it.each(["key", "pipeKey"] as const)("[Z-2] [Z-5] [Z-6] opens with its %s", async (name) => {
    const ring = new Keyring([parseKey(vector[name])]);
    const begins = { type: "stream", ref: 1, stream: 7, offset: 0, sealed: vector.sealed } as const;
    const opener = await StreamOpener.for(ring, vector.pipe, begins);
    const sealedBy = sealedOf(vector).mode === 1 ? "account" : "link";
    expect(opener.shown).toEqual({ ...begins, ...vector.info, sealedBy });
    for (const { frame, plain } of vector.chunks) {
      expect(Buffer.from(opener.open(decodeChunk(hex(frame)))).toString("hex")).toBe(plain);
    }
  });

  it("[Z-5] [Z-6] opens in a browser, with WebCrypto and what is in satellite/wire", async () => {
    const { subtle } = webcrypto;
    const keyOf = (text: string): Promise<webcrypto.CryptoKey> =>
      subtle.importKey("raw", hex(text), "AES-GCM", false, ["decrypt"]);
    const { info } = sealedOf(vector);
    const plainInfo = await subtle.decrypt(
      { name: "AES-GCM", iv: new Uint8Array(12) },
      await keyOf(vector.infoKey),
      info,
    );
    expect(decodeInfo(new Uint8Array(plainInfo))).toEqual(vector.info);
    const key = await keyOf(vector.chunkKey);
    for (const { frame, plain } of vector.chunks) {
      const bytes = hex(frame);
      const iv = new Uint8Array(12);
      writeNonce(iv, hex(vector.baseNonce), decodeChunk(bytes).offset);
      const additionalData = associatedFor(vector.pipe);
      writeAssociated(additionalData, bytes);
      const opened = await subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, bytes.subarray(16));
      expect(Buffer.from(opened).toString("hex")).toBe(plain);
    }
  });
});

it.each(passphraseVectors)("[Z-12] $name", async ({ passphrase, wrapped, key }) => {
  expect(await unwrapKey(wrapped, passphrase)).toBe(key);
  expect(await unwrapKey(wrapped, passphrase.normalize("NFD"))).toBe(key);
  await expect(unwrapKey(wrapped, `${passphrase}.`)).rejects.toMatchObject({ code: "usage" });
});
