/** Truth at the end: who was interrupted, who was lost, and what its readers are told. */
import { once } from "node:events";
import { expect, it } from "vitest";
import { MiB, noise, noiseFile, numberedLines } from "../support/bytes.ts";
import { useBed } from "../support/use-bed.ts";

const shortGrace = ["--grace", "1s"];

it.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)(
  "[L-9] %s ends a text writer: it sends what it has, its reader says so and exits 0",
  async (signal, status) => {
    const bed = useBed();
    await bed.satellite();

    const reader = bed.skypipe(["log"]);
    await bed.pipe("log", { readers: 1 });
    const writer = bed.skypipe(["log"], { stdin: "socket" });
    await writer.write("one\n");
    await reader.puts("one\n");
    await writer.write("two\nunfini");
    writer.kill(signal);

    await writer.exits(status);
    const { out, err } = await reader.exits(0);
    expect(["one\n", "one\ntwo\nunfini"]).toContain(out); // whether it had read the rest when the signal came
    expect(err).toMatch(/interrupted/);
  },
);

it.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("[L-9] %s aborts a binary writer: its reader says so and exits 5", async (signal, status) => {
  const bed = useBed();
  await bed.satellite();
  const bytes = noise(300_000, 1);

  const reader = bed.skypipe(["file"], { stdout: "hash" });
  await bed.pipe("file", { readers: 1 });
  const writer = bed.skypipe(["file"], { stdin: "socket" });
  await writer.write(bytes);
  await reader.putsBytes(bytes.length);
  writer.kill(signal);

  await writer.exits(status);
  expect((await reader.exits(5)).err).toMatch(/file/);
  expect(reader.err.trim().split("\n")).toHaveLength(1);
  await bed.pipe("file", { streams: 0 });
});

it("[L-9] Ctrl-C ends the whole pipeline: half a file never passes for a whole one", async () => {
  const bed = useBed();
  await bed.satellite();
  noiseFile(bed.path("noise"), 100_000, 1);

  // The EOF of the interrupted command comes together with the signal: whichever is seen first, the signal counts.
  for (let time = 0; time < 8; time++) {
    const reader = bed.skypipe(["file"], { stdout: "hash" });
    await bed.pipe("file", { readers: 1 });
    const job = bed.shell("exec tail -f -c +1 noise | exec skypipe file");
    await reader.putsBytes(100_000);
    process.kill(-job.pid, "SIGINT");
    await job.exits(130);
    await reader.exits(5);
  }
});

it("[L-9][S-6] a text writer that is killed aborts after the grace: its reader says so and exits 5", async () => {
  const bed = useBed();
  await bed.satellite(shortGrace);

  const reader = bed.skypipe(["log"]);
  await bed.pipe("log", { readers: 1 });
  const writer = bed.skypipe(["log"], { stdin: "socket" });
  await writer.write("one\n");
  await reader.puts("one\n");
  writer.kill("SIGKILL");

  const { out, err } = await reader.exits(5);
  expect(out).toBe("one\n");
  expect(err).toMatch(/lost|abort/i);
});

it("[L-9] a binary writer that is killed aborts after the grace", async () => {
  const bed = useBed();
  await bed.satellite(shortGrace);

  const reader = bed.skypipe(["file"], { stdout: "hash" });
  await bed.pipe("file", { readers: 1 });
  const writer = bed.skypipe(["file"], { stdin: "socket" });
  await writer.write(noise(200_000, 1));
  await reader.putsBytes(200_000);
  writer.kill("SIGKILL");

  expect((await reader.exits(5)).err).toMatch(/lost|abort/i);
});

it("[L-9] in a merge the others go on, and the exit is 5 at the end", async () => {
  const bed = useBed();
  await bed.satellite(shortGrace);

  const reader = bed.skypipe(["log"]);
  await bed.pipe("log", { readers: 1 });
  const [lost, other] = [1, 2].map(() => bed.skypipe(["send", "log"], { stdin: "socket" }));
  await bed.pipe("log", { writers: 2 });
  await lost?.write("lost\n");
  await reader.puts("lost\n");
  lost?.kill("SIGKILL");
  await reader.says(/lost|abort/i);
  other?.end("other\n");

  await other?.exits(0);
  expect((await reader.exits(5)).out).toBe("lost\nother\n");
});

it("[L-9] --follow notes a lost writer and stays", async () => {
  const bed = useBed();
  await bed.satellite(shortGrace);

  const follower = bed.skypipe(["recv", "-f", "log"]);
  await bed.pipe("log", { readers: 1 });
  const lost = bed.skypipe(["log"], { stdin: "socket" });
  await lost.write("lost\n");
  await follower.puts("lost\n");
  lost.kill("SIGKILL");
  await follower.says(/lost|abort/i);
  await bed.shell("echo next | skypipe log").exits(0);
  await follower.puts("next\n");
  follower.kill("SIGTERM");

  expect((await follower.exits(143)).out).toBe("lost\nnext\n");
});

it("[L-9] what an aborted stream left unread is delivered with exit 5, then gone", async () => {
  const bed = useBed();
  await bed.satellite(shortGrace);

  const writer = bed.skypipe(["log"], { stdin: "socket" });
  await writer.write("left\n");
  await bed.pipe("log", { bytes: 5 });
  writer.kill("SIGKILL");
  await bed.pipe("log", { writers: 0, streams: 1 });

  expect((await bed.skypipe(["log"]).exits(5)).out).toBe("left\n");
  await bed.pipe("log", { streams: 0 });
});

it("[L-3] a reader that is killed leaves the file whole for the next", async () => {
  const bed = useBed();
  await bed.satellite(shortGrace);
  const hash = noiseFile(bed.path("file"), 8 * MiB, 1);

  await bed.skypipe(["send", "files", bed.path("file")]).exits(0);
  const killed = bed.skypipe(["files"], { stdout: "hold" });
  await once(killed.stdout, "readable");
  killed.kill("SIGKILL");

  expect((await bed.skypipe(["files"], { stdout: "hash" }).exits(0)).sha256).toBe(hash);
});

it("[L-12] a reader that is killed in the middle of a running binary stream aborts it", async () => {
  const bed = useBed();
  await bed.satellite(shortGrace);
  const bytes = noise(4 * MiB, 1);

  const reader = bed.skypipe(["file"], { stdout: "hash" });
  await bed.pipe("file", { readers: 1 });
  const writer = bed.skypipe(["file"], { stdin: "socket" });
  await writer.write(bytes);
  await reader.putsBytes(bytes.length);
  reader.kill("SIGKILL");

  expect((await writer.exits(5)).err).toMatch(/^skypipe: [^\n]*file[^\n]*\n$/);
  await bed.pipe("file", { streams: 0 });
});

it("[L-12] a reader that is killed leaves running text to the next, from the start of a line", async () => {
  const bed = useBed();
  await bed.satellite(shortGrace);
  const lines = numberedLines("w", 2_000);

  const killed = bed.skypipe(["log"]);
  await bed.pipe("log", { readers: 1 });
  const writer = bed.skypipe(["log"], { stdin: "socket" });
  await writer.write(lines.slice(0, 1_000).join(""));
  await killed.puts(lines[999] ?? "");
  killed.kill("SIGKILL");
  const next = bed.skypipe(["log"]);
  writer.end(lines.slice(1_000).join(""));

  await writer.exits(0);
  const { out } = await next.exits(0);
  expect(lines.join("").endsWith(out)).toBe(true);
  expect(`\n${lines.join("")}`).toContain(`\n${out}`);
  expect(out.length).toBeGreaterThanOrEqual(lines.slice(1_000).join("").length);
});

it("a closed stdout ends it silently with 141, and the rest stays in the pipe", async () => {
  const bed = useBed();
  await bed.satellite();
  const hash = noiseFile(bed.path("file"), 2 * MiB, 1);

  await bed.skypipe(["send", "files", bed.path("file")]).exits(0);
  const { out, err } = await bed
    .shell("skypipe files | head -c 10 >/dev/null; echo ${PIPESTATUS[0]}")
    .exits(0);
  expect({ out, err }).toEqual({ out: "141\n", err: "" });

  expect((await bed.skypipe(["files"], { stdout: "hash" }).exits(0)).sha256).toBe(hash);
});

it("a closed stdout of a reader of running text ends it with 141, and the next goes on", async () => {
  const bed = useBed();
  await bed.satellite();

  const reader = bed.shell("skypipe log | head -n 1; echo ${PIPESTATUS[0]}");
  await bed.pipe("log", { readers: 1 });
  const writer = bed.skypipe(["log"], { stdin: "socket" });
  await writer.write("one\n");
  await reader.puts("one\n");
  await writer.write("two\n"); // nobody reads it: EPIPE
  expect((await reader.exits(0)).out).toBe("one\n141\n");
  writer.end("three\n");

  expect((await bed.skypipe(["log"]).exits(0)).out).toBe("two\nthree\n");
  await writer.exits(0);
});

it.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s ends a waiting reader, and it is gone at once", async (signal, status) => {
  const bed = useBed();
  await bed.satellite();

  const reader = bed.skypipe(["log"]);
  await bed.pipe("log", { readers: 1 });
  reader.kill(signal);

  await reader.exits(status);
  await bed.pipe("log", { readers: 0 });
});
