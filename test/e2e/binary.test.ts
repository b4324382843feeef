/** Files: binary-exact by SHA-256, whole, in order, and never mixed. */
import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { MiB, noise, noiseFile, sha256 } from "../support/bytes.ts";
import { useBed } from "../support/use-bed.ts";

it("64 MiB, the reader first", async () => {
  const bed = useBed();
  await bed.satellite();
  const hash = noiseFile(bed.path("file"), 64 * MiB, 1);

  const reader = bed.skypipe(["big"], { stdout: "hash" });
  await bed.pipe("big", { readers: 1 });
  await bed.shell("cat file | skypipe big").exits(0);

  expect((await reader.exits(0)).sha256).toBe(hash);
});

it("64 MiB, the writer first and gone", async () => {
  const bed = useBed();
  await bed.satellite();
  const hash = noiseFile(bed.path("file"), 64 * MiB, 1);

  await bed.shell("cat file | skypipe big").exits(0);
  await bed.pipe("big", { streams: 1, bytes: 64 * MiB, writers: 0 });

  expect((await bed.skypipe(["big"], { stdout: "hash" }).exits(0)).sha256).toBe(hash);
  await bed.pipe("big", { streams: 0 });
});

it("[L-3] 64 MiB, the reader while the writer is at it", async () => {
  const bed = useBed();
  await bed.satellite();
  const bytes = noise(64 * MiB, 1);

  const writer = bed.skypipe(["big"], { stdin: "socket" });
  await writer.write(bytes.subarray(0, 20 * MiB));
  await bed.pipe("big", { writers: 1, streams: 1 });
  const reader = bed.skypipe(["big"], { stdout: "hash" });
  await reader.putsBytes(MiB);
  writer.end(bytes.subarray(20 * MiB));

  await writer.exits(0);
  expect((await reader.exits(0)).sha256).toBe(sha256(bytes));
});

it("[L-5] two binary streams at once, to two readers one after the other: never mixed", async () => {
  const bed = useBed();
  await bed.satellite();
  const contents = [noise(12 * MiB, 1), noise(9 * MiB, 2)];

  const writers = contents.map(() => bed.skypipe(["send", "two"], { stdin: "socket" }));
  for (const [index, writer] of writers.entries())
    await writer.write(contents[index]?.subarray(0, 7_000) ?? "");
  await bed.pipe("two", { writers: 2, bytes: 14_000 });
  const first = bed.skypipe(["two"], { stdout: "hash" });
  await bed.pipe("two", { readers: 1 });
  for (const [index, writer] of writers.entries()) writer.end(contents[index]?.subarray(7_000));
  const firstHash = (await first.exits(0)).sha256;
  const secondHash = (await bed.skypipe(["two"], { stdout: "hash" }).exits(0)).sha256;
  for (const writer of writers) await writer.exits(0);

  expect([firstHash, secondHash].toSorted()).toEqual(contents.map((content) => sha256(content)).toSorted());
});

it("[L-7] two binary streams at once, to a follower: each whole in its turn", async () => {
  const bed = useBed();
  await bed.satellite();
  const [a, b] = [noise(5 * MiB, 1), noise(3 * MiB, 2)];

  const follower = bed.skypipe(["recv", "two", "--follow"]);
  await bed.pipe("two", { readers: 1 });
  const writers = [a, b].map(() => bed.skypipe(["send", "two"], { stdin: "socket" }));
  await bed.pipe("two", { writers: 2 });
  writers[0]?.end(a);
  writers[1]?.end(b);
  for (const writer of writers) await writer.exits(0);
  await follower.putsBytes(8 * MiB);
  follower.kill("SIGINT");

  const { sha256: hash } = await follower.exits(130);
  expect([sha256(a, b), sha256(b, a)]).toContain(hash);
});

it("[L-7][L-10] --one readers share: each file goes to exactly one of them", async () => {
  const bed = useBed();
  await bed.satellite();
  const hashes = [1, 2, 3].map((seed) => noiseFile(bed.path(`file${seed}`), MiB, seed));

  const readers = [1, 2, 3].map(() => bed.skypipe(["recv", "jobs", "--one"], { stdout: "hash" }));
  await bed.pipe("jobs", { readers: 3 });
  await Promise.all([1, 2, 3].map((seed) => bed.skypipe(["send", "jobs", bed.path(`file${seed}`)]).exits(0)));

  const got = await Promise.all(readers.map(async (reader) => (await reader.exits(0)).sha256));
  expect(got.toSorted()).toEqual(hashes.toSorted());
});

it("[L-3] files are pulled in the order in which they were put", async () => {
  const bed = useBed();
  await bed.satellite();
  const hashes = [1, 2, 3, 4].map((seed) => noiseFile(bed.path(`file${seed}`), MiB + seed, seed));

  await bed.shell("for i in 1 2 3 4; do cat file$i | skypipe files; done").exits(0);
  const got: string[] = [];
  for (const _ of hashes) got.push((await bed.skypipe(["files"], { stdout: "hash" }).exits(0)).sha256);

  expect(got).toEqual(hashes);
});

it("a regular file as stdin, and one by name", async () => {
  const bed = useBed();
  await bed.satellite();
  const hash = noiseFile(bed.path("file"), 3 * MiB, 1);

  await bed.shell("skypipe files < file && skypipe send files file").exits(0);
  await bed.pipe("files", { streams: 2 });

  expect((await bed.skypipe(["files"], { stdout: "hash" }).exits(0)).sha256).toBe(hash);
  expect((await bed.skypipe(["files"], { stdout: "hash" }).exits(0)).sha256).toBe(hash);
});

it("text in a regular file is a file: alone, and not a part of a merge", async () => {
  const bed = useBed();
  await bed.satellite();
  writeFileSync(bed.path("file"), "from the file\n");

  const writer = bed.skypipe(["mixed"], { stdin: "socket" });
  await writer.write("from the log\n");
  await bed.pipe("mixed", { writers: 1, bytes: 13 });
  await bed.shell("skypipe mixed < file").exits(0);
  const reader = bed.skypipe(["mixed"]);
  await reader.puts("from the log\n");
  writer.end();

  expect((await reader.exits(0)).out).toBe("from the log\n");
  expect((await bed.skypipe(["mixed"]).exits(0)).out).toBe("from the file\n");
});

it("[L-8] an empty file is a file", async () => {
  const bed = useBed();
  await bed.satellite();
  writeFileSync(bed.path("empty"), "");

  await bed.skypipe(["send", "files", bed.path("empty")]).exits(0);
  await bed.pipe("files", { streams: 1, bytes: 0 });
  expect((await bed.skypipe(["files"]).exits(0)).outBytes).toBe(0);
  await bed.pipe("files", { streams: 0 });
});

it("[L-4] ten readers get identical bytes", async () => {
  const bed = useBed();
  await bed.satellite();
  const hash = noiseFile(bed.path("file"), 8 * MiB, 1);

  const readers = Array.from({ length: 10 }, () => bed.skypipe(["all"], { stdout: "hash" }));
  await bed.pipe("all", { readers: 10 });
  await bed.skypipe(["send", "all", bed.path("file")]).exits(0);

  for (const reader of readers) expect((await reader.exits(0)).sha256).toBe(hash);
});
