/** `-o FILE`: the name is given to a whole file or to none. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { WholeFile } from "../../cli/terminal/whole-file.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "skypipe-whole-"));
  file = path.join(folder, "file");
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it("is not there before it is whole, and has its bytes then", async () => {
  const whole = await WholeFile.create(file);
  await whole.write(Buffer.from("one "));
  await whole.write(Buffer.from("two"));
  expect(readdirSync(folder)).not.toContain("file");
  await whole.commit();
  await whole.discard(); // has no effect any more
  expect(readFileSync(file, "utf8")).toBe("one two");
  expect(readdirSync(folder)).toEqual(["file"]);
});

it("leaves what was there when it is discarded", async () => {
  writeFileSync(file, "before");
  const whole = await WholeFile.create(file);
  await whole.write(Buffer.from("after"));
  await whole.discard();
  expect(readFileSync(file, "utf8")).toBe("before");
  expect(readdirSync(folder)).toEqual(["file"]);
});

it("has the mode that the umask gives, or that of the file it replaces", async () => {
  await (await WholeFile.create(file)).commit();
  const other = path.join(folder, "other");
  writeFileSync(other, "");
  expect(statSync(file).mode).toBe(statSync(other).mode);

  chmodSync(file, 0o640);
  await (await WholeFile.create(file)).commit();
  expect(statSync(file).mode & 0o777).toBe(0o640);
});

it("goes through a link to the file that it names", async () => {
  writeFileSync(file, "before");
  const link = path.join(folder, "link");
  symlinkSync("file", link);
  const whole = await WholeFile.create(link);
  await whole.write(Buffer.from("after"));
  await whole.commit();
  expect(readlinkSync(link)).toBe("file");
  expect(readFileSync(file, "utf8")).toBe("after");
});

it.each(["no/such/folder/file", "folder", "folder/"])("%s can't be written: a usage error", async (name) => {
  mkdirSync(path.join(folder, "folder"));
  await expect(WholeFile.create(path.join(folder, name))).rejects.toMatchObject({ code: "usage" });
});

it("a device is no file", async () => {
  await expect(WholeFile.create("/dev/null")).rejects.toThrow(/> \/dev\/null/);
});
