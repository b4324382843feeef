/** A folder that somebody else has, and a disk that is full. */
import { mkdirSync, writeFileSync } from "node:fs";
import { expect, it, onTestFinished } from "vitest";
import type { Bed } from "../support/bed.ts";
import { KiB, MiB, noise, sha256 } from "../support/bytes.ts";
import { Durable } from "../support/durable.ts";
import { useBed } from "../support/use-bed.ts";

it("a second satellite on the same folder refuses with a sentence, exit 2; the first goes on", async () => {
  const bed = useBed();
  const satellite = await Durable.on(bed);

  const { out, err } = await bed.skypipe(["satellite", "--data", satellite.data]).exits(2);
  expect(out).toBe("");
  expect(err).toMatch(/^skypipe: another satellite is using the data directory '[^']*'[^\n]*--data\n$/);

  await bed.shell("echo kept | skypipe x").exits(0);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("kept\n");
});

it("a folder that cannot be made is one sentence", async () => {
  const bed = useBed();
  writeFileSync(bed.path("file"), "in the way");

  const { status, err } = await bed.skypipe(["satellite", "--data", bed.path("file/data")]).exited;
  expect(status).toBe(2);
  expect(err).toMatch(/^skypipe: [^\n]*file\/data[^\n]*\n$/);
});

it("[L-15] a small --max-buffer on disk: the writer says why it waits, a SIGKILL meanwhile loses nothing", async () => {
  const bed = useBed();
  const satellite = await Durable.on(bed, ["--max-buffer", "4M"]);
  const bytes = noise(20 * MiB, 1);

  const writer = bed.skypipe(["big"], { stdin: "socket" });
  writer.end(bytes);
  await writer.says(/^skypipe: [^\n]*(full|room)/);
  await satellite.killAndStart();
  await bed.pipe("big", { writers: 1 });
  const reader = await bed.skypipe(["big"], { stdout: "hash" }).exits(0, 30_000);

  expect(reader.sha256).toBe(sha256(bytes));
  await writer.exits(0);
}, 60_000);

it("[L-15] a full disk: the writer says so and goes on when there is room; nothing acknowledged is lost", async () => {
  const bed = useBed();
  const satellite = await onSmallDisk(bed, 24 * MiB);
  const first = noise(2 * MiB, 1);
  const big = noise(64 * MiB, 2);

  const kept = bed.skypipe(["kept"], { stdin: "socket" });
  kept.end(first);
  await kept.exits(0);
  const writer = bed.skypipe(["big"], { stdin: "socket" });
  writer.end(big);
  await writer.says(/^skypipe: [^\n]*(full|room|space)/);
  expect(satellite.proc.running).toBe(true);
  expect((await bed.skypipe(["kept"], { stdout: "hash" }).exits(0)).sha256).toBe(sha256(first));
  const reader = await bed.skypipe(["big"], { stdout: "hash" }).exits(0, 30_000);

  expect(reader.sha256).toBe(sha256(big));
  await writer.exits(0);
  await bed.shell("echo goes on | skypipe log").exits(0);
  await satellite.killAndStart();
  expect((await bed.skypipe(["log"]).exits(0)).out).toBe("goes on\n");
}, 90_000);

it("[L-15] a satellite that is killed on a full disk comes up again with all that was acknowledged", async () => {
  const bed = useBed();
  const satellite = await onSmallDisk(bed, 24 * MiB);
  const files = [0, 1, 2].map((seed) => noise(700 * KiB + seed, seed));
  const big = noise(48 * MiB, 9);

  for (const content of files) {
    const writer = bed.skypipe(["files"], { stdin: "socket" });
    writer.end(content);
    await writer.exits(0);
  }
  const writer = bed.skypipe(["big"], { stdin: "socket" });
  writer.end(big);
  await writer.says(/^skypipe: [^\n]*(full|room|space)/);
  for (let time = 0; time < 3; time++) await satellite.killAndStart();

  for (const content of files) {
    expect((await bed.skypipe(["files"], { stdout: "hash" }).exits(0)).sha256).toBe(sha256(content));
  }
  const reader = await bed.skypipe(["big"], { stdout: "hash" }).exits(0, 30_000);
  expect(reader.sha256).toBe(sha256(big));
  await writer.exits(0);
}, 90_000);

/**
 * A satellite with a file system of its own, that is smaller than what the satellite may keep. Where it can't be
 * mounted, its limit is what is full: of a disk that is full then only the simulated one tells.
 */
async function onSmallDisk(bed: Bed, bytes: number): Promise<Durable> {
  const place = bed.path("disk");
  mkdirSync(place);
  const mount = ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", place];
  const { status } = await bed.spawn("mount", mount).exited;
  if (status !== 0) return Durable.on(bed, ["--max-buffer", String(bytes)], place);
  onTestFinished(async () => {
    // Before the bed is cleared, for what is registered last is called first. Lazily: the satellite still runs.
    await bed.spawn("umount", ["-l", place]).exits(0);
  });
  return Durable.on(bed, ["--max-buffer", "1G"], place);
}
