import type { Right } from "../../../satellite/wire/rights.ts";
import { formatKey, pipeKey } from "./key.ts";
import type { Keyring, ReaderKey } from "./keyring.ts";
import { publicKeyOf } from "./stream-keys.ts";

/**
 * What a link to a pipe carries: its public key for who may only write, which opens nothing; else its secret, and
 * those of before a rotation, so that older streams can be read too.
 *
 * @throws SkypipeError `no-key` where the keys are for other pipes
 */
export async function linkKey(keyring: Keyring, pipe: string, right: Right): Promise<string> {
  const newest = keyring.writerKey(pipe);
  if (newest.kind === "write") return formatKey(newest);
  if (right === "write") {
    return formatKey({ kind: "write", id: newest.id, pipe, publicKey: await publicKeyOf(newest) });
  }
  const secrets = keyring.keys.flatMap<ReaderKey>((key) => {
    if (key.kind === "account") return [pipeKey(key, pipe)];
    return key.kind === "pipe" && key.pipe === pipe ? [key] : [];
  });
  return secrets.map(formatKey).join(",");
}
