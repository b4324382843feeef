/** Keeps secrets out of what people see: servers repeat in their errors what they were sent. */

/** Fly's own tokens, whoever's they are. */
const TOKENS = /(?:FlyV1\s+)?fm\d[a-z]?_[\w+/=,.-]+|fo1_[\w-]+|\bBearer\s+\S+/gi;
/** A file's contents in base64, or a key: no word of a sentence is so long. */
const LONG_RUN = /[\w+/=-]{48,}/g;
const TEXT_CHARS_MAX = 300;

export class Redactor {
  readonly #secrets = new Set<string>();

  /** Short ones are left out: they would make holes in words. */
  add(...secrets: readonly (string | undefined)[]): void {
    for (const secret of secrets) {
      if (secret !== undefined && secret.length >= 8) this.#secrets.add(secret);
    }
  }

  /** One line, without secrets, of bounded length. */
  clean(text: string): string {
    let cleaned = text;
    for (const secret of this.#secrets) cleaned = cleaned.replaceAll(secret, "…");
    cleaned = cleaned.replace(TOKENS, "…").replace(LONG_RUN, "…");
    // Control characters of a server are not for somebody's terminal.
    cleaned = cleaned.replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, " ").trim();
    return cleaned.length <= TEXT_CHARS_MAX ? cleaned : `${cleaned.slice(0, TEXT_CHARS_MAX)} …`;
  }
}
