/** `skypipe ls`: the pipes there are. */
import type { PipeRow } from "../../satellite/wire/messages.ts";
import { Teller } from "../terminal/teller.ts";
import { formatAge, formatBytes } from "../terminal/units.ts";
import { openSatellite } from "./common/connection.ts";
import { print } from "./common/print.ts";

export async function ls(options: { satellite?: string; quiet?: boolean; json?: boolean }): Promise<number> {
  const teller = new Teller(options);
  const satellite = await openSatellite(teller, options.satellite);
  try {
    const rows = (await satellite.list()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    if (options.json === true) await print(`${JSON.stringify(rows)}\n`);
    else if (rows.length === 0) teller.note("there is nothing in any pipe, and nobody waits at one");
    else await print(table(rows));
    return 0;
  } finally {
    await satellite.close();
  }
}

/** Aligned columns; the default pipe has no name and stands as `(default)`. */
function table(rows: readonly PipeRow[]): string {
  const head = ["PIPE", "STREAMS", "BYTES", "AGE", "WRITERS", "READERS", "TAPS"];
  const cells = rows.map((row) => [
    row.name === "" ? "(default)" : row.name,
    String(row.streams),
    formatBytes(row.bytes),
    row.streams > 0 ? formatAge(row.oldestAgeS) : "-",
    String(row.writers),
    String(row.readers),
    String(row.taps),
  ]);
  const lines = [head, ...cells];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  "),
    )
    .map((line) => `${line}\n`)
    .join("");
}
