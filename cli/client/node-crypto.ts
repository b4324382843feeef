import type * as Crypto from "node:crypto";

/** Node's cryptography, loaded when it is used: that takes as long as all of ours, and a plain pipe needs little of it, late. */
export function nodeCrypto(): typeof Crypto {
  return process.getBuiltinModule("node:crypto");
}
