/** HPKE by the library over node:crypto, against the vectors of RFC 9180, and against the library over WebCrypto. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { AEAD_EXPORT_ONLY, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from "hpke";
import { describe, expect, it } from "vitest";
import { suite } from "../../cli/client/seal/suite.ts";
import { hex, hpkeVectors } from "./vectors.ts";

describe.each(hpkeVectors)("[Z-3] $name", (vector) => {
  const psk = vector.psk === undefined ? {} : { psk: hex(vector.psk), pskId: hex(vector.pskId ?? "") };

  it("derives the key pairs", async () => {
    const recipient = await suite.DeriveKeyPair(hex(vector.ikmR), true);
    expect(await suite.SerializePrivateKey(recipient.privateKey)).toEqual(hex(vector.skRm));
    expect(await suite.SerializePublicKey(recipient.publicKey)).toEqual(hex(vector.pkRm));
    const ephemeral = await suite.DeriveKeyPair(hex(vector.ikmE), true);
    expect(await suite.SerializePublicKey(ephemeral.publicKey)).toEqual(hex(vector.enc));
  });

  it.each(Object.entries(vector.exports))("a recipient exports for '%s'", async (context, secret) => {
    const key = await suite.DeserializePrivateKey(hex(vector.skRm), true);
    const options = { info: hex(vector.info), ...psk };
    const exported = await suite.ReceiveExport(key, hex(vector.enc), hex(context), 32, options);
    expect(exported).toEqual(hex(secret));
  });
});

describe("the two ends of [Z-3]", () => {
  it.each(["base", "psk"])("agree in mode %s, also with WebCrypto at the other one", async (mode) => {
    const other = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_EXPORT_ONLY);
    const ikm = randomBytes(32);
    const [own, its] = [await suite.DeriveKeyPair(ikm, true), await other.DeriveKeyPair(ikm, true)];
    const options = {
      info: randomBytes(20),
      ...(mode === "psk" && { psk: randomBytes(32), pskId: randomBytes(8) }),
    };
    const context = randomBytes(9);
    const ours = await suite.SendExport(own.publicKey, context, 44, options);
    const theirs = await other.SendExport(its.publicKey, context, 44, options);
    expect(await other.ReceiveExport(its, ours.encapsulatedSecret, context, 44, options)).toEqual(
      new Uint8Array(ours.exportedSecret),
    );
    expect(
      new Uint8Array(await suite.ReceiveExport(own, theirs.encapsulatedSecret, context, 44, options)),
    ).toEqual(theirs.exportedSecret);
  });

  it("refuse a public key of low order", async () => {
    const own = await suite.GenerateKeyPair(true);
    await expect(suite.ReceiveExport(own, new Uint8Array(32), new Uint8Array(0), 32)).rejects.toThrow(
      /derivation|Decap/i,
    );
    const weak = await suite.DeserializePublicKey(new Uint8Array(32));
    await expect(suite.SendExport(weak, new Uint8Array(0), 32)).rejects.toThrow(/derivation|Encap/i);
  });

  it("say nothing on stderr", () => {
    const source = new URL("../../cli/client/seal/suite.ts", import.meta.url).href;
    const script = `const { suite } = await import(${JSON.stringify(source)});
      const pair = await suite.GenerateKeyPair(true);
      await suite.SendExport(pair.publicKey, new Uint8Array(1), 32);`;
    const args = ["--import", "tsx", "--input-type=module", "-e", script];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
  });
});
