/** 2 GiB in constant memory: with one reader its pace is the writer's pace, from end to end. */
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { MiB, noise } from "../support/bytes.ts";
import type { Proc } from "../support/proc.ts";
import { useBed } from "../support/use-bed.ts";

const totalBytes = 2_048 * MiB;
const peakBytesMax = 200 * MiB;
/** Not a divisor of anything that the wire counts in, so that a chunk out of place is seen. */
const block: Buffer = noise(16 * MiB - 4_099, 1);

async function feed(writer: Proc): Promise<void> {
  for (let sent = 0; sent < totalBytes; sent += block.length) {
    await writer.write(block.subarray(0, totalBytes - sent));
  }
  writer.end();
}

/** Reads at most so many bytes a second and compares every byte; answers how many came. */
async function consume(reader: Proc, bytesPerSecond = Number.POSITIVE_INFINITY): Promise<number> {
  const beganMs = performance.now();
  let got = 0;
  for await (const chunk of reader.stdout as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; ) {
      const inBlock = (got + at) % block.length;
      const size = Math.min(chunk.length - at, block.length - inBlock);
      if (chunk.compare(block, inBlock, inBlock + size, at, at + size) !== 0) {
        throw new Error(`other bytes than were sent, at or after ${got + at}`);
      }
      at += size;
    }
    got += chunk.length;
    const aheadMs = (got / bytesPerSecond) * 1_000 - (performance.now() - beganMs);
    if (aheadMs > 5) await pause(aheadMs);
  }
  return got;
}

it.each([
  ["a slow reader", 90 * MiB],
  ["a fast reader", undefined],
])(
  "[L-14] 2 GiB through %s: writer, satellite and reader each under 200 MiB",
  async (_, bytesPerSecond) => {
    const bed = useBed();
    const satellite = await bed.satellite([], { measured: true });

    const reader = bed.skypipe(["big"], { stdout: "hold", measured: true });
    await bed.pipe("big", { readers: 1 });
    const writer = bed.skypipe(["big"], { stdin: "socket", measured: true });
    const [, got] = await Promise.all([feed(writer), consume(reader, bytesPerSecond)]);
    await writer.exits(0);
    await reader.exits(0);

    expect(got).toBe(totalBytes);
    const peaks = { writer, satellite: satellite.proc, reader };
    for (const [who, { peakBytes }] of Object.entries(peaks)) {
      expect({ who, peakBytes, bounded: peakBytes > 0 && peakBytes < peakBytesMax }).toMatchObject({
        bounded: true,
      });
    }
  },
  90_000,
);
