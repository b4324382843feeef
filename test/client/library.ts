/** A satellite and ends connected to it, closed when the test ends. */
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { type ConnectOptions, connect, type PipeWriter, type Satellite } from "../../cli/client/index.ts";
import { type SatelliteOptions, startSatellite } from "../../satellite/satellite.ts";

export async function useSatellite(options: SatelliteOptions = {}): Promise<string> {
  const satellite = await startSatellite(options);
  onTestFinished(async () => satellite.stop());
  return satellite.url;
}

export async function useEnd(url: string, options: ConnectOptions = {}): Promise<Satellite> {
  const end = await connect({ url, ...options });
  onTestFinished(async () => end.close());
  return end;
}

/** A satellite and one end of it. */
export async function useBoth(options: SatelliteOptions = {}): Promise<Satellite> {
  return useEnd(await useSatellite(options));
}

/** Writes, ends, and waits until all of it is safe. */
export async function put(writer: PipeWriter, ...writes: (string | Uint8Array)[]): Promise<void> {
  for (const bytes of writes) writer.write(bytes);
  const finished = once(writer, "finish");
  writer.end();
  await finished;
}

/** Everything that comes, until the end. */
export async function all(reader: AsyncIterable<unknown>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of reader) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
