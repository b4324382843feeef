/** `skypipe peek NAME`: the start of the oldest stream, which stays where it is. */
import { openOutput } from "../terminal/output.ts";
import { Teller } from "../terminal/teller.ts";
import { openSatellite } from "./common/connection.ts";
import { pipeName } from "./common/pipe-name.ts";

const BYTES = 4096;

export async function peek(name: string, options: { bytes?: number }): Promise<number> {
  const pipe = pipeName(name);
  const output = openOutput(1);
  const satellite = await openSatellite(new Teller());
  try {
    const readerOptions = { mode: "peek", limitBytes: options.bytes ?? BYTES } as const;
    await satellite.receive(pipe, readerOptions, { chunk: (_stream, bytes) => output.write(bytes) }).done;
    return 0;
  } finally {
    await satellite.close();
  }
}
