/** What a link carries so that its holder can use a pipe that is sealed, and nothing else (PROTOCOL.md §15, A-10). */
import type { Right } from "../../../satellite/wire/rights.ts";
import { SkypipeError } from "../errors.ts";
import { formatKey, pipeKey } from "./key.ts";
import type { Keyring, ReaderKey } from "./keyring.ts";
import { publicKeyOf } from "./stream-keys.ts";

/** Older keys are for what was sealed before they were rotated; a link must not grow for ever. */
const KEYS_MAX = 8;

/**
 * The public key of a pipe for who may only write, else its secrets, the newest first.
 *
 * @throws SkypipeError `no-key`
 */
export async function linkKey(keyring: Keyring, pipe: string, right: Right): Promise<string> {
  if (right === "write") {
    const key = keyring.writerKey(pipe);
    if (key.kind === "write") return formatKey(key);
    return formatKey({ kind: "write", id: key.id, pipe, publicKey: await publicKeyOf(key) });
  }
  const readers = keyring.keys.flatMap((key): ReaderKey[] => {
    if (key.kind === "account") return [pipeKey(key, pipe)];
    return key.kind === "pipe" && key.pipe === pipe ? [key] : [];
  });
  if (readers.length > 0) return readers.slice(0, KEYS_MAX).map(formatKey).join(",");
  throw new SkypipeError(
    "no-key",
    "the key that is known here cannot read that pipe, so a link cannot let others",
  );
}
