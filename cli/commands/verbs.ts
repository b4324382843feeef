/** The words that are verbs. Here and not in tree.ts, as a pipe's name has to be told from them before that is loaded. */
const verbs: ReadonlySet<string> = new Set([
  "send",
  "recv",
  "ls",
  "peek",
  "rm",
  "share",
  "join",
  "setup",
  "keys",
  "check",
  "upgrade",
  "reset",
  "satellite",
  "help",
]);

export function isVerb(word: string | undefined): boolean {
  return word !== undefined && verbs.has(word);
}
