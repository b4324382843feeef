/** What fd 0 is decides whether the bare command writes or reads; nothing ever sends an EOF by accident. */
import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { useBed } from "../support/use-bed.ts";

it("a pipe writes", async () => {
  const bed = useBed();
  await bed.satellite();
  await bed.shell("echo pipe | skypipe x").exits(0);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("pipe\n");
});

it("a named pipe writes", async () => {
  const bed = useBed();
  await bed.satellite();
  await bed.shell("mkfifo fifo; echo fifo > fifo & skypipe x < fifo").exits(0);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("fifo\n");
});

it("a socket writes", async () => {
  const bed = useBed();
  await bed.satellite();
  const writer = bed.skypipe(["x"], { stdin: "socket" });
  writer.end("socket\n");
  await writer.exits(0);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("socket\n");
});

it("a regular file writes", async () => {
  const bed = useBed();
  await bed.satellite();
  writeFileSync(bed.path("file"), "file\n");
  await bed.skypipe(["x"], { stdin: { file: bed.path("file") } }).exits(0);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("file\n");
});

it("/dev/null reads", async () => {
  const bed = useBed();
  await bed.satellite();
  const reader = bed.skypipe(["x"], { stdin: { file: "/dev/null" } });
  await bed.pipe("x", { readers: 1, streams: 0 });
  await bed.shell("echo one | skypipe x").exits(0);
  expect((await reader.exits(0)).out).toBe("one\n");
});

it("a closed stdin reads", async () => {
  const bed = useBed();
  await bed.satellite();
  const reader = bed.shell("exec skypipe x <&-");
  await bed.pipe("x", { readers: 1, streams: 0 });
  await bed.shell("echo one | skypipe x").exits(0);
  expect((await reader.exits(0)).out).toBe("one\n");
});

it("a terminal reads", async () => {
  const bed = useBed();
  await bed.satellite();
  const terminal = bed.pty("exec skypipe x");
  await bed.pipe("x", { readers: 1, streams: 0 });
  await bed.shell("echo one | skypipe x").exits(0);
  await terminal.exits(0);
  expect(terminal.raw).toContain("one\r\n");
});

it("an empty stdin where there is no controlling terminal is not an EOF that anybody meant", async () => {
  const bed = useBed();
  await bed.satellite();
  const reader = bed.skypipe(["x"]);
  await bed.pipe("x", { readers: 1 });

  const { out, err } = await bed.shell(": | setsid --wait skypipe x").exits(2);
  expect(out).toBe("");
  expect(err).toMatch(/^skypipe: [^\n]*skypipe send 'x'[^\n]*skypipe recv 'x'[^\n]*\n$/);
  await bed.pipe("x", { readers: 1, streams: 0, writers: 0 });
  expect(reader.running).toBe(true);
});

it("an empty stdin on a terminal is an EOF that somebody typed", async () => {
  const bed = useBed();
  await bed.satellite();
  await bed.pty(": | skypipe x").exits(0);
  await bed.pipe("x", { streams: 1, bytes: 0 });
});

it("send writes whatever stdin is", async () => {
  const bed = useBed();
  await bed.satellite();
  await bed.skypipe(["send", "x"], { stdin: { file: "/dev/null" } }).exits(0);
  expect((await bed.skypipe(["x"]).exits(0)).outBytes).toBe(0);

  const terminal = bed.pty("exec skypipe send x");
  await bed.pipe("x", { writers: 1 });
  await terminal.type("typed\n\u0004");
  await terminal.exits(0);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("typed\n");
});

it("recv reads whatever stdin is", async () => {
  const bed = useBed();
  await bed.satellite();
  const reader = bed.skypipe(["recv", "x"], { stdin: "socket" });
  await reader.write("not for the pipe\n");
  await bed.pipe("x", { readers: 1, streams: 0 });
  await bed.shell("echo one | skypipe x").exits(0);
  expect((await reader.exits(0)).out).toBe("one\n");
});

it("-- reaches a pipe whose name is a verb's", async () => {
  const bed = useBed();
  await bed.satellite();
  await bed.shell("echo one | skypipe -- ls").exits(0);
  await bed.pipe("ls", { streams: 1 });
  expect((await bed.skypipe(["--", "ls"]).exits(0)).out).toBe("one\n");
});
