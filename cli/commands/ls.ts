/** `skypipe ls`: the pipes there are. */
import type { PipeRow } from "../../satellite/wire/messages.ts";
import { Teller } from "../terminal/teller.ts";
import { formatAge, formatBytes } from "../terminal/units.ts";
import { openSatellite } from "./common/connection.ts";
import { print } from "./common/print.ts";
import { table } from "./common/table.ts";

export async function ls(options: { satellite?: string; quiet?: boolean; json?: boolean }): Promise<number> {
  const teller = new Teller(options);
  const satellite = await openSatellite(teller, options.satellite);
  try {
    const rows = (await satellite.list()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    if (options.json === true) await print(`${JSON.stringify(rows)}\n`);
    else if (rows.length === 0) teller.note("there is nothing in any pipe, and nobody waits at one");
    else await print(report(rows));
    return 0;
  } finally {
    await satellite.close();
  }
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
