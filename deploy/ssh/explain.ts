/** What ssh says, as one sentence with the next step. */
import { WireError } from "../../satellite/wire/errors.ts";

interface Meaning {
  readonly pattern: RegExp;
  readonly code: "unreachable" | "forbidden";
  /** What to do. */
  readonly remedy: (destination: string, isSilent: boolean) => string;
  /** Another attempt may fare better. */
  readonly isPassing?: boolean;
}

const meanings: readonly Meaning[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED|Offending \S+ key/,
    code: "forbidden",
    remedy: (destination) =>
      `the key of that host is another one than before: find out why, and try ssh ${destination} by hand`,
  },
  {
    pattern: /Host key verification failed|No \S+ host key is known/,
    code: "forbidden",
    remedy: (destination) =>
      `its key is not known here yet: log in once with ssh ${destination}, and compare it`,
  },
  {
    pattern: /Permission denied \(|Too many authentication failures|Authentication failed/,
    code: "forbidden",
    remedy: (destination, isSilent) =>
      isSilent
        ? `ssh could not ask for a password here: add a key with ssh-copy-id ${destination} or to your agent with ssh-add, ` +
          "or run skypipe on a terminal"
        : `see whether ssh ${destination} lets you in`,
  },
  {
    pattern: /Could not resolve hostname|Name or service not known/,
    code: "unreachable",
    remedy: (destination) => `check the name, or what ~/.ssh/config says of it; ssh ${destination} must work`,
  },
  {
    pattern: /Bad configuration option|terminating, \d+ bad configuration|Bad owner or permissions/,
    code: "unreachable",
    remedy: () => "mend that file",
  },
  {
    pattern:
      /Connection refused|timed out|No route to host|Network is unreachable|Connection (closed|reset)|kex_exchange/i,
    code: "unreachable",
    remedy: (destination) => `check that the host is up, and that ssh ${destination} reaches it`,
    isPassing: true,
  },
];

/** Those for whom it is worth to try again for a while. */
const passing = new WeakSet<WireError>();

/**
 * @param said what ssh wrote to stderr: banners, warnings, and at the end why it failed
 * @param isSilent it was not allowed to ask for anything
 */
export function sshError(destination: string, said: string, isSilent: boolean): WireError {
  const lines = said
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  // The first meaning counts: that a host's key has changed is told before what follows from it.
  for (const meaning of meanings) {
    const line = lines.findLast((each) => meaning.pattern.test(each));
    if (line === undefined) continue;
    const remedy = meaning.remedy(destination, isSilent);
    const error = new WireError(meaning.code, `ssh ${destination} failed (${shortened(line)}): ${remedy}`);
    if (meaning.isPassing === true) passing.add(error);
    return error;
  }
  const last = lines.at(-1) ?? "it gave no reason";
  return new WireError(
    "unreachable",
    `ssh ${destination} failed (${shortened(last)}): see whether it works by hand`,
  );
}

export function isPassing(error: unknown): boolean {
  return error instanceof WireError && passing.has(error);
}

function shortened(line: string): string {
  return line.replace(/\.$/, "").slice(0, 200);
}
