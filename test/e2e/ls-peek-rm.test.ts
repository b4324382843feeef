/** Looking at pipes, looking into one, dropping one. */
import { expect, it } from "vitest";
import { MiB, noise, sha256 } from "../support/bytes.ts";
import { useBed } from "../support/use-bed.ts";

it("[C-6] ls --json: numbers but for the name, the default pipe's name is empty", async () => {
  const bed = useBed();
  await bed.satellite();
  expect(await bed.list()).toEqual([]);

  await bed.shell("echo one | skypipe; echo 22 | skypipe; echo | skypipe jobs").exits(0);
  const reader = bed.skypipe(["idle"]);
  const tap = bed.skypipe(["recv", "idle", "--tap"]);
  const writer = bed.skypipe(["send", "open"], { stdin: "socket" });
  await bed.pipe("idle", { readers: 1, taps: 1 });
  await bed.pipe("open", { writers: 1 });

  const rows = (await bed.list()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  expect(rows).toEqual([
    { name: "", streams: 2, bytes: 7, oldestAgeS: expect.any(Number), writers: 0, readers: 0, taps: 0 },
    { name: "idle", streams: 0, bytes: 0, oldestAgeS: 0, writers: 0, readers: 1, taps: 1 },
    { name: "jobs", streams: 1, bytes: 1, oldestAgeS: expect.any(Number), writers: 0, readers: 0, taps: 0 },
    { name: "open", streams: 1, bytes: 0, oldestAgeS: expect.any(Number), writers: 1, readers: 0, taps: 0 },
  ]);
  for (const proc of [reader, tap, writer]) proc.kill("SIGTERM");
});

it("ls for a person: a table on stdout, and a sentence when there is nothing", async () => {
  const bed = useBed();
  await bed.satellite();

  const none = await bed.skypipe(["ls"]).exits(0);
  expect(none.out).toBe("");
  await bed.shell("printf '%s' 0123456789 | skypipe jobs/today").exits(0);
  const { out } = await bed.skypipe(["ls"]).exits(0);
  expect(out).toMatch(/^.*streams.*bytes.*$/im);
  expect(out).toMatch(/^jobs\/today\s+1\s+10 ?B?\s/m);
});

it("[C-6] ls shows more pipes than fit one answer", async () => {
  const bed = useBed();
  await bed.satellite();

  await bed
    .shell("for i in $(seq 0 3 10); do :; done; seq 1 12 | xargs -P 2 -I{} sh -c 'echo | skypipe n{}'")
    .exits(0);
  expect(await bed.list()).toHaveLength(12);
}, 60_000);

it("[R-7] peek shows the oldest stream from its start and takes nothing", async () => {
  const bed = useBed();
  await bed.satellite();
  await bed.shell("printf 'one\\ntwo\\n' | skypipe x; echo three | skypipe x").exits(0);

  for (let time = 0; time < 2; time++)
    expect((await bed.skypipe(["peek", "x"]).exits(0)).out).toBe("one\ntwo\n");
  expect((await bed.skypipe(["peek", "x", "--bytes", "5"]).exits(0)).out).toBe("one\nt");
  await bed.pipe("x", { streams: 2, bytes: 14, readers: 0 });
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("one\ntwo\n");
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("three\n");
});

it("[R-7] peek shows what there is of a running stream and ends there", async () => {
  const bed = useBed();
  await bed.satellite();

  const writer = bed.skypipe(["x"], { stdin: "socket" });
  await writer.write("so far\n");
  await bed.pipe("x", { bytes: 7 });
  expect((await bed.skypipe(["peek", "x"]).exits(0)).out).toBe("so far\n");
  writer.end("and on\n");
  await writer.exits(0);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("so far\nand on\n");
});

it("peek of a large file is exact", async () => {
  const bed = useBed();
  await bed.satellite();
  const bytes = noise(3 * MiB, 1);
  const writer = bed.skypipe(["x"], { stdin: "socket" });
  writer.end(bytes);
  await writer.exits(0);

  const { sha256: hash } = await bed
    .skypipe(["peek", "x", "--bytes", "2000001"], { stdout: "hash" })
    .exits(0);
  expect(hash).toBe(sha256(bytes.subarray(0, 2_000_001)));
});

it("[C-7] rm drops what is in a pipe and says how much", async () => {
  const bed = useBed();
  await bed.satellite();
  await bed.shell("echo one | skypipe x; echo two | skypipe x; echo other | skypipe y").exits(0);

  expect(JSON.parse((await bed.skypipe(["rm", "x", "--json"]).exits(0)).out)).toMatchObject({
    streams: 2,
    bytes: 8,
  });
  expect(await bed.list()).toMatchObject([{ name: "y" }]);
});

it("[C-7] a reader that waits goes on waiting when the pipe is removed", async () => {
  const bed = useBed();
  await bed.satellite();

  const reader = bed.skypipe(["x"]);
  await bed.pipe("x", { readers: 1 });
  await bed.skypipe(["rm", "x"]).exits(0);
  await bed.shell("echo one | skypipe x").exits(0);
  expect((await reader.exits(0)).out).toBe("one\n");
});

it("[C-7] a reader whose stream is removed is told so and exits 5", async () => {
  const bed = useBed();
  await bed.satellite();

  const reader = bed.skypipe(["x"]);
  await bed.pipe("x", { readers: 1 });
  const writer = bed.skypipe(["x"], { stdin: "socket" });
  await writer.write("one\n");
  await reader.puts("one\n");
  await bed.skypipe(["rm", "x"]).exits(0);

  expect((await reader.exits(5)).err).toMatch(/remove/);
  await writer.exits(5);
});
