/** `skypipe ls`: the pipes there are. */
import type { PipeRow } from "../../satellite/wire/messages.ts";
import { Teller } from "../terminal/teller.ts";
import { formatAge, formatBytes } from "../terminal/units.ts";
import { linksFor, linksInstead, throwFirst, tryLinks } from "./common/by-links.ts";
import { openSatellite } from "./common/connection.ts";
import type { Joined } from "./common/joined.ts";
import { print } from "./common/print.ts";
import { table } from "./common/table.ts";

export async function ls(options: { satellite?: string; quiet?: boolean; json?: boolean }): Promise<number> {
  const teller = new Teller(options);
  const links = await linksInstead(options.satellite);
  if (links !== null) return listByLinks(teller, links, options);
  const satellite = await openSatellite(teller, options.satellite);
  try {
    await tell(teller, await satellite.list(), options);
    return 0;
  } finally {
    await satellite.close();
  }
}

/** The pipes that links let read, by the names that they have here. */
async function listByLinks(
  teller: Teller,
  links: readonly Joined[],
  options: { json?: boolean },
): Promise<number> {
  const tried = await tryLinks(teller, linksFor("list", links, "list pipes"), (satellite) =>
    satellite.list(),
  );
  const rows = tried.flatMap(({ joined: { name }, result }) =>
    (result ?? []).map((row) => ({ ...row, name })),
  );
  if (rows.length > 0 || tried.every(({ error }) => error === null)) await tell(teller, rows, options);
  throwFirst(teller, tried);
  return 0;
}

async function tell(teller: Teller, pipes: readonly PipeRow[], options: { json?: boolean }): Promise<void> {
  const rows = pipes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (options.json === true) await print(`${JSON.stringify(rows)}\n`);
  else if (rows.length === 0) teller.note("there is nothing in any pipe, and nobody waits at one");
  else await print(report(rows));
}

/** The default pipe has no name and stands as `(default)`. */
function report(rows: readonly PipeRow[]): string {
  const numbers = ["STREAMS", "BYTES", "AGE", "WRITERS", "READERS", "TAPS"];
  const cells = rows.map((row) => [
    row.name === "" ? "(default)" : row.name,
    String(row.streams),
    formatBytes(row.bytes),
    row.streams > 0 ? formatAge(row.oldestAgeS) : "-",
    String(row.writers),
    String(row.readers),
    String(row.taps),
  ]);
  return table(["PIPE", ...numbers], cells, numbers);
}
