/** Losses that last: longer than the grace, longer than a takeover takes, and satellites that are killed. */
import { once } from "node:events";
import { expect, it } from "vitest";
import { KiB, MiB, noise, noiseFile, numberedLines, sha256 } from "../support/bytes.ts";
import { useBed } from "../support/use-bed.ts";
import { useLink } from "../support/use-link.ts";

function via(url: string): { env: NodeJS.ProcessEnv } {
  return { env: { SKYPIPE_SATELLITE: url } };
}

it("[L-11][S-6] a text writer that was away for longer than the grace goes on exactly where it was", async () => {
  const bed = useBed();
  const { port } = await bed.satellite(["--grace", "1s"]);
  const link = await useLink(port);
  const lines = numberedLines("w", 3_000);

  const follower = bed.skypipe(["recv", "log", "--follow"]);
  await bed.pipe("log", { readers: 1 });
  const writer = bed.skypipe(["log"], { stdin: "socket", ...via(link.url) });
  await writer.write(lines.slice(0, 1_000).join(""));
  await follower.puts(lines[999] ?? "");
  link.down();
  await writer.write(lines.slice(1_000, 2_000).join(""));
  await bed.pipe("log", { writers: 0 });
  await follower.says(/not complete/);
  link.up();
  await follower.puts(lines[1_999] ?? "");
  writer.end(lines.slice(2_000).join(""));

  await writer.exits(0);
  await follower.puts(lines[2_999] ?? "");
  follower.kill("SIGINT");
  expect((await follower.exits(130)).out).toBe(lines.join(""));
});

it("[L-11][S-6] a follower that was away for longer than the grace says what went to others meanwhile", async () => {
  const bed = useBed();
  const { port } = await bed.satellite(["--grace", "1s"]);
  const link = await useLink(port);

  const away = bed.skypipe(["recv", "log", "--follow"], via(link.url));
  const other = bed.skypipe(["recv", "log", "--follow"]);
  await bed.pipe("log", { readers: 2 });
  const writer = bed.skypipe(["log"], { stdin: "socket" });
  await writer.write("one\n");
  await away.puts("one\n");
  link.down();
  await writer.write("two\n");
  await other.puts("two\n");
  await bed.pipe("log", { readers: 1 });
  link.up();
  await bed.pipe("log", { readers: 2 });
  writer.end("three\n");

  await writer.exits(0);
  await away.puts("three\n");
  expect(away.out).toBe("one\nthree\n");
  expect(away.err).toContain("4 bytes of pipe 'log' went to others while this reader was away");
  for (const follower of [away, other]) follower.kill("SIGINT");
  await away.exits(130);
  expect((await other.exits(130)).out).toBe("one\ntwo\nthree\n");
});

it("[L-11] a binary writer that is away for longer than the grace gives up with 5", async () => {
  const bed = useBed();
  const { port } = await bed.satellite(["--grace", "1s"]);
  const link = await useLink(port);

  const reader = bed.skypipe(["file"], { stdout: "hash" });
  await bed.pipe("file", { readers: 1 });
  const writer = bed.skypipe(["file"], { stdin: "socket", ...via(link.url) });
  await writer.write(noise(300 * KiB, 1));
  await reader.putsBytes(300 * KiB);
  link.down();

  await reader.exits(5);
  const { err } = await writer.exits(5);
  expect(err.trim().split("\n").at(-1)).toMatch(/^skypipe: .*file/);
});

it("[L-11] a reader in the middle of a delivery gives up after the grace, and the next one gets it", async () => {
  const bed = useBed();
  const { port } = await bed.satellite(["--grace", "1s"]);
  const link = await useLink(port);
  const hash = noiseFile(bed.path("file"), 8 * MiB, 1);

  await bed.skypipe(["send", "file", bed.path("file")]).exits(0);
  const lost = bed.skypipe(["file"], { stdout: "hold", ...via(link.url) });
  await once(lost.stdout, "readable");
  link.down();

  const next = await bed.skypipe(["file"], { stdout: "hash" }).exits(0);
  expect(next.sha256).toBe(hash);
  lost.release();
  expect((await lost.exits(5)).err.trim().split("\n").at(-1)).toMatch(/^skypipe: .*file/);
});

it("[L-11] a reader whose delivery has not begun comes back however long it was away", async () => {
  const bed = useBed();
  const { port } = await bed.satellite(["--grace", "1s"]);
  const link = await useLink(port);

  const reader = bed.skypipe(["log"], via(link.url));
  await bed.pipe("log", { readers: 1 });
  link.down();
  await bed.pipe("log", { readers: 0 });
  await bed.shell("echo one | skypipe log").exits(0);
  link.up();

  expect((await reader.exits(0)).out).toBe("one\n");
});

it("[L-12] a newcomer takes over from a reader that is lost for 5 s, and the ghost is told", async () => {
  const bed = useBed();
  const { port } = await bed.satellite();
  const link = await useLink(port);
  const lines = numberedLines("w", 2_000);

  const ghost = bed.skypipe(["log"], via(link.url));
  await bed.pipe("log", { readers: 1 });
  const writer = bed.skypipe(["log"], { stdin: "socket" });
  await writer.write(lines.slice(0, 1_000).join(""));
  await ghost.puts(lines[999] ?? "");
  link.down();
  const next = bed.skypipe(["log"]);
  await writer.write(lines.slice(1_000).join(""));
  await next.puts(lines[1_999] ?? "");
  link.up();

  expect((await ghost.exits(5)).err.trim().split("\n").at(-1)).toMatch(/^skypipe: .*log/);
  writer.end();
  await writer.exits(0);
  const { out } = await next.exits(0);
  expect(`\n${lines.join("")}`.endsWith(`\n${out}`)).toBe(true);
  expect(out.length).toBeGreaterThanOrEqual(lines.slice(1_000).join("").length);
});

it("[S-9] a satellite that is killed and comes back without its memory: what was running is lost and says so", async () => {
  const bed = useBed();
  const first = await bed.satellite();

  const reader = bed.skypipe(["file"], { stdout: "hash" });
  await bed.pipe("file", { readers: 1 });
  const writer = bed.skypipe(["file"], { stdin: "socket" });
  await writer.write(noise(300 * KiB, 1));
  await reader.putsBytes(300 * KiB);
  first.proc.kill("SIGKILL");
  await first.proc.exited;
  await bed.satellite(["--port", String(first.port)]);

  await reader.exits(5);
  await writer.exits(5);
});

it("[S-9] a satellite that is killed and comes back without its memory: text goes on", async () => {
  const bed = useBed();
  const first = await bed.satellite();

  const writer = bed.skypipe(["log"], { stdin: "socket" });
  await writer.write("one\n");
  await bed.pipe("log", { bytes: 4 });
  first.proc.kill("SIGKILL");
  await first.proc.exited;
  await writer.write("two\n");
  await bed.satellite(["--port", String(first.port)]);
  await bed.pipe("log", { writers: 1 });
  const follower = bed.skypipe(["recv", "log", "--follow"]);
  await follower.puts("two\n");
  writer.end("three\n");
  await writer.exits(0);
  await follower.puts("three\n");
  follower.kill("SIGTERM");
  await follower.exits(143);
});

it("a binary writer gives up after the grace when its satellite does not come back", async () => {
  const bed = useBed();
  const { proc } = await bed.satellite(["--grace", "1s"]);

  const reader = bed.skypipe(["file"], { stdout: "hash" });
  await bed.pipe("file", { readers: 1 });
  const writer = bed.skypipe(["file"], { stdin: "socket" });
  const bytes = noise(300 * KiB, 1);
  await writer.write(bytes);
  await reader.putsBytes(bytes.length);
  proc.kill("SIGKILL");

  await writer.exits(5);
  expect((await reader.exits(5)).sha256).toBe(sha256(bytes));
});

it("[L-10] a --one reader that is killed gives its stream back whole", async () => {
  const bed = useBed();
  await bed.satellite(["--grace", "1s"]);
  const bytes = noise(2 * MiB, 1);

  const first = bed.skypipe(["recv", "jobs", "--one"], { stdout: "hash" });
  await bed.pipe("jobs", { readers: 1 });
  const writer = bed.skypipe(["jobs"], { stdin: "socket" });
  await writer.write(bytes.subarray(0, MiB));
  await first.putsBytes(MiB);
  first.kill("SIGKILL");
  const second = bed.skypipe(["recv", "jobs", "--one"], { stdout: "hash" });
  writer.end(bytes.subarray(MiB));

  await writer.exits(0);
  expect((await second.exits(0)).sha256).toBe(sha256(bytes));
});
