/** The four lines of DESIGN.md as real shells run them, with the user's own gzip, tail and cat. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, it } from "vitest";
import type { Bed } from "../support/bed.ts";
import { KiB, noise, noiseFile, numberedLines, sha256OfFile } from "../support/bytes.ts";
import { until } from "../support/until.ts";
import { useBed } from "../support/use-bed.ts";

/** Half text, half noise, so that gzip has something to do. */
function mixedFile(bed: Bed, name: string): Buffer {
  const content = Buffer.concat([Buffer.from(numberedLines(name, 5_000).join("")), noise(700 * KiB, 1)]);
  writeFileSync(bed.path(name), content);
  return content;
}

it("[L-1] skypipe | gzip -9 -c > out.gz here, cat file | skypipe there", async () => {
  const bed = useBed();
  await bed.satellite();
  const content = mixedFile(bed, "file");

  const here = bed.shell("skypipe | gzip -9 -c > out.gz");
  await bed.pipe("", { readers: 1 });
  const there = bed.shell("cat file | skypipe");

  await there.exits(0);
  await here.exits(0);
  expect(gunzipSync(readFileSync(bed.path("out.gz"))).equals(content)).toBe(true);
  expect(here.err + there.err).toBe("");
  await bed.pipe("", { streams: 0, readers: 0, writers: 0 });
});

it("[L-1][L-2] the same line, with the writer first and gone", async () => {
  const bed = useBed();
  await bed.satellite();
  const content = mixedFile(bed, "file");

  await bed.shell("cat file | skypipe").exits(0);
  await bed.shell("skypipe | gzip -9 -c > out.gz").exits(0);
  expect(gunzipSync(readFileSync(bed.path("out.gz"))).equals(content)).toBe(true);
});

it("[L-4][L-6] tail -f x | skypipe logs on many, skypipe logs on one, and on a laptop too", async () => {
  const bed = useBed();
  await bed.satellite();
  const owners = ["web", "db", "mail"];
  for (const owner of owners) writeFileSync(bed.path(`${owner}.log`), `${owner} begins\n`);

  const aggregate = bed.shell("skypipe logs > aggregate");
  await bed.pipe("logs", { readers: 1 });
  const tails = owners.map((owner) => bed.shell(`exec tail -f ${owner}.log | skypipe logs`));
  await bed.pipe("logs", { writers: 3 });
  const begun = (): boolean => owners.every((owner) => text().includes(`${owner} begins\n`));
  const text = (): string => readFileSync(bed.path("aggregate"), "utf8");
  await until("the aggregate has the beginnings", begun);
  const laptop = bed.shell("skypipe logs");
  await bed.pipe("logs", { readers: 2 });

  const written = owners.map((owner) => numberedLines(owner, 1_000));
  for (let from = 0; from < 1_000; from += 50) {
    for (const [index, owner] of owners.entries()) {
      appendFileSync(bed.path(`${owner}.log`), written[index]?.slice(from, from + 50).join("") ?? "");
    }
  }
  const wanted = written.flat();
  const complete = (seen: string): boolean => seen.split("\n").length - 1 >= wanted.length;
  await until("the laptop has every line", () => complete(laptop.out));
  await until("the aggregate has every line", () => complete(text()));
  for (const tail of tails) process.kill(-tail.pid, "SIGINT"); // as Ctrl-C does: the whole job

  await aggregate.exits(0);
  await laptop.exits(0);
  const lines = laptop.out.match(/.*\n/g) ?? [];
  expect(lines.toSorted()).toEqual(wanted.toSorted());
  for (const [index, owner] of owners.entries()) {
    expect(lines.filter((line) => line.startsWith(`${owner} `))).toEqual(written[index]);
  }
  expect(text().endsWith(laptop.out)).toBe(true);
});

it("[L-3] cat a | skypipe files; cat b | skypipe files; skypipe files > a; skypipe files > b", async () => {
  const bed = useBed();
  await bed.satellite();
  const hashes = [noiseFile(bed.path("a"), 900 * KiB, 1), noiseFile(bed.path("b"), 300 * KiB, 2)];

  await bed.shell("cat a | skypipe files; cat b | skypipe files").exits(0);
  await bed.pipe("files", { streams: 2, bytes: 1_200 * KiB });
  await bed.shell("mkdir far && cd far && skypipe files > a; skypipe files > b").exits(0);

  expect(await Promise.all([sha256OfFile(bed.path("far/a")), sha256OfFile(bed.path("far/b"))])).toEqual(
    hashes,
  );
});

it("[L-8] skypipe trigger; echo go waits, echo | skypipe trigger releases it", async () => {
  const bed = useBed();
  await bed.satellite();

  const here = bed.shell("skypipe trigger; echo go");
  await bed.pipe("trigger", { readers: 1 });
  expect(here.out).toBe("");
  await bed.shell("echo | skypipe trigger").exits(0);

  expect((await here.exits(0)).out).toBe("\ngo\n");
});

it("the four lines, typed in two terminals", async () => {
  const bed = useBed();
  await bed.satellite();
  const content = mixedFile(bed, "file");
  writeFileSync(bed.path("a"), noise(300 * KiB, 1));
  writeFileSync(bed.path("b"), noise(200 * KiB, 2));
  const [here, there] = [await bed.screen(), await bed.screen()];
  const isDone = /\n\$ $/;

  await here.type("skypipe | gzip -9 -c > out.gz");
  await here.shows(/waiting/);
  await there.type("cat file | skypipe");
  await here.shows(isDone);
  await there.shows(isDone);
  expect(gunzipSync(readFileSync(bed.path("out.gz"))).equals(content)).toBe(true);

  await here.type("clear; skypipe logs > aggregate");
  await here.shows(/waiting/);
  await there.type("clear; echo a line > x; tail -f x | skypipe logs");
  await until("the line has arrived", () => readFileSync(bed.path("aggregate"), "utf8") === "a line\n");
  await there.press("C-c");
  await there.shows(isDone);
  await here.shows(/interrupted[^$]*\$ $/);

  await there.type("clear; cat a | skypipe files; cat b | skypipe files; echo sent");
  await there.shows(/^sent$/m);
  await here.type(
    "clear; skypipe files > a.got; skypipe files > b.got; cmp a a.got && cmp b b.got && echo same",
  );
  await here.shows(/^same$/m);

  await here.type("clear; skypipe trigger; echo go");
  await here.shows(/waiting/);
  await there.type("clear; echo | skypipe trigger");
  await here.shows(/^go$/m);
  expect(await here.look()).toBe("\ngo\n$");
}, 60_000);
