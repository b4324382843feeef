/** What waits in a folder survives whatever ends the satellite, and nothing that was taken comes back. */
import { once } from "node:events";
import { expect, it } from "vitest";
import { connect } from "../../cli/client/index.ts";
import { MiB, noise, noiseFile, numberedLines, sha256 } from "../support/bytes.ts";
import { Durable } from "../support/durable.ts";
import { useBed } from "../support/use-bed.ts";
import { backlogThroughRestart, readSmallStreams, writeSmallStreams } from "./durable-scenarios.ts";

it.each(["SIGTERM", "SIGKILL"] as const)(
  "[L-2][L-3] a backlog survives %s of the satellite: files, text, empty streams, in order, with their names",
  async (signal) => {
    const bed = useBed();
    const satellite = await Durable.on(bed);
    const files = ["a.bin", "b.bin", "ü c.bin"].map((name, index) => ({
      name,
      hash: noiseFile(bed.path(name), (index + 1) * 3 * MiB + index, index),
    }));

    for (const { name } of files) await bed.skypipe(["send", "files", bed.path(name)]).exits(0);
    await bed.shell("echo one | skypipe log; echo two | skypipe log; : | skypipe send 'a b/ö'").exits(0);
    await bed.shell("echo default | skypipe").exits(0);
    const before = await bed.list();
    if (signal === "SIGTERM") await satellite.stop();
    else await satellite.kill();
    await satellite.start();

    const withoutAge = (rows: typeof before): unknown[] => rows.map((row) => ({ ...row, oldestAgeS: 0 }));
    expect(withoutAge(await bed.list())).toEqual(withoutAge(before));
    expect(await namesAndHashes(satellite.url, "files", files.length)).toEqual(files);
    expect((await bed.skypipe(["log"]).exits(0)).out).toBe("one\n");
    expect((await bed.skypipe(["log"]).exits(0)).out).toBe("two\n");
    expect((await bed.skypipe(["recv", "a b/ö"]).exits(0)).out).toBe("");
    expect((await bed.skypipe(["recv"]).exits(0)).out).toBe("default\n");
    expect(await bed.list()).toEqual([]);
  },
);

it("[L-3] what was read to its end before a SIGKILL does not come back, what was not comes whole", async () => {
  const bed = useBed();
  const satellite = await Durable.on(bed, ["--grace", "1s"]);
  const hashes = [0, 1, 2, 3].map((index) => noiseFile(bed.path(`f${index}`), 2 * MiB, index));

  for (const index of hashes.keys()) await bed.skypipe(["send", "files", bed.path(`f${index}`)]).exits(0);
  for (let round = 0; round < 2; round++) {
    const { sha256: hash } = await bed.skypipe(["files"], { stdout: "hash" }).exits(0);
    expect(hash).toBe(hashes[round * 2]);
    // The next one is on its way to somebody who dies with the satellite: it was not read.
    const lost = bed.skypipe(["files"], { stdout: "hold" });
    await once(lost.stdout, "readable");
    await satellite.kill();
    lost.kill("SIGKILL");
    await satellite.start();
    await bed.pipe("files", { streams: 3 - round * 2, readers: 0 }); // its grace is over
    expect((await bed.skypipe(["files"], { stdout: "hash" }).exits(0)).sha256).toBe(hashes[round * 2 + 1]);
  }

  await satellite.killAndStart();
  expect(await bed.list()).toEqual([]);
}, 60_000);

it("[L-2] SIGKILL of the satellite between write and read, 10 times: each acknowledged stream is there", async () => {
  const bed = useBed();
  const satellite = await Durable.on(bed);
  const contents = Array.from({ length: 10 }, (_, index) => noise(100_000 + index, index));

  for (const content of contents) {
    const writer = bed.skypipe(["files"], { stdin: "socket" });
    writer.end(content);
    await writer.exits(0);
    await satellite.killAndStart();
  }
  for (const content of contents) {
    expect((await bed.skypipe(["files"], { stdout: "hash" }).exits(0)).sha256).toBe(sha256(content));
  }
  await bed.pipe("files", { streams: 0 });
}, 60_000);

it("[L-13][W-4] a stream was read to its end, and the satellite killed: the writer exits 0, nobody gets it twice", async () => {
  const bed = useBed();
  const satellite = await Durable.on(bed);
  const bytes = noise(3 * MiB, 1);

  for (let time = 0; time < 5; time++) {
    const reader = bed.skypipe(["file"], { stdout: "hash" });
    await bed.pipe("file", { readers: 1 });
    const writer = bed.skypipe(["file"], { stdin: "socket" });
    await writer.write(bytes);
    await reader.putsBytes(bytes.length);
    // The writer hears of the end of its stream only from the satellite that follows, now and then.
    writer.kill("SIGSTOP");
    writer.end();
    writer.kill("SIGCONT");
    const { sha256: hash } = await reader.exits(0);
    await satellite.killAndStart();

    expect(hash).toBe(sha256(bytes));
    await writer.exits(0);
    await bed.pipe("file", { streams: 0, writers: 0, readers: 0 });
  }
}, 60_000);

it("[W-4] a reader has taken it all, the writer was frozen from before the end to after the SIGKILL: it exits 0", async () => {
  const bed = useBed();
  const satellite = await Durable.on(bed);
  const lines = numberedLines("w", 200);

  const reader = bed.skypipe(["log"]);
  await bed.pipe("log", { readers: 1 });
  const writer = bed.skypipe(["log"], { stdin: "socket" });
  await writer.write(lines.join(""));
  await reader.putsBytes(lines.join("").length);
  await satellite.killAndStart();
  writer.end();

  expect((await reader.exits(0)).out).toBe(lines.join(""));
  await writer.exits(0);
  await satellite.killAndStart();
  await bed.pipe("log", { streams: 0 });
});

it("[L-2] a running stream survives the SIGKILL with what is safe, and its writer goes on", async () => {
  const bed = useBed();
  const satellite = await Durable.on(bed);
  const lines = numberedLines("w", 10_000);

  const writer = bed.skypipe(["log"], { stdin: "socket" });
  for (let from = 0; from < lines.length; from += 2_500) {
    await writer.write(lines.slice(from, from + 2_500).join(""));
    await bed.pipe("log", { bytes: lines.slice(0, from + 2_500).join("").length });
    await satellite.killAndStart();
  }
  writer.end();
  await writer.exits(0);
  await satellite.killAndStart();

  expect((await bed.skypipe(["log"]).exits(0)).out).toBe(lines.join(""));
}, 60_000);

it("[L-3] 10,000 small streams over one connection survive a SIGKILL and are read in order", async () => {
  const bed = useBed();
  const satellite = await Durable.on(bed);
  const texts = Array.from({ length: 10_000 }, (_, index) => `small ${index}\n`);

  await writeSmallStreams(satellite.url, "small", texts);
  await satellite.killAndStart();
  await bed.pipe("small", { streams: texts.length });

  expect(await readSmallStreams(satellite.url, "small", texts.length)).toEqual(texts);
  await bed.pipe("small", { streams: 0 });
  await satellite.killAndStart();
  expect(await bed.list()).toEqual([]);
}, 60_000);

it("[L-2] a backlog of 512 MiB through a SIGKILL, byte-exact (5 GiB: npm run soak)", async ({ annotate }) => {
  const run = await backlogThroughRestart(useBed(), { bytes: 512 * MiB, withinMs: 60_000 });

  expect(run.read).toBe(run.written);
  await annotate(`first accepted connection after ${Math.round(run.acceptedMs)} ms`);
}, 120_000);

/** The streams of a pipe, oldest first, each to a reader of its own. */
async function namesAndHashes(
  url: string,
  pipe: string,
  count: number,
): Promise<{ name: string | undefined; hash: string }[]> {
  const end = await connect({ url });
  const seen: { name: string | undefined; hash: string }[] = [];
  try {
    for (let turn = 0; turn < count; turn++) {
      const parts: Buffer[] = [];
      let name: string | undefined;
      const chunk = (stream: { name?: string }, bytes: Uint8Array): void => {
        name = stream.name;
        parts.push(Buffer.from(bytes));
      };
      await end.receive(pipe, {}, { chunk }).done;
      seen.push({ name, hash: sha256(...parts) });
    }
  } finally {
    await end.close();
  }
  return seen;
}
