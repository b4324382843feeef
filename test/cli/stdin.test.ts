/** What fd 0 is, seen by a real process for each kind of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import net, { type AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openFile, roleOfStdin, sourceOf } from "../../cli/terminal/stdin.ts";

const probe = fileURLToPath(new URL("stdin-probe.ts", import.meta.url));
const look = `"${process.execPath}" --import tsx "${probe}"`;
const root = fileURLToPath(new URL("../..", import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "skypipe-stdin-"));
  writeFileSync(path.join(folder, "file"), "0123456789");
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What a process sees of its stdin. `line` runs in a shell, in which `$LOOK` looks. */
async function seen(line: string): Promise<unknown> {
  const child = spawn("bash", ["-c", line], {
    cwd: root,
    env: { ...process.env, LOOK: look, FOLDER: folder },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 20_000,
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  await once(child, "close");
  return JSON.parse(out.trim().split("\n").at(-1) ?? "");
}

it.each([
  ["a pipe", "echo x | eval $LOOK", { role: "write", kind: "stream" }],
  ["a pipe that is empty", ": | eval $LOOK", { role: "write", kind: "stream" }],
  ["a regular file", 'eval $LOOK < "$FOLDER/file"', { role: "write", kind: "file", size: 10 }],
  [
    "an empty regular file",
    ': > "$FOLDER/none"; eval $LOOK < "$FOLDER/none"',
    { role: "write", kind: "file" },
  ],
  ["a file of /proc, whose size nobody knows", "eval $LOOK < /proc/version", { role: "write", kind: "file" }],
  ["/dev/null", "eval $LOOK < /dev/null", { role: "read", kind: "device" }],
  ["/dev/zero", "eval $LOOK < /dev/zero", { role: "read", kind: "device" }],
  ["a closed stdin", "eval $LOOK <&-", { role: "read" }],
  ["a terminal", 'script -qefc "$LOOK" /dev/null < /dev/null', { role: "read", kind: "terminal" }],
])("%s", async (_, line, expected) => {
  expect(await seen(line)).toMatchObject(expected);
});

it("a named pipe", async () => {
  const line = 'mkfifo "$FOLDER/fifo"; (echo x > "$FOLDER/fifo" &) ; eval $LOOK < "$FOLDER/fifo"';
  expect(await seen(line)).toMatchObject({ role: "write", kind: "stream" });
});

it("what was read of a file before does not count", async () => {
  expect(await seen('(head -c 4 > /dev/null; eval $LOOK) < "$FOLDER/file"')).toMatchObject({ size: 6 });
});

it("a socket", async () => {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const socket = await seen(`exec 3<>/dev/tcp/127.0.0.1/${port}; eval $LOOK <&3`);
  server.close();
  expect(socket).toMatchObject({ role: "write", kind: "stream" });
});

it("a folder is refused", () => {
  const fd = openSync(folder, "r");
  try {
    expect(() => roleOfStdin(fd)).toThrow(/directory/);
  } finally {
    closeSync(fd);
  }
});

it("a descriptor that is closed reads", () => {
  expect(roleOfStdin(987_654)).toBe("read");
  expect(sourceOf(987_654)).toEqual({ fd: 987_654, kind: "device" });
});

it("a file to be sent has a size and a name; one that is not there, or is a folder, is a usage error", () => {
  const source = openFile(path.join(folder, "file"));
  closeSync(source.fd);
  expect(source).toMatchObject({ kind: "file", size: 10, name: "file" });
  for (const name of [path.join(folder, "no-such-file"), folder]) {
    expect(() => openFile(name)).toThrow(expect.objectContaining({ code: "usage" }));
  }
});
