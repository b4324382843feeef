/** A GiB through HTTP in constant memory, on both sides of the satellite and inside it; and a slow client's pace. */
import { expect, it } from "vitest";
import { MiB } from "../support/bytes.ts";
import { feedNoise } from "../support/noise-flow.ts";
import { useBed } from "../support/use-bed.ts";

const peakBytesMax = 200 * MiB;
/** Node itself takes 60 to 70, bytes on their way 96, spare blocks 16, and the collector's nursery up to 48 (most in Node 24). */
const satelliteBytesMax = 232 * MiB;

it("[H-8] [H-14] 1 GiB from curl to curl and to the command: every end under 200 MiB, the satellite under 232", async () => {
  const bed = useBed();
  // Of two readers one is slower, on a busy machine by much: how far it is behind must be on disk, and must not cut it.
  const flags = ["--port", "0", "--data", bed.path("data"), "--max-buffer", "2G", "--max-lag", "1G"];
  const proc = bed.skypipe(["satellite", ...flags], { measured: true });
  await proc.puts("\n");
  const url = proc.out.trim();
  bed.env.SKYPIPE_SATELLITE = url;
  const hashed = { stdout: "hash", measured: true } as const;
  const readers = [bed.spawn("curl", ["-sS", `${url}/p/big`], hashed), bed.skypipe(["recv", "big"], hashed)];
  await bed.pipe("big", { readers: 2 });
  const writer = bed.spawn("curl", ["-sSf", "-T", "-", `${url}/p/big`], { stdin: "socket", measured: true });

  const sum = await feedNoise(writer, 1_024 * MiB, 1);
  await writer.exits(0, 60_000);
  for (const reader of readers) expect(await reader.exits(0)).toMatchObject({ sha256: sum });

  const peaks = [writer, ...readers].map(({ title, peakBytes }) => ({ title, peakBytes }));
  expect(peaks.filter(({ peakBytes }) => peakBytes === 0 || peakBytes > peakBytesMax)).toEqual([]);
  expect(proc.peakBytes).toBeGreaterThan(0);
  expect(proc.peakBytes).toBeLessThan(satelliteBytesMax);
}, 120_000);

it("[H-14] [L-14] a slow curl slows its writer down: nothing of it is stored, and the satellite stays small", async () => {
  const bed = useBed();
  const { proc, url } = await bed.satellite(["--max-buffer", "1M"], { measured: true });
  const reader = bed.spawn("curl", ["-sS", "--limit-rate", "24M", `${url}/p/slow`], { stdout: "hash" });
  await bed.pipe("slow", { readers: 1 });
  const writer = bed.skypipe(["send", "slow"], { stdin: "socket" });
  const sum = await feedNoise(writer, 96 * MiB, 1);
  await writer.exits(0, 60_000);
  expect((await reader.exits(0)).sha256).toBe(sum);
  expect(proc.peakBytes).toBeLessThan(peakBytesMax);
}, 120_000);
