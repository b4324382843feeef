/** `skypipe peek NAME`: the start of the oldest stream, which stays where it is. */
import { openOutput } from "../terminal/output.ts";
import { Teller } from "../terminal/teller.ts";
import { about } from "./common/failure.ts";
import { pipeMeant } from "./common/links.ts";
import { openPipe } from "./common/pipe.ts";
import { pipeName } from "./common/pipe-name.ts";

const BYTES = 4096;

export async function peek(name: string, options: { bytes?: number; satellite?: string }): Promise<number> {
  const pipe = pipeName(pipeMeant(name));
  const limitBytes = options.bytes ?? BYTES;
  const output = openOutput(1);
  const opened = await openPipe(new Teller(), pipe, "read", options.satellite);
  const { satellite } = opened;
  try {
    let leftBytes = limitBytes;
    await satellite.receive(
      opened.pipe,
      { mode: "peek", limitBytes, plain: true }, // it takes nothing [Z-11]
      {
        chunk: (_stream, bytes) => {
          const shown = bytes.subarray(0, leftBytes); // chunks come whole [F-4]
          leftBytes -= shown.length;
          return output.write(shown);
        },
      },
    ).done;
    return 0;
  } catch (error) {
    throw about(pipe, error);
  } finally {
    await satellite.close();
  }
}
