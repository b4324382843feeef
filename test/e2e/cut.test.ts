/** Connections that are cut, stalled, half-closed, and processes that are frozen: no gap, no repeat, no reordering. */
import { expect, it } from "vitest";
import { MiB, noise, noiseFile, numberedLines, sha256 } from "../support/bytes.ts";
import type { Proc } from "../support/proc.ts";
import { until } from "../support/until.ts";
import { useBed } from "../support/use-bed.ts";
import { useLink } from "../support/use-link.ts";

function via(url: string): { env: NodeJS.ProcessEnv } {
  return { env: { SKYPIPE_SATELLITE: url } };
}

it("[L-11] 256 MiB live with 10 cuts on either side, byte-exact", async () => {
  const bed = useBed();
  const { port } = await bed.satellite();
  const [near, far] = [await useLink(port), await useLink(port)];
  const hash = noiseFile(bed.path("file"), 256 * MiB, 1);
  const tenth = (256 * MiB) / 11;
  near.cutAt([1, 3, 5, 7, 9].map((turn) => turn * tenth));
  far.cutAt([2, 4, 6, 8, 10].map((turn) => turn * tenth));

  const reader = bed.skypipe(["big"], { stdout: "hash", ...via(far.url) });
  await bed.pipe("big", { readers: 1 });
  const writer = bed.skypipe(["send", "big", bed.path("file")], via(near.url));

  await writer.exits(0, 60_000);
  expect((await reader.exits(0)).sha256).toBe(hash);
  expect([near.cuts, far.cuts]).toEqual([5, 5]);
}, 90_000);

it("[L-11] text with cuts on either side: no line lost or doubled", async () => {
  const bed = useBed();
  const { port } = await bed.satellite();
  const [near, far] = [await useLink(port), await useLink(port)];
  const lines = numberedLines("w", 20_000);

  const reader = bed.skypipe(["log"], via(far.url));
  await bed.pipe("log", { readers: 1 });
  const writer = bed.skypipe(["log"], { stdin: "socket", ...via(near.url) });
  for (let from = 0; from < lines.length; from += 1_000) {
    await writer.write(lines.slice(from, from + 1_000).join(""));
    await reader.putsBytes(lines.slice(0, from).join("").length);
    if ((from / 1_000) % 4 === 1) near.cut();
    if ((from / 1_000) % 4 === 3) far.cut();
  }
  writer.end();

  await writer.exits(0);
  expect((await reader.exits(0)).out).toBe(lines.join(""));
  expect([near.cuts, far.cuts]).toEqual([5, 5]);
}, 60_000);

it("[S-3] connections that are half-closed are given up and taken up again", async () => {
  const bed = useBed();
  const { port } = await bed.satellite();
  const link = await useLink(port);

  const reader = bed.skypipe(["log"], via(link.url));
  await bed.pipe("log", { readers: 1 });
  const writer = bed.skypipe(["log"], { stdin: "socket", ...via(link.url) });
  await writer.write("one\n");
  await reader.puts("one\n");
  link.halfClose();
  await writer.write("two\n");
  await reader.puts("two\n");
  writer.end();

  await writer.exits(0);
  expect((await reader.exits(0)).out).toBe("one\ntwo\n");
});

it("[T-5] a link that stalls and goes on loses nothing", async () => {
  const bed = useBed();
  const { port } = await bed.satellite();
  const link = await useLink(port);
  const bytes = noise(32 * MiB, 1);

  const reader = bed.skypipe(["big"], { stdout: "hash", ...via(link.url) });
  await bed.pipe("big", { readers: 1 });
  const writer = bed.skypipe(["big"], { stdin: "socket" });
  const feeding = feed(writer, bytes);
  await reader.putsBytes(MiB);
  link.stall();
  const carriedBytes = link.carriedBytes;
  await bed.pipe("big", { readers: 1 }); // some time, in which nothing gets through
  expect(link.carriedBytes - carriedBytes).toBeLessThan(MiB);
  link.go();

  await feeding;
  await writer.exits(0);
  expect((await reader.exits(0)).sha256).toBe(sha256(bytes));
});

it("[L-14] a reader that is frozen holds the writer, and then goes on exactly there", async () => {
  const bed = useBed();
  await bed.satellite();
  const bytes = noise(96 * MiB, 1);

  const reader = bed.skypipe(["big"], { stdout: "hash" });
  await bed.pipe("big", { readers: 1 });
  const writer = bed.skypipe(["big"], { stdin: "socket" });
  const feeding = feed(writer, bytes);
  await reader.putsBytes(4 * MiB);
  reader.kill("SIGSTOP");
  const frozenBytes = await settled(() => reader.outBytes);
  expect(frozenBytes).toBeLessThan(bytes.length);
  await settled(() => writer.stdin.writableLength); // the writer does not get on either
  expect(writer.running).toBe(true);
  reader.kill("SIGCONT");

  await feeding;
  await writer.exits(0);
  expect((await reader.exits(0)).sha256).toBe(sha256(bytes));
});

it("[L-11] a writer that is frozen for a while is not lost", async () => {
  const bed = useBed();
  await bed.satellite();
  const lines = numberedLines("w", 4_000);

  const reader = bed.skypipe(["log"]);
  await bed.pipe("log", { readers: 1 });
  const writer = bed.skypipe(["log"], { stdin: "socket" });
  await writer.write(lines.slice(0, 1_000).join(""));
  await reader.puts(lines[999] ?? "");
  writer.kill("SIGSTOP");
  await writer.write(lines.slice(1_000, 1_010).join(""));
  await bed.pipe("log", { writers: 1, readers: 1 });
  writer.kill("SIGCONT");
  writer.end(lines.slice(1_010).join(""));

  await writer.exits(0);
  expect((await reader.exits(0)).out).toBe(lines.join(""));
});

it("[L-11] a satellite that is frozen for a while loses nobody", async () => {
  const bed = useBed();
  const { proc: satellite } = await bed.satellite();
  const bytes = noise(48 * MiB, 1);

  const reader = bed.skypipe(["big"], { stdout: "hash" });
  await bed.pipe("big", { readers: 1 });
  const writer = bed.skypipe(["big"], { stdin: "socket" });
  const feeding = feed(writer, bytes);
  await reader.putsBytes(4 * MiB);
  satellite.kill("SIGSTOP");
  await settled(() => reader.outBytes);
  satellite.kill("SIGCONT");

  await feeding;
  await writer.exits(0);
  expect((await reader.exits(0)).sha256).toBe(sha256(bytes));
});

async function feed(writer: Proc, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += MiB) await writer.write(bytes.subarray(at, at + MiB));
  writer.end();
}

/** The number once it has stood still for ten looks. */
async function settled(look: () => number): Promise<number> {
  let last = -1;
  let same = 0;
  await until("nothing moves any more", () => {
    const now = look();
    same = now === last ? same + 1 : 0;
    last = now;
    return same >= 10;
  });
  return last;
}
