/** A pipe as a trigger: an EOF is a signal. */
import { expect, it } from "vitest";
import { useBed } from "../support/use-bed.ts";

it("[L-8] waits, and an echo releases it", async () => {
  const bed = useBed();
  await bed.satellite();

  const waiting = bed.skypipe(["trigger"]);
  await bed.pipe("trigger", { readers: 1 });
  expect(waiting.running).toBe(true);
  await bed.shell("echo | skypipe trigger").exits(0);

  expect((await waiting.exits(0)).out).toBe("\n");
});

it("[L-8] is remembered when nobody waits, and releases one", async () => {
  const bed = useBed();
  await bed.satellite();

  await bed.shell("echo | skypipe trigger").exits(0);
  await bed.skypipe(["trigger"]).exits(0);
  const next = bed.skypipe(["trigger"]);
  await bed.pipe("trigger", { readers: 1, streams: 0 });
  expect(next.running).toBe(true);
});

it("[L-4][L-8] releases everybody who waits", async () => {
  const bed = useBed();
  await bed.satellite();

  const waiting = Array.from({ length: 5 }, () => bed.skypipe(["trigger"]));
  await bed.pipe("trigger", { readers: 5 });
  await bed.shell("echo | skypipe trigger").exits(0);

  for (const each of waiting) expect((await each.exits(0)).out).toBe("\n");
  await bed.pipe("trigger", { streams: 0, readers: 0 });
});

it("[L-8] an empty stream releases too", async () => {
  const bed = useBed();
  await bed.satellite();

  const waiting = bed.skypipe(["trigger"]);
  await bed.pipe("trigger", { readers: 1 });
  await bed.shell(": | skypipe send trigger").exits(0);

  expect((await waiting.exits(0)).outBytes).toBe(0);
});

it("[L-8] an empty stream is remembered", async () => {
  const bed = useBed();
  await bed.satellite();

  await bed.shell(": | skypipe send trigger").exits(0);
  await bed.pipe("trigger", { streams: 1, bytes: 0 });
  expect((await bed.skypipe(["trigger"]).exits(0)).outBytes).toBe(0);
});
