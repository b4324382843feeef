/** Text: many writers into one reader, line by line, and who joins later. */
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import type { Bed } from "../support/bed.ts";
import { numberedLines } from "../support/bytes.ts";
import type { Proc } from "../support/proc.ts";
import { useBed } from "../support/use-bed.ts";

const owners = ["w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7"];

/** No line is broken, lost, doubled, or out of its writer's order. */
function expectWholeLines(text: string, written: ReadonlyMap<string, readonly string[]>): void {
  const got = new Map<string, string[]>([...written.keys()].map((owner) => [owner, []]));
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const lines = got.get(line.split(" ", 1)[0] ?? "");
    if (lines === undefined) throw new Error(`a broken line: ${JSON.stringify(line)}`);
    lines.push(line);
  }
  for (const [owner, lines] of written) expect(got.get(owner)).toEqual(lines);
}

/**
 * Writers of these lines. Each is fed by a process that writes blocks which end anywhere in a line and never waits: a
 * test that is busy for 100 ms between two of them would be a stdin that was silent, and such a line may be cut [L-6].
 */
function startWriters(bed: Bed, written: ReadonlyMap<string, readonly string[]>): Proc[] {
  return [...written].map(([owner, lines], index) => {
    const file = bed.path(`${owner}.txt`);
    writeFileSync(file, lines.join(""));
    const blocks = `dd if=${file} bs=${1_777 + 512 * index} status=none`;
    return bed.shell(`{ read -r; ${blocks}; } | skypipe send lines`, { stdin: "socket" });
  });
}

/** Lets them begin when all of them are there. */
async function releaseWriters(bed: Bed, writers: readonly Proc[]): Promise<void> {
  await bed.pipe("lines", { writers: writers.length });
  for (const writer of writers) await writer.write("\n");
  for (const writer of writers) await writer.exits(0);
}

it("[L-6][L-7] 8 writers × 5,000 lines into one reader", async () => {
  const bed = useBed();
  await bed.satellite();
  const written = new Map(owners.map((owner) => [owner, numberedLines(owner, 5_000)]));

  const reader = bed.skypipe(["lines"]);
  await bed.pipe("lines", { readers: 1 });
  await releaseWriters(bed, startWriters(bed, written));

  expectWholeLines((await reader.exits(0)).out, written);
});

it("[L-6] 8 writers × 5,000 lines, the reader last", async () => {
  const bed = useBed();
  await bed.satellite();
  const written = new Map(owners.map((owner) => [owner, numberedLines(owner, 5_000)]));

  await releaseWriters(bed, startWriters(bed, written));
  const follower = bed.skypipe(["recv", "-f", "lines"]);
  await follower.putsBytes([...written.values()].flat().join("").length);
  await bed.pipe("lines", { streams: 0 });
  follower.kill("SIGTERM");

  expectWholeLines((await follower.exits(143)).out, written);
});

it("[L-4] who joins running text begins at the start of a line", async () => {
  const bed = useBed();
  await bed.satellite();

  const first = bed.skypipe(["log"]);
  await bed.pipe("log", { readers: 1 });
  const writer = bed.skypipe(["log"], { stdin: "socket" });
  await writer.write("one\ntw");
  await first.puts("one\ntw"); // sent though it is not finished: stdin has been silent
  const late = bed.skypipe(["log"]);
  await bed.pipe("log", { readers: 2 });
  await writer.write("o\n");
  await first.puts("two\n");
  await writer.write("three\n");
  await late.puts("three\n");
  writer.end("four\n");

  expect((await first.exits(0)).out).toBe("one\ntwo\nthree\nfour\n");
  expect((await late.exits(0)).out).toBe("three\nfour\n");
});

it("[L-4] the only reader of running text begins with what is buffered", async () => {
  const bed = useBed();
  await bed.satellite();

  const writer = bed.skypipe(["log"], { stdin: "socket" });
  await writer.write("before\n");
  await bed.pipe("log", { bytes: 7 });
  const reader = bed.skypipe(["log"]);
  await reader.puts("before\n");
  writer.end("after\n");

  expect((await reader.exits(0)).out).toBe("before\nafter\n");
});

it("[L-7] the EOF of one writer does not end a reader that another still feeds", async () => {
  const bed = useBed();
  await bed.satellite();

  const reader = bed.skypipe(["log"]);
  await bed.pipe("log", { readers: 1 });
  const [first, second] = ["first", "second"].map(() => bed.skypipe(["send", "log"], { stdin: "socket" }));
  await bed.pipe("log", { writers: 2 });
  first?.end("first\n");
  await first?.exits(0);
  await reader.puts("first\n");
  second?.end("second\n");

  expect((await reader.exits(0)).out).toBe("first\nsecond\n");
});

it("[L-7] --follow goes on after every EOF", async () => {
  const bed = useBed();
  await bed.satellite();

  await bed.shell("echo kept | skypipe log").exits(0);
  const follower = bed.skypipe(["recv", "log", "--follow"]);
  await follower.puts("kept\n");
  await bed.shell("echo one | skypipe log").exits(0);
  await follower.puts("one\n");
  await bed.shell("echo two | skypipe log").exits(0);
  await follower.puts("two\n");
  follower.kill("SIGINT");

  expect((await follower.exits(130)).out).toBe("kept\none\ntwo\n");
  await bed.pipe("log", { streams: 0, readers: 0 });
});

it("--new skips what was there before", async () => {
  const bed = useBed();
  await bed.satellite();

  await bed.shell("echo old | skypipe log").exits(0);
  const reader = bed.skypipe(["recv", "log", "--new"]);
  await bed.pipe("log", { readers: 1, streams: 1 });
  await bed.shell("echo new | skypipe log").exits(0);

  expect((await reader.exits(0)).out).toBe("new\n");
  expect((await bed.skypipe(["log"]).exits(0)).out).toBe("old\n");
});

it("--tag says before each line which host it came from", async () => {
  const bed = useBed();
  await bed.satellite();

  const reader = bed.skypipe(["recv", "log", "--tag"]);
  await bed.pipe("log", { readers: 1 });
  await bed.shell("printf 'one\\ntwo\\n' | skypipe log").exits(0);

  const lines = (await reader.exits(0)).out.split("\n");
  expect(lines.map((line) => line.replace(hostname(), "HOST"))).toEqual(["HOST: one", "HOST: two", ""]);
});

it("[L-14] --tap sees live lines, takes nothing and holds up nothing", async () => {
  const bed = useBed();
  await bed.satellite();

  const tap = bed.skypipe(["recv", "log", "--tap"]);
  await bed.pipe("log", { taps: 1, readers: 0 });
  await bed.shell("echo seen | skypipe log").exits(0);
  await tap.puts("seen\n");
  await bed.pipe("log", { streams: 1, bytes: 5, taps: 1 });
  tap.kill("SIGINT");
  await tap.exits(130);

  expect((await bed.skypipe(["log"]).exits(0)).out).toBe("seen\n");
});

it("no newline is ever added", async () => {
  const bed = useBed();
  await bed.satellite();

  await bed.shell("printf 'no newline' | skypipe log").exits(0);
  expect((await bed.skypipe(["log"]).exits(0)).out).toBe("no newline");
});

it("--whole and --lines say the kind outright", async () => {
  const bed = useBed();
  await bed.satellite();

  await bed.shell("printf 'a\\0b\\n' | skypipe send log --lines").exits(0);
  await bed.shell("echo text | skypipe send log --whole").exits(0);
  expect((await bed.skypipe(["log"]).exits(0)).out).toBe("a\0b\n");
  expect((await bed.skypipe(["log"]).exits(0)).out).toBe("text\n");
});

it("[L-6] a line is not broken because its writer was stopped in the middle of it", async () => {
  const bed = useBed();
  await bed.satellite();

  const reader = bed.skypipe(["log"]);
  await bed.pipe("log", { readers: 1 });
  const [stopped, other] = [1, 2].map(() => bed.skypipe(["send", "log"], { stdin: "socket" }));
  await bed.pipe("log", { writers: 2 });
  for (let round = 0; round < 8; round++) {
    await stopped?.write(`begun ${round}, `);
    await pause(20); // it has read that by now, or else reads all of the line at once
    stopped?.kill("SIGSTOP");
    await pause(120); // longer than an unfinished line is held
    await stopped?.write(`finished ${round}\n`);
    await other?.write(`other ${round}\n`);
    await reader.puts(`other ${round}\n`);
    stopped?.kill("SIGCONT");
    await reader.puts(`finished ${round}\n`);
  }
  stopped?.end();
  other?.end();

  const lines = (await reader.exits(0)).out.split("\n").slice(0, -1);
  expect(lines.filter((line) => !/^(begun (\d), finished \2|other \d)$/.test(line))).toEqual([]);
  expect(lines).toHaveLength(16);
});
