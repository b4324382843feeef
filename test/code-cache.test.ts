/** The command's compiled code is kept for its next start, and is never a reason to fail. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

const command = fileURLToPath(new URL("../dist/skypipe.cjs", import.meta.url));
const longAgo = new Date("2001-01-01");
let caches: string;

beforeEach(() => {
  caches = mkdtempSync(path.join(os.tmpdir(), "skypipe-caches-"));
});

afterEach(() => {
  rmSync(caches, { recursive: true, force: true });
});

function run(env: NodeJS.ProcessEnv = {}, flags: string[] = []): string {
  const all = { ...process.env, NODE_OPTIONS: "", XDG_CACHE_HOME: caches, ...env };
  return execFileSync(process.execPath, [...flags, command, "--version"], { encoding: "utf8", env: all });
}

function kept(): string[] {
  return readdirSync(path.join(caches, "skypipe")).map((name) => path.join(caches, "skypipe", name));
}

/** The one that was kept, as if that had been long ago. */
function aged(): string {
  const [file = "", ...others] = kept();
  expect(others).toEqual([]);
  utimesSync(file, longAgo, longAgo);
  return file;
}

function isOld(file: string): boolean {
  return statSync(file).mtimeMs === longAgo.getTime();
}

it("is made by the first run, for its owner alone, and used by the next as it is", () => {
  const version = run();
  const file = aged();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
  expect(run()).toBe(version);
  expect(isOld(file)).toBe(true);
});

it.each([
  ["damaged", (file: string) => writeFileSync(file, readFileSync(file).fill(7, 100_000, 100_040))],
  ["cut short", (file: string) => writeFileSync(file, readFileSync(file).subarray(0, 5_000))],
  ["empty", (file: string) => writeFileSync(file, "")],
  ["somebody else's to write", (file: string) => chmodSync(file, 0o666)],
])("is made anew when it is %s", (_, spoil) => {
  const version = run();
  const file = aged();
  spoil(file);
  utimesSync(file, longAgo, longAgo);
  expect(run()).toBe(version);
  expect(isOld(file)).toBe(false);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it("is made for other flags of Node, when they need another", () => {
  const version = run();
  const file = aged();
  expect(run({}, ["--no-opt"])).toBe(version);
  expect(kept()).toEqual([file]);
  expect(isOld(file)).toBe(false);
});

it("goes when eight newer ones are there", () => {
  mkdirSync(path.join(caches, "skypipe"));
  for (let each = 0; each < 9; each++) {
    const file = path.join(caches, "skypipe", `code-${each}`);
    writeFileSync(file, "");
    utimesSync(file, longAgo, new Date(longAgo.getTime() + each));
  }
  run();
  expect(kept()).toHaveLength(8);
  expect(kept().map((file) => path.basename(file))).not.toContain("code-0");
});

it.each([
  ["a folder that cannot be", { XDG_CACHE_HOME: "/dev/null" }],
  ["NODE_DISABLE_COMPILE_CACHE", { NODE_DISABLE_COMPILE_CACHE: "1" }],
])("is not kept with %s, and nothing is said of it", (_, env) => {
  expect(run(env)).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(readdirSync(caches)).toEqual([]);
});

it("and settings are nowhere for a user without a home", async () => {
  vi.stubEnv("HOME", undefined);
  const homedir = vi.spyOn(os, "homedir").mockImplementation(() => {
    throw new Error("no such user");
  });
  try {
    await import("../deploy/pack/home.ts");
    expect(process.env.HOME).toBe("/nonexistent");
  } finally {
    homedir.mockRestore();
    vi.unstubAllEnvs();
  }
});
