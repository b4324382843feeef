/** Where a person sits: prompts, the waiting line, progress, Ctrl-C. */
import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { MiB, noiseFile, numberedLines } from "../support/bytes.ts";
import { useBed } from "../support/use-bed.ts";

it("first use asks where the satellite should live, and goes on with what was typed", async () => {
  const bed = useBed();
  const screen = await bed.screen();

  await screen.type("echo one | skypipe x");
  await screen.shows(/where|live/i);
  await screen.shows(/this computer|local/i);
  await screen.press("Enter");
  await screen.shows(/\n\$ $/);
  await screen.type("skypipe x");
  await screen.shows(/skypipe x\n(.*\n)*one\n/);

  expect(existsSync(bed.path("config"))).toBe(true);
  await bed.skypipe(["reset", "--yes"]).exits(0);
});

it("first use of a reader asks too, and then waits", async () => {
  const bed = useBed();
  const screen = await bed.screen();

  await screen.type("skypipe x");
  await screen.shows(/where|live/i);
  await screen.press("Enter");
  await bed.pipe("x", { readers: 1 });
  await bed.shell("echo released | skypipe x").exits(0);
  await screen.shows(/^released$/m);

  await bed.skypipe(["reset", "--yes"]).exits(0);
});

it("Ctrl-C at the prompt: 130, and nothing is set up", async () => {
  const bed = useBed();
  const screen = await bed.screen();

  await screen.type("skypipe x");
  await screen.shows(/where|live/i);
  await screen.press("C-c");
  await screen.shows(/\n\$ $/);
  await screen.type('echo "status $?"');
  await screen.shows("status 130");
  await bed.skypipe(["ls"]).exits(3);
});

it("a reader says what it is waiting for, and leaves no trace", async () => {
  const bed = useBed();
  await bed.satellite();
  const screen = await bed.screen();

  await screen.type("clear; skypipe x");
  await screen.shows(/wait/i);
  await bed.shell("echo arrived | skypipe x").exits(0);
  await screen.shows(/arrived\n\$ $/);
  expect(await screen.look()).toBe("arrived\n$");
});

it("[L-1] a writer says whom it is waiting for only where it must, and both ends can be a person's", async () => {
  const bed = useBed();
  await bed.satellite();
  const here = await bed.screen();

  await here.type("clear; skypipe send x");
  await bed.pipe("x", { writers: 1 });
  await here.type("typed");
  await here.press("C-d");
  await here.shows(/\n\$ $/);
  expect(await here.look()).toBe("typed\n$");
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("typed\n");
});

it("progress comes after a second with percent and rate, and is erased at the end", async () => {
  const bed = useBed();
  await bed.satellite();
  noiseFile(bed.path("file"), 4 * MiB, 1);
  const screen = await bed.screen();

  await screen.type("clear; skypipe send x file --limit 1M");
  await screen.shows(/\d+ ?%/);
  const line = await screen.shows(/\/s/);
  expect(line).toMatch(/MiB|MB/);
  await bed.skypipe(["x"], { stdout: "hash" }).exits(0);
  await screen.shows(/\n?\$ $/, 20_000);
  expect(await screen.look()).toBe("$");
});

it("a reader's progress is erased before what comes after it", async () => {
  const bed = useBed();
  await bed.satellite();
  noiseFile(bed.path("file"), 4 * MiB, 1);
  await bed.skypipe(["send", "x", bed.path("file")]).exits(0);
  const screen = await bed.screen();

  await screen.type("clear; skypipe recv x -o got --limit 2M; echo done");
  await screen.shows(/\d+ ?%/);
  await screen.shows(/done\n\$ $/, 20_000);
  expect(await screen.look()).toBe("done\n$");
  await bed.shell("cmp file got").exits(0);
});

it("Ctrl-C in a terminal ends a pipeline with 130, and its reader says so", async () => {
  const bed = useBed();
  await bed.satellite();
  const reader = bed.skypipe(["log"]);
  await bed.pipe("log", { readers: 1 });
  const screen = await bed.screen();

  await screen.type("touch log; tail -f log | skypipe log");
  await bed.pipe("log", { writers: 1 });
  await bed.shell("echo one >> log").exits(0);
  await reader.puts("one\n");
  await screen.press("C-c");
  await screen.shows(/\n\$ $/);
  await screen.type('echo "status $?"');
  await screen.shows("status 130");
  expect((await reader.exits(0)).err).toMatch(/interrupted/);
});

it("nothing of this goes into a log: stderr that is no terminal stays empty", async () => {
  const bed = useBed();
  await bed.satellite();
  noiseFile(bed.path("file"), 3 * MiB, 1);

  const reader = bed.skypipe(["x"], { stdout: "hash" });
  await bed.pipe("x", { readers: 1 });
  const writer = await bed.skypipe(["send", "x", bed.path("file"), "--limit", "2M"]).exits(0);
  expect(writer.err + (await reader.exits(0)).err).toBe("");
});

it("-q shows nothing on a terminal, and NO_COLOR no colours", async () => {
  const bed = useBed();
  await bed.satellite();
  noiseFile(bed.path("file"), 2 * MiB, 1);

  const quiet = bed.pty("skypipe send x file -q --limit 1M");
  await quiet.exits(0);
  expect(quiet.raw).toBe("");
  const plain = bed.pty("skypipe recv x -o got --limit 1M", { NO_COLOR: "1" });
  await plain.exits(0);
  expect(plain.raw).toMatch(/%/);
  expect(plain.raw).not.toMatch(/\u001B\[[\d;]*m/);
});

it("text on the same terminal as the waiting line comes out as it went in", async () => {
  const bed = useBed();
  await bed.satellite();
  const screen = await bed.screen();
  const lines = numberedLines("w", 12);

  await screen.type("clear; skypipe x");
  await screen.shows(/wait/i);
  const writer = bed.skypipe(["x"], { stdin: "socket" });
  for (const line of lines) await writer.write(`${line.slice(0, 60).trimEnd()}\n`);
  writer.end();
  await screen.shows(/w 000011.*\n(.*\n)?\$ $/);
  const shown = (await screen.look()).split("\n").filter((line) => line.startsWith("w "));
  expect(shown).toEqual(lines.map((line) => line.slice(0, 60).trimEnd()));
});
