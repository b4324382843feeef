/** `skypipe join`: takes a link that somebody has shared, and remembers it, so that its pipe works here. */
import { WireError } from "../../satellite/wire/errors.ts";
import { limits } from "../../satellite/wire/limits.ts";
import { parseLink } from "../../satellite/wire/link.ts";
import { openInput } from "../terminal/input.ts";
import { hasTerminal, roleOfStdin, sourceOf } from "../terminal/stdin.ts";
import { Teller } from "../terminal/teller.ts";
import { forgetLinks, recallLinks, rememberLink } from "./common/joined.ts";
import { type KnownLink, linkInEnvironment } from "./common/links.ts";
import { openLink } from "./common/pipe.ts";
import { pipeCalled, pipeName, typed } from "./common/pipe-name.ts";
import { print } from "./common/print.ts";
import { dateCalled, linkCalled, linkFacts } from "./common/share-words.ts";
import { table } from "./common/table.ts";

export interface JoinOptions {
  /** A name for the pipe. */
  as?: string;
  list?: boolean;
  /** A name. */
  forget?: string;
  quiet?: boolean;
  json?: boolean;
}

const STDIN = 0;

export async function join(options: JoinOptions): Promise<number> {
  const teller = new Teller(options);
  const given = [options.as, options.list, options.forget].filter((option) => option !== undefined);
  if (given.length > 1) {
    throw new WireError(
      "usage",
      "--as, --list and --forget are for one thing each: for example skypipe join --list",
    );
  }
  recallLinks(); // a file that can't be understood is told of before anything is asked
  if (options.list === true) await list(teller, options);
  else if (options.forget !== undefined) await forget(teller, options.forget, options);
  else await take(teller, options);
  return 0;
}

async function take(teller: Teller, options: JoinOptions): Promise<void> {
  const link = linkInEnvironment() ?? parseLink(await ask());
  const name = pipeName(options.as ?? link.claims.pipe);
  await (await openLink(teller, link, link.claims.pipe)).close();
  rememberLink({ name, link });
  if (options.json === true) await print(`${JSON.stringify(linkFacts({ name, link }))}\n`);
  teller.note(`joined: you may ${linkCalled({ name, link })}; try ${example(name, link)}`);
  if (process.env.SKYPIPE_SATELLITE) {
    teller.note(
      "SKYPIPE_SATELLITE is set, and goes before what was joined, unless it is the link's satellite",
    );
  }
}

/** The link from stdin where something is there to be read, else from a prompt that does not show it. */
async function ask(): Promise<string> {
  if (roleOfStdin() === "write") return readAll();
  if (hasTerminal()) {
    const { secret } = await import("../terminal/prompt.ts");
    return secret("The link (it is not shown):");
  }
  throw new WireError(
    "usage",
    "there is no terminal to ask for the link: write it to stdin, or set SKYPIPE_LINK, for example " +
      "skypipe join < file",
  );
}

/** What is too long is refused by whoever reads it. */
async function readAll(): Promise<string> {
  const input = openInput(sourceOf(STDIN));
  const parts: Uint8Array[] = [];
  for (let bytes = 0; bytes <= limits.linkBytesMax; ) {
    const part = await input.read();
    if (part === null) break;
    parts.push(part.slice());
    bytes += part.length;
  }
  input.close();
  return Buffer.concat(parts).toString();
}

async function list(teller: Teller, options: JoinOptions): Promise<void> {
  const links = recallLinks().toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (options.json === true) await print(`${JSON.stringify(links.map(linkFacts))}\n`);
  else if (links.length === 0) teller.note("no link was joined here");
  else {
    const cells = links.map(({ name, link: { url, claims } }) => [
      name === "" ? "(default)" : name,
      claims.pipe === "" ? "(default)" : claims.pipe,
      claims.right,
      claims.once ? "once" : "-",
      claims.expiresMs === null ? "-" : dateCalled(claims.expiresMs),
      url,
    ]);
    await print(table(["NAME", "PIPE", "RIGHT", "USE", "EXPIRES", "SATELLITE"], cells));
  }
}

async function forget(teller: Teller, given: string, options: JoinOptions): Promise<void> {
  const name = pipeName(given);
  const count = forgetLinks(name);
  if (count === 0) {
    throw new WireError(
      "not-found",
      `no link was joined as ${pipeCalled(name)}: skypipe join --list shows them`,
    );
  }
  if (options.json === true) await print(`${JSON.stringify({ name, forgotten: count })}\n`);
  teller.note(`forgotten: ${pipeCalled(name)} is that of your own satellite again`);
}

function example(name: string, { claims }: KnownLink): string {
  return claims.right === "write" ? `echo hello | skypipe${typed(name)}` : `skypipe${typed(name)}`;
}
