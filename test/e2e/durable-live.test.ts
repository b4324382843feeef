/** Live streams through cut links and satellites that are killed and started again on the same folder. */
import { expect, it } from "vitest";
import { MiB, numberedLines, sha256 } from "../support/bytes.ts";
import { Durable } from "../support/durable.ts";
import { feedNoise } from "../support/noise-flow.ts";
import { until } from "../support/until.ts";
import { useBed } from "../support/use-bed.ts";
import { useLink } from "../support/use-link.ts";
import { liveThroughCuts } from "./durable-scenarios.ts";

it("[L-11] 1 GiB live with 20 cuts and 3 SIGKILLs of the satellite, byte-exact", async () => {
  const run = await liveThroughCuts(useBed(), { bytes: 1_024 * MiB, cuts: 20, kills: 3, withinMs: 90_000 });

  expect(run.read).toBe(run.written);
  expect(run).toMatchObject({ cuts: 20, kills: 3 });
}, 120_000);

it("[L-6][L-11] four writers of text with cuts and 2 SIGKILLs into one follower: no line lost, doubled, broken", async () => {
  const bed = useBed();
  const satellite = await Durable.on(bed);
  const [near, far] = [await useLink(satellite.port), await useLink(satellite.port)];
  const owners = ["a", "b", "c", "d"];
  const all = owners.map((owner) => numberedLines(owner, 8_000));
  const totalBytes = all.flat().join("").length;

  const follower = bed.skypipe(["recv", "log", "--follow"], { env: { SKYPIPE_SATELLITE: far.url } });
  await bed.pipe("log", { readers: 1 });
  const writers = owners.map(() =>
    bed.skypipe(["log"], { stdin: "socket", env: { SKYPIPE_SATELLITE: near.url } }),
  );
  for (let turn = 0; turn < 8; turn++) {
    const from = turn * 1_000;
    await Promise.all(
      writers.map((writer, index) => writer.write((all[index] ?? []).slice(from, from + 1_000).join(""))),
    );
    await follower.putsBytes((totalBytes * turn) / 8, 30_000);
    if (turn % 4 === 1) near.cut();
    if (turn % 4 === 2) far.cut();
    if (turn % 4 === 3) await satellite.killAndStart();
  }
  for (const writer of writers) writer.end();

  for (const writer of writers) expect((await writer.exits(0)).err).not.toMatch(/lost|abort/);
  await follower.putsBytes(totalBytes);
  follower.kill("SIGTERM");
  const { out } = await follower.exits(143);
  const lines = out.split(/(?<=\n)/);
  for (const [index, owner] of owners.entries()) {
    expect(lines.filter((line) => line.startsWith(`${owner} `)).join("")).toBe(all[index]?.join(""));
  }
  expect(lines).toHaveLength(32_000);
  expect(satellite.kills).toBe(2);
}, 90_000);

it.each(["writer", "reader", "satellite"] as const)(
  "[L-11] the %s is frozen, the satellite is killed meanwhile or after: every byte arrives once",
  async (frozen) => {
    const bed = useBed();
    const satellite = await Durable.on(bed);

    const reader = bed.skypipe(["big"], { stdout: "hash" });
    await bed.pipe("big", { readers: 1 });
    const writer = bed.skypipe(["big"], { stdin: "socket" });
    const feeding = feedNoise(writer, 96 * MiB, 3);
    await reader.putsBytes(8 * MiB);
    const proc = { writer, reader, satellite: satellite.proc }[frozen];
    proc.kill("SIGSTOP");
    await settled(() => reader.outBytes);
    if (frozen === "satellite") proc.kill("SIGCONT");
    await satellite.killAndStart();
    if (frozen !== "satellite") proc.kill("SIGCONT");

    await writer.exits(0, 30_000);
    expect((await reader.exits(0)).sha256).toBe(await feeding);
  },
  60_000,
);

/** With what it takes to come back, that is less than the two seconds after which a loss is told. */
const BACK_MS = 1_000;

it("[S-8] a satellite that stops on purpose and is back within 2 s: not a word on stderr, all bytes arrive", async () => {
  const bed = useBed();
  const satellite = await Durable.on(bed);
  const lines = numberedLines("w", 6_000);

  const reader = bed.skypipe(["log"]);
  const follower = bed.skypipe(["recv", "-f", "log"]);
  await bed.pipe("log", { readers: 2 });
  const waiting = bed.skypipe(["recv", "later"]);
  await bed.pipe("later", { readers: 1 });
  const writer = bed.skypipe(["log"], { stdin: "socket" });
  let longestMs = 0;
  for (let turn = 0; turn < 3; turn++) {
    await writer.write(lines.slice(turn * 2_000, turn * 2_000 + 1_000).join(""));
    await reader.putsBytes(lines.slice(0, turn * 2_000).join("").length);
    const goneMs = performance.now();
    await satellite.stop();
    await writer.write(lines.slice(turn * 2_000 + 1_000, (turn + 1) * 2_000).join(""));
    await satellite.start();
    longestMs = Math.max(longestMs, performance.now() - goneMs);
  }
  writer.end();
  // A machine that takes longer for it gives them reason to tell of the loss, and of nothing else.
  const mayTell =
    longestMs < BACK_MS ? /^$/ : /^$|^skypipe: (connection to .* lost, trying again …|connected again)$/;
  const said = (err: string): string[] => err.split("\n").filter((line) => !mayTell.test(line));

  expect(said((await writer.exits(0)).err)).toEqual([]);
  const got = await reader.exits(0);
  expect(sha256(got.out)).toBe(sha256(lines.join("")));
  await follower.putsBytes(lines.join("").length);
  await bed.shell("echo late | skypipe later").exits(0);
  const late = await waiting.exits(0);
  expect(late.out).toBe("late\n");
  follower.kill("SIGTERM");
  expect((await follower.exits(143)).out).toBe(lines.join(""));
  expect(said(`${got.err}\n${follower.err}\n${late.err}`)).toEqual([]);
}, 60_000);

it("[L-14] live bytes that a reader takes at once never touch the disk", async () => {
  const bed = useBed();
  const satellite = await Durable.on(bed);
  const before = (await bed.shell(`du -s --apparent-size -B1 ${satellite.data} | cut -f1`).exits(0)).out;

  const reader = bed.skypipe(["big"], { stdout: "hash" });
  await bed.pipe("big", { readers: 1 });
  const writer = bed.skypipe(["big"], { stdin: "socket" });
  const written = await feedNoise(writer, 128 * MiB, 4);
  await writer.exits(0);

  expect((await reader.exits(0)).sha256).toBe(written);
  const after = (await bed.shell(`du -s --apparent-size -B1 ${satellite.data} | cut -f1`).exits(0)).out;
  expect(Number(after) - Number(before)).toBeLessThan(4 * MiB);
});

/** The number once it has stood still for ten looks. */
async function settled(look: () => number): Promise<void> {
  let last = -1;
  let same = 0;
  await until("nothing moves any more", () => {
    const now = look();
    same = now === last ? same + 1 : 0;
    last = now;
    return same >= 10;
  });
}
