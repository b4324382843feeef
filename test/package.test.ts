/** What is shipped stands on its own: dist and package.json, copied somewhere without node_modules. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
  version: string;
  dependencies?: Record<string, string>;
  devDependencies: Record<string, string>;
};
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "skypipe-package-"));
  for (const name of ["package.json", "dist/skypipe.cjs", "dist/index.js"]) {
    cpSync(path.join(root, name), path.join(folder, name));
  }
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("the command runs from its file and package.json alone", () => {
  const output = execFileSync(path.join(folder, "dist/skypipe.cjs"), ["--version"], { encoding: "utf8" });
  expect(output).toBe(`${manifest.version}\n`);
});

test("the command goes on as it is when another version takes its place", () => {
  const file = path.join(folder, "dist/skypipe.cjs");
  const env = { ...process.env, SKYPIPE_CONFIG_DIR: folder };
  const code = `
    const fs = require("node:fs");
    process.argv = [process.execPath, ${JSON.stringify(file)}, "--version"];
    const { Script } = require("node:vm");
    const run = Script.prototype.runInThisContext;
    Script.prototype.runInThisContext = function (...options) {
      fs.writeFileSync(${JSON.stringify(`${file}.new`)}, "another version");
      fs.renameSync(${JSON.stringify(`${file}.new`)}, ${JSON.stringify(file)});
      return run.apply(this, options);
    };
    require(${JSON.stringify(file)});`;
  expect(execFileSync(process.execPath, ["-e", code], { encoding: "utf8", env })).toBe(
    `${manifest.version}\n`,
  );
  cpSync(path.join(root, "dist/skypipe.cjs"), file);
});

test("the library loads by its name from its file and package.json alone", () => {
  const code =
    "const library = await import('skypipe'); if (Object.keys(library).length === 0) process.exit(1);";
  execFileSync(process.execPath, ["--input-type=module", "-e", code], { cwd: folder });
});

test("the package depends on nothing at run time, and pins what it is built with", () => {
  expect(manifest.dependencies ?? {}).toEqual({});
  const loose = Object.entries(manifest.devDependencies).filter(
    ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
  );
  expect(loose).toEqual([]);
});
