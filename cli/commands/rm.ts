/** `skypipe rm NAME`: drops what is in a pipe. */
import { Teller } from "../terminal/teller.ts";
import { formatBytes } from "../terminal/units.ts";
import { about } from "./common/failure.ts";
import { openPipe } from "./common/pipe.ts";
import { pipeCalled, pipeName } from "./common/pipe-name.ts";
import { print } from "./common/print.ts";

export async function rm(
  name: string,
  options: { satellite?: string; quiet?: boolean; json?: boolean },
): Promise<number> {
  const pipe = pipeName(name);
  const teller = new Teller(options);
  const opened = await openPipe(teller, pipe, "remove", options.satellite);
  const { satellite } = opened;
  try {
    const { streams, bytes } = await satellite.remove(opened.pipe);
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
