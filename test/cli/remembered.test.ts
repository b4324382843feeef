/** What setup remembers, and which satellite follows from that. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { forget, recall, remember } from "../../cli/commands/common/remembered.ts";
import { knownTarget } from "../../cli/commands/common/target.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "skypipe-settings-"));
  file = path.join(folder, "settings.json");
  vi.stubEnv("SKYPIPE_CONFIG_DIR", folder);
  vi.stubEnv("SKYPIPE_SATELLITE", undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

it("nothing is remembered at first, and asking writes nothing", () => {
  expect(recall()).toBeNull();
  expect(readdirSync(folder)).toEqual([]);
});

it("remembers, for its owner alone, and forgets", () => {
  remember({ provider: "local" });
  expect(recall()).toEqual({ provider: "local" });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  forget();
  expect(recall()).toBeNull();
  forget();
});

it("says which version of its shape it is", () => {
  remember({ provider: "local" });
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ version: 1, satellite: { provider: "local" } });
});

it.each([
  "",
  "{",
  "5",
  "[]",
  '{"a":1}',
  '{"version":1}',
  '{"version":1,"satellite":{}}',
  '{"version":0,"satellite":{"provider":"local"}}',
])("a damaged file is one sentence with the remedy, and is left alone: %j", (text) => {
  writeFileSync(file, text);
  for (const touch of [recall, forget, () => remember({ provider: "local" })]) {
    expect(touch).toThrow(expect.objectContaining({ code: "usage" }));
    expect(touch).toThrow(/settings\.json is damaged.*delete it.*skypipe setup/);
  }
  expect(readFileSync(file, "utf8")).toBe(text);
});

it("a file of a later version is left alone", () => {
  writeFileSync(file, '{"version":2,"satellites":[]}');
  expect(recall).toThrow(/later version/);
  expect(readFileSync(file, "utf8")).toBe('{"version":2,"satellites":[]}');
});

it("a folder in its place is a sentence", () => {
  mkdirSync(file);
  expect(recall).toThrow(/can't be read.*directory/);
});

it("where no folder can be made, nothing is remembered", () => {
  vi.stubEnv("SKYPIPE_CONFIG_DIR", "/dev/null/no/such");
  expect(recall()).toBeNull();
  expect(() => remember({ provider: "local" })).toThrow(/SKYPIPE_CONFIG_DIR/);
});

it("the environment goes before what is remembered", async () => {
  expect(await knownTarget()).toBeNull();
  remember({ provider: "local" });
  expect(await knownTarget()).toEqual({ where: "local" });
  vi.stubEnv("SKYPIPE_SATELLITE", "wss://sat.example.com");
  expect(await knownTarget()).toEqual({ where: "address", url: "wss://sat.example.com" });
  vi.stubEnv("SKYPIPE_SATELLITE", "local");
  expect(await knownTarget()).toEqual({ where: "local" });
});

it.each(["ws://h:1", "wss://h", "http://127.0.0.1:7777", "https://h/sub", "unix:/run/s"])(
  "%s is an address",
  async (url) => {
    vi.stubEnv("SKYPIPE_SATELLITE", url);
    expect(await knownTarget()).toEqual({ where: "address", url });
  },
);

it.each(["h", "h:7777", "ftp://h", "ws://", "//h", "LOCAL", "file:///etc/passwd", "unix:relative"])(
  "%s is no address; the rule and an example are said",
  async (url) => {
    vi.stubEnv("SKYPIPE_SATELLITE", url);
    await expect(knownTarget()).rejects.toMatchObject({ code: "usage" });
    await expect(knownTarget()).rejects.toThrow(/wss, https, ws or http.*wss:\/\/sat\.example\.com/);
  },
);

it("an address does not hold a token, and none is repeated", async () => {
  vi.stubEnv("SKYPIPE_SATELLITE", "https://:precious@h");
  await expect(knownTarget()).rejects.toThrow(/SKYPIPE_TOKEN/);
  await expect(knownTarget()).rejects.not.toThrow(/precious/);
});
