/** Carries out a request on the host: one login, one program through stdin, one line that comes back. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { WireError } from "../../satellite/wire/errors.ts";
import { runThere, type SshHost } from "./client.ts";
import { ANSWER_MARK, type Answer, NO_NODE_MARK, type Request } from "./messages.ts";

/** In dist/: what `remote/main.ts` became. */
export const PROGRAM_NAME = "ssh-remote.js";
/** How the program is called there by what `build.ts` makes of it. */
export const PROGRAM_VARIABLE = "skypipeRemote";

/** What the host's user has a Node in who has not put it on the path of logins without a terminal. */
const PLACES = [
  "$HOME/.local/bin/node",
  "$HOME/.volta/bin/node",
  "$HOME/.nvm/versions/node/*/bin/node",
  "$HOME/.local/share/fnm/node-versions/*/installation/bin/node",
  "$HOME/.local/share/mise/installs/node/*/bin/node",
  "$HOME/.asdf/installs/nodejs/*/bin/node",
  "/usr/local/bin/node",
  "/opt/homebrew/bin/node",
  "/usr/bin/node",
  "/snap/bin/node",
];

/** Ends with 0 where Node is at least 20.19. */
const IS_NEW_ENOUGH =
  "const [a,b]=process.versions.node.split(String.fromCharCode(46)).map(Number);process.exit(a>20||a===20&&b>=19?0:1)";

/**
 * A line of shell that finds Node and hands it what comes on stdin. It stands between single quotes, which every shell
 * understands, so it has none itself, nor a backslash or a line break.
 */
export function bootstrap(places: readonly string[] = PLACES): string {
  const script = [
    "found=none",
    'tell() { found="$("$1" --version 2>/dev/null </dev/null)"; }',
    `try() { [ -x "$1" ] && tell "$1" && "$1" -e "${IS_NEW_ENOUGH}" >/dev/null 2>&1 </dev/null && exec "$1" -; }`,
    'try "$(command -v node 2>/dev/null)"',
    `for each in ${places.join(" ")}; do try "$each"; done`,
    'try "$("$SHELL" -lc "command -v node" 2>/dev/null </dev/null | tail -n 1)"',
    `echo; echo "${NO_NODE_MARK}$found"`,
  ];
  return `exec sh -c '${script.join("; ")}'`;
}

export async function ask(host: SshHost, request: Request): Promise<Extract<Answer, { ok: true }>> {
  const program = `${ownProgram()}\n${PROGRAM_VARIABLE}.answer(${JSON.stringify(request)});\n`;
  const said = await runThere(host, bootstrap(), program);
  const answer = parse(said, host.destination);
  if (answer.ok) return answer;
  throw new WireError("unreachable", `${host.destination}: ${answer.sentence}`);
}

function parse(said: string, destination: string): Answer {
  const line = lineWith(said, ANSWER_MARK);
  if (line !== null) return JSON.parse(line) as Answer;
  const found = lineWith(said, NO_NODE_MARK);
  if (found !== null) {
    const what = found === "none" ? "none is" : `only ${found} is`;
    throw new WireError(
      "usage",
      `the satellite needs Node 20.19 or newer on ${destination}, and ${what} there: install it, for example from ` +
        "https://nodejs.org/en/download, and try again",
    );
  }
  const last = said.trim().split("\n").at(-1) ?? "";
  throw new WireError(
    "unreachable",
    `${destination} does not run commands (it said '${last.slice(0, 100)}'): it must let you run node by ssh`,
  );
}

function lineWith(said: string, mark: string): string | null {
  const line = said.split("\n").findLast((each) => each.startsWith(mark));
  return line === undefined ? null : line.slice(mark.length).trim();
}

function ownProgram(): string {
  // The built command lies beside it; a source does not.
  for (const folder of [import.meta.dirname, path.join(import.meta.dirname, "..", "..", "dist")]) {
    try {
      return readFileSync(path.join(folder, PROGRAM_NAME), "utf8");
    } catch {
      // the other one
    }
  }
  throw new WireError(
    "internal",
    `this skypipe is not whole: ${PROGRAM_NAME} is missing beside the command; install it again`,
  );
}
