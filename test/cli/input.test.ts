/** Reading a descriptor: every byte, in order, no faster than they are taken, and no longer than wanted. */
import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { readFirstBlock } from "../../cli/terminal/first-block.ts";
import { type Input, openInput } from "../../cli/terminal/input.ts";
import { noise, sha256 } from "../support/bytes.ts";
import { until } from "../support/until.ts";

const MiB = 1024 * 1024;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "skypipe-input-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A process that reads its stdin as the command does, and prints a hash of it. */
function hashing(...args: string[]): ChildProcess & { out: () => string } {
  const probe = fileURLToPath(new URL("input-probe.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", probe, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  child.stdin.on("error", () => undefined); // it need not read it all
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  return Object.assign(child, { out: () => out });
}

it("a file", async () => {
  const bytes = noise(MiB + 12_345, 1);
  const file = path.join(folder, "file");
  writeFileSync(file, bytes);
  const fd = openSync(file, "r");
  const input = openInput({ fd, kind: "file" });
  const blocks: Uint8Array[] = [];
  for (let block = await input.read(); block !== null; block = await input.read()) blocks.push(block);
  closeSync(fd);
  expect(sha256(...blocks)).toBe(sha256(bytes));
});

it("a file, in blocks that are read into again", async () => {
  const bytes = noise(3 * MiB + 12_345, 1);
  const file = path.join(folder, "again");
  writeFileSync(file, bytes);
  const fd = openSync(file, "r");
  const input = openInput({ fd, kind: "file" });
  const parts: Buffer[] = [];
  const memory = new Set<ArrayBufferLike>();
  for (let block = await input.read(); block !== null; block = await input.read()) {
    memory.add(block.buffer);
    parts.push(Buffer.from(block));
    input.giveBack(block);
  }
  closeSync(fd);
  expect(sha256(...parts)).toBe(sha256(bytes));
  expect(memory.size).toBeLessThan(3); // the last block is small, and copied
});

it("a stream, in small and in large pieces, to its end", async () => {
  const bytes = noise(8 * MiB + 77, 2);
  const child = hashing();
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 300_007) {
    if (child.stdin?.write(bytes.subarray(at, at + size)) === false) await once(child.stdin, "drain");
  }
  child.stdin?.end();
  await once(child, "close");
  expect(child.out()).toBe(`${bytes.length} ${sha256(bytes)}\n`);
});

it("a stream that is not taken is not read", async () => {
  const child = hashing("slowly");
  const bytes = noise(32 * MiB, 3);
  child.stdin?.write(bytes);
  // What it has read when it begins to take: its queue, and no more.
  await until("it tells", () => child.out().includes("\n"));
  expect(Number(child.out())).toBeLessThan(MiB);
});

it("a read that waits ends when the input is closed", async () => {
  const child = hashing("close");
  await once(child, "close");
  expect(child.out()).toBe("closed\n");
});

/** An input that gives these blocks, each when its promise resolves. */
function scripted(...blocks: (string | Buffer | Promise<string> | null)[]): Input {
  return {
    async read() {
      const block = await (blocks.shift() ?? null);
      return block === null ? null : Buffer.from(block);
    },
    giveBack() {},
    close() {},
  };
}

it("the first block is text or binary, as its first 4 KiB say", async () => {
  expect(await readFirstBlock(scripted("line\n"))).toMatchObject({ kind: "text", pending: null });
  expect(await readFirstBlock(scripted(Buffer.from([0, 10])))).toMatchObject({ kind: "binary" });
  const late = Buffer.concat([Buffer.alloc(4096, "a"), Buffer.from([0])]);
  expect(await readFirstBlock(scripted(late))).toMatchObject({ kind: "text" });
});

it("a block that does not end in a newline is waited on for the next one", async () => {
  const first = await readFirstBlock(scripted("half ", Promise.resolve("a line\n"), "more"));
  expect(Buffer.from(first.bytes).toString()).toBe("half a line\n");
});

it("at the end of the input it is what there is", async () => {
  expect(await readFirstBlock(scripted())).toMatchObject({ kind: "text", pending: null });
  const first = await readFirstBlock(scripted("no newline"));
  expect(Buffer.from(first.bytes).toString()).toBe("no newline");
});

it("silence ends the wait, and the read goes on", async () => {
  const answer = new EventEmitter();
  const second = once(answer, "given").then(([text]) => text as string);
  const first = await readFirstBlock(scripted("> ", second));
  expect(Buffer.from(first.bytes).toString()).toBe("> ");
  answer.emit("given", "answer\n");
  expect(Buffer.from((await first.pending) ?? []).toString()).toBe("answer\n");
});
