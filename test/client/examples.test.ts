/** Each example of the library's README is run as a program of its own, and prints what stands under it. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useSatellite } from "./library.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(path.join(root, "cli/client/README.md"), "utf8");
const examples = [...readme.matchAll(/^## (.+?)$|^```js\n(.*?)^```\n\n^```text\n(.*?)^```$/gms)];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "skypipe-examples-"));
  mkdirSync(path.join(folder, "node_modules"));
  symlinkSync(root, path.join(folder, "node_modules", "skypipe"), "dir");
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("the library's README", () => {
  let title = "";
  const titled = examples.flatMap(([, heading, code = "", output = ""]) => {
    title = heading ?? title;
    return heading === undefined ? [{ title, code, output }] : [];
  });

  it("says what each of its examples prints", () => {
    expect(titled).toHaveLength(readme.split("```js\n").length - 1);
  });

  it.each(titled)("$title", async ({ title: name, code, output }) => {
    const file = path.join(folder, `${name}.mjs`);
    writeFileSync(file, code);
    const env = { ...process.env, SKYPIPE_SATELLITE: await useSatellite(), SKYPIPE_TOKEN: "" };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { env, timeout: 20_000 });
    expect(stderr).toBe("");
    expect(stdout).toBe(output);
  });
});
