import { SkypipeError } from "../errors.ts";
import { type Key, keyName, parseKey, pipeKey } from "./key.ts";

/** What seals a stream. */
export type WriterKey = Exclude<Key, { kind: "account" }>;
/** What opens one. */
export type ReaderKey = Extract<Key, { kind: "pipe" }>;

/** The keys that an end has, the newest first: that one seals, and every one opens what it had sealed. */
export class Keyring {
  readonly keys: readonly Key[];

  constructor(keys: readonly Key[]) {
    this.keys = keys;
  }

  /**
   * Reads keys with white space or commas between them.
   *
   * @returns `null` where there is none
   * @throws SkypipeError `usage`
   */
  static parse(text: string): Keyring | null {
    const texts = text.split(/[\s,]+/).filter((each) => each !== "");
    return texts.length === 0 ? null : new Keyring(texts.map(parseKey));
  }

  /** @throws SkypipeError `no-key` */
  writerKey(pipe: string): WriterKey {
    for (const key of this.keys) {
      if (key.kind === "account") return pipeKey(key, pipe);
      if (key.pipe === pipe) return key;
    }
    const names = [...new Set(this.keys.map((key) => (key.kind === "account" ? "" : key.pipe)))];
    throw new SkypipeError(
      "no-key",
      `the key that is known here is for ${names.map(called).join(", ")} only, and ${called(pipe)} is another one: ` +
        "say send --plain to send it unsealed",
    );
  }

  /** The key of this id that opens streams of the pipe. */
  readerKey(pipe: string, id: Uint8Array): ReaderKey | null {
    const name = keyName({ id });
    for (const key of this.keys) {
      if (keyName(key) !== name) continue;
      if (key.kind === "account") return pipeKey(key, pipe);
      if (key.kind === "pipe" && key.pipe === pipe) return key;
    }
    return null;
  }
}

function called(pipe: string): string {
  return pipe === "" ? "the default pipe" : `pipe '${pipe}'`;
}
