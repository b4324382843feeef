/**
 * HPKE (RFC 9180) as streams are sealed with it: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, export only. Modes, key
 * schedule and contexts are the library's. Its primitives are those of node:crypto, through the interface that it has
 * for this: WebCrypto has X25519 with a warning on stderr in some versions of Node, and takes 20 ms longer to load.
 * The vectors of RFC 9180 hold this together (test/client/seal-suite.test.ts).
 */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import {
  AEAD_EXPORT_ONLY,
  CipherSuite,
  I2OSP,
  type KDF,
  type KEM,
  LabeledExpand,
  LabeledExtract,
} from "hpke";
import { joined } from "../../../satellite/wire/sealing.ts";

/** RFC 5869. */
const kdf: KDF = {
  id: 0x0001,
  type: "KDF",
  name: "HKDF-SHA256",
  Nh: 32,
  stages: 2,
  Extract: async (salt, ikm) => createHmac("sha256", salt).update(ikm).digest(),
  Expand: async (prk, info, length) => {
    const blocks: Uint8Array[] = [];
    let last: Uint8Array = new Uint8Array(0);
    for (let count = 1; count <= Math.ceil(length / 32); count++) {
      last = createHmac("sha256", prk).update(last).update(info).update(Uint8Array.of(count)).digest();
      blocks.push(last);
    }
    return joined(...blocks).slice(0, length);
  },
  Derive: async () => {
    throw new Error("HKDF has two stages");
  },
};

/** A key as HPKE's library passes it around. */
class X25519Key {
  readonly algorithm = { name: "X25519" };
  readonly extractable = true;
  readonly type: "private" | "public";
  readonly object: KeyObject;

  constructor(object: KeyObject) {
    this.object = object;
    this.type = object.type === "private" ? "private" : "public";
  }

  static public(raw: Uint8Array): X25519Key {
    const key = { kty: "OKP", crv: "X25519", x: Buffer.from(raw).toString("base64url") };
    return new X25519Key(createPublicKey({ format: "jwk", key }));
  }

  /** RFC 8410 §7: the raw key behind the 16 bytes that say what it is. */
  static private(raw: Uint8Array): X25519Key {
    const key = Buffer.concat([PKCS8_HEAD, raw]);
    return new X25519Key(createPrivateKey({ format: "der", type: "pkcs8", key }));
  }

  get public(): X25519Key {
    return this.type === "public" ? this : new X25519Key(createPublicKey(this.object));
  }

  get raw(): Uint8Array {
    const { x, d } = this.object.export({ format: "jwk" });
    return new Uint8Array(Buffer.from((this.type === "public" ? x : d) ?? "", "base64url"));
  }
}

const PKCS8_HEAD = Buffer.from("302e020100300506032b656e04220420", "hex");
const KEM_ID = 0x0020;
const SUITE_ID = joined(Buffer.from("KEM"), I2OSP(KEM_ID, 2));
const NO_BYTES = new Uint8Array(0);

/** RFC 9180 §4.1. */
const kem: KEM<X25519Key> = {
  id: KEM_ID,
  type: "KEM",
  name: "DHKEM(X25519, HKDF-SHA256)",
  Nsecret: 32,
  Nenc: 32,
  Npk: 32,
  Nsk: 32,
  DeriveKeyPair: async (ikm) => {
    const prk = await LabeledExtract(kdf, SUITE_ID, NO_BYTES, Buffer.from("dkp_prk"), ikm);
    return pair(X25519Key.private(await LabeledExpand(kdf, SUITE_ID, prk, Buffer.from("sk"), NO_BYTES, 32)));
  },
  GenerateKeyPair: async () => pair(new X25519Key(generateKeyPairSync("x25519").privateKey)),
  SerializePublicKey: async (key) => key.raw,
  DeserializePublicKey: async (raw) => X25519Key.public(raw),
  SerializePrivateKey: async (key) => key.raw,
  DeserializePrivateKey: async (raw) => X25519Key.private(raw),
  Encap: async (recipient) => {
    const own = new X25519Key(generateKeyPairSync("x25519").privateKey);
    const enc = own.public.raw;
    return { shared_secret: await agreed(own, recipient, joined(enc, recipient.raw)), enc };
  },
  Decap: async (enc, own, ownPublic = own.public) =>
    agreed(own, X25519Key.public(enc), joined(enc, ownPublic.raw)),
};

function pair(privateKey: X25519Key): { privateKey: X25519Key; publicKey: X25519Key } {
  return { privateKey, publicKey: privateKey.public };
}

/** `ExtractAndExpand` of the two keys' secret. OpenSSL refuses a public key of low order, as RFC 9180 §7.1.4 asks. */
async function agreed(own: X25519Key, other: X25519Key, context: Uint8Array): Promise<Uint8Array> {
  const dh = diffieHellman({ privateKey: own.object, publicKey: other.object });
  const prk = await LabeledExtract(kdf, SUITE_ID, NO_BYTES, Buffer.from("eae_prk"), dh);
  return LabeledExpand(kdf, SUITE_ID, prk, Buffer.from("shared_secret"), context, 32);
}

export const suite: CipherSuite<X25519Key> = new CipherSuite(
  () => kem,
  () => kdf,
  AEAD_EXPORT_ONLY,
);
