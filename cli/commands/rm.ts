/** `skypipe rm NAME`: drops what is in a pipe. */
import { Teller } from "../terminal/teller.ts";
import { formatBytes } from "../terminal/units.ts";
import { openSatellite } from "./common/connection.ts";
import { about } from "./common/failure.ts";
import { pipeCalled, pipeName } from "./common/pipe-name.ts";
import { print } from "./common/print.ts";

export async function rm(
  name: string,
  options: { satellite?: string; quiet?: boolean; json?: boolean },
): Promise<number> {
  const pipe = pipeName(name);
  const teller = new Teller(options);
  const satellite = await openSatellite(teller, options.satellite);
  try {
    const { streams, bytes } = await satellite.remove(pipe);
    if (options.json === true) await print(`${JSON.stringify({ name: pipe, streams, bytes })}\n`);
    else {
      const count = streams === 1 ? "1 stream" : `${streams} streams`;
      teller.note(`removed ${count} (${formatBytes(bytes)}) from ${pipeCalled(pipe)}`);
    }
    return 0;
  } catch (error) {
    throw about(pipe, error);
  } finally {
    await satellite.close();
  }
}
