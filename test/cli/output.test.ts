/** Writing a descriptor: every byte, without holding up the event loop, and the truth when it fails. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { noise, sha256 } from "../support/bytes.ts";
import { until } from "../support/until.ts";

/** Runs a command on a terminal of its own. */
const onTerminal = "script";
const MiB = 1024 * 1024;
const probe = fileURLToPath(new URL("output-probe.ts", import.meta.url));

function writing(bytes: number, stdout: "pipe" | number): { child: ChildProcess; told: () => unknown } {
  const args = ["--import", "tsx", probe, String(bytes)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", stdout, "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let err = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  return { child, told: () => JSON.parse(err) as unknown };
}

it("a pipe or socket that takes everything", async () => {
  const { child } = writing(8 * MiB + 5, "pipe");
  const hash = createHash("sha256");
  child.stdout?.on("data", (block: Buffer) => hash.update(block));
  await once(child, "close");
  expect(hash.digest("hex")).toBe(sha256(noise(8 * MiB + 5, 1)));
});

it("one that takes nothing for a while does not hold up the event loop, and then gets every byte", async () => {
  const line = `"${process.execPath}" --import tsx "${probe}" ${MiB} 2>"$TOLD" | (while ! [ -e "$GO" ]; do sleep 0.05; done; sha256sum)`;
  const folder = mkdtempSync(path.join(os.tmpdir(), "skypipe-output-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [told, go, ticking] = ["told", "go", "ticking"].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  const shell = spawn("bash", ["-c", line], {
    env: { ...process.env, TOLD: told, GO: go, TICKING: ticking },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  shell.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  await until("its timers run although nothing is taken", () => existsSync(ticking));
  closeSync(openSync(go, "w"));
  await once(shell, "close");
  expect(out).toContain(sha256(noise(MiB, 1)));
  expect(JSON.parse(readFileSync(told, "utf8"))).toEqual({ exitCode: 0 });
});

it("a closed pipe is silent, with 141", async () => {
  const { child, told } = writing(MiB, "pipe");
  await once(child.stdout ?? child, "readable");
  child.stdout?.destroy();
  await once(child, "close");
  expect(told()).toEqual({ exitCode: 141, sentence: "" });
});

it("a regular file", async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "skypipe-output-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, "file");
  const fd = openSync(file, "a");
  const { child } = writing(3 * MiB, fd);
  closeSync(fd);
  await once(child, "close");
  expect(sha256(readFileSync(file))).toBe(sha256(noise(3 * MiB, 1)));
});

it("a full disk is a sentence, with 1", async () => {
  const fd = openSync("/dev/full", "w");
  const { child, told } = writing(MiB, fd);
  closeSync(fd);
  await once(child, "close");
  expect(told()).toEqual({
    exitCode: 1,
    sentence: expect.stringMatching(/no space left.*stays in the pipe/),
  });
});

it("a terminal that is stopped (Ctrl-S) for a while and goes on gets every byte", async () => {
  const line = `stty -opost -echo; "${process.execPath}" --import tsx "${probe}" 300000 2>/dev/null`;
  const terminal = spawn(onTerminal, ["-qefc", line, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void terminal.kill("SIGKILL"));
  const blocks: Buffer[] = [];
  terminal.stdout.on("data", (block: Buffer) => blocks.push(block));
  terminal.stdin.write("\u0013");
  await once(spawn("sleep", ["2"]), "close");
  expect(Buffer.concat(blocks).length).toBeLessThan(300_000);
  terminal.stdin.write("\u0011");
  await once(terminal, "close");
  expect(sha256(...blocks)).toBe(sha256(noise(300_000, 1)));
});
