/** What `skypipe check` says of links: whether they are good, and for what. More is not for who has a link to know. */
import { Teller } from "../../terminal/teller.ts";
import { type Tried, throwFirst, tryLinks } from "./by-links.ts";
import { errorFacts } from "./failure.ts";
import type { Joined } from "./joined.ts";
import { print } from "./print.ts";
import { linkCalled, linkFacts } from "./share-words.ts";

interface Reached {
  readonly software: string;
  readonly connectMs: number;
}

export async function checkLinks(links: readonly Joined[], options: { json?: boolean }): Promise<number> {
  const teller = new Teller(options);
  const tried = await tryLinks<Reached>(teller, links, async ({ software }, connectMs) => {
    return { software, connectMs: Math.round(connectMs) };
  });
  await print(
    options.json === true
      ? `${JSON.stringify({ where: "links", links: tried.map(facts) })}\n`
      : tried.map(report).join("\n"),
  );
  throwFirst(teller, tried);
  return 0;
}

function facts({ joined, result, error }: Tried<Reached>): object {
  return {
    ...linkFacts(joined),
    running: result !== null,
    software: result?.software ?? null,
    connectMs: result?.connectMs ?? null,
    error: error === null ? null : errorFacts(error),
  };
}

function report({ joined, result, error }: Tried<Reached>): string {
  const lines: [title: string, value: string | undefined][] = [
    ["link", `you may ${linkCalled(joined)}`],
    ["satellite", joined.link.url],
    ["version", result?.software],
    ["connected", result === null ? undefined : `in ${result.connectMs} ms`],
    ["failed", error?.message],
  ];
  return lines
    .filter(([, value]) => value !== undefined)
    .map(([title, value]) => `${title.padEnd(12)}${value}\n`)
    .join("");
}
