/** What setup remembers, and which satellite follows from that. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import {
  forget,
  type Remembered,
  recall,
  remember,
  satelliteName,
} from "../../cli/commands/common/remembered.ts";
import { settingsPlace } from "../../cli/commands/common/settings-place.ts";
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

const local = satellite("local", { provider: "local" });
const lab = satellite("lab", {
  provider: "ssh",
  credentials: { host: "me@lab" },
  place: { url: "https://lab.example.com", token: "precious" },
});

function satellite(name: string, rest: Partial<Remembered>): Remembered {
  return { name, provider: name, credentials: {}, place: null, keys: null, ...rest };
}

function names(): (string | null)[] {
  const { satellites, byDefault } = recall();
  return [byDefault?.name ?? null, ...satellites.map(({ name }) => name)];
}

it("nothing is remembered at first, and asking writes nothing", () => {
  expect(recall()).toEqual({ byDefault: null, satellites: [] });
  expect(readdirSync(folder)).toEqual([]);
});

it("is where it is looked for before anything of it is loaded", () => {
  remember(lab, true);
  expect(settingsPlace("settings")).toBe(file);
  vi.stubEnv("SKYPIPE_CONFIG_DIR", undefined);
  vi.stubEnv("XDG_CONFIG_HOME", folder);
  remember(lab, true);
  expect(existsSync(settingsPlace("settings"))).toBe(true);
});

it("remembers, for its owner alone, and forgets", () => {
  remember(lab, true);
  expect(recall()).toEqual({ byDefault: lab, satellites: [lab] });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  forget("lab");
  expect(recall().satellites).toEqual([]);
  forget("lab");
});

it("says which version of its shape it is", () => {
  remember(local, true);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
    version: 2,
    default: "local",
    satellites: { local: { provider: "local", credentials: {}, place: null } },
  });
});

it("the first is the default, and others only if they shall be", () => {
  remember(local, false);
  remember(lab, false);
  expect(names()).toEqual(["local", "local", "lab"]);
  remember(lab, true);
  expect(names()).toEqual(["lab", "local", "lab"]);
  remember({ ...lab, place: null }, false);
  expect(recall().byDefault).toEqual({ ...lab, place: null });
});

it("what is forgotten does not hand its place to another one", async () => {
  remember(local, true);
  remember(lab, true);
  forget("lab");
  expect(names()).toEqual([null, "local"]);
  await expect(knownTarget()).rejects.toThrow(/--satellite local.*skypipe setup --name local --default/);
});

it("a name is short and plain", () => {
  for (const name of ["lab", "a.b-c_d", "büro", "2"]) expect(satelliteName(name)).toBe(name);
  for (const name of ["", "-x", "a b", "a/b", "x".repeat(65), "__proto__"]) {
    expect(() => satelliteName(name)).toThrow(/name of a satellite is .*--name work/);
  }
});

it("version 1 is read, and written anew with nothing lost", () => {
  writeFileSync(file, '{"version":1,"satellite":{"provider":"local"}}');
  expect(recall()).toEqual({ byDefault: local, satellites: [local] });
  expect(readFileSync(file, "utf8")).toContain('"version":1');
  remember(lab, false);
  expect(names()).toEqual(["local", "local", "lab"]);
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ version: 2 });
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
  '{"version":2}',
  '{"version":2,"satellites":{}}',
  '{"version":2,"satellites":{"a":{"credentials":{"token":"precious"}}}}',
  '{"version":2,"satellites":{"a":{"provider":"fly","credentials":{"token":5}}}}',
  '{"version":2,"satellites":{"a":{"provider":"fly","place":{"token":"precious"}}}}',
  '{"version":2,"default":"b","satellites":{"a":{"provider":"fly"}}}',
])("a damaged file is one sentence with the remedy, and is left alone: %j", (text) => {
  writeFileSync(file, text);
  for (const touch of [recall, () => forget("a"), () => remember(local, true)]) {
    expect(touch).toThrow(expect.objectContaining({ code: "usage" }));
    expect(touch).toThrow(/settings\.json is damaged.*delete it.*skypipe setup/);
    expect(touch).not.toThrow(/precious/);
  }
  expect(readFileSync(file, "utf8")).toBe(text);
});

it("a file of a later version is left alone", () => {
  const text = '{"version":3,"satellites":[]}';
  writeFileSync(file, text);
  for (const touch of [recall, () => forget("a"), () => remember(local, true)]) {
    expect(touch).toThrow(/later version/);
  }
  expect(readFileSync(file, "utf8")).toBe(text);
});

it("a folder in its place is a sentence", () => {
  mkdirSync(file);
  expect(recall).toThrow(/can't be read.*directory/);
});

it("where no folder can be made, nothing is remembered", () => {
  vi.stubEnv("SKYPIPE_CONFIG_DIR", "/dev/null/no/such");
  expect(recall().satellites).toEqual([]);
  expect(() => remember(local, true)).toThrow(/SKYPIPE_CONFIG_DIR/);
});

it("the environment goes before what is remembered, and what is typed before both", async () => {
  expect(await knownTarget()).toBeNull();
  remember(lab, true);
  remember(satellite("home", { provider: "ssh" }), false);
  expect(await knownTarget()).toEqual(lab);
  vi.stubEnv("SKYPIPE_SATELLITE", "wss://sat.example.com");
  expect(await knownTarget()).toEqual({ url: "wss://sat.example.com" });
  vi.stubEnv("SKYPIPE_SATELLITE", "local");
  expect(await knownTarget()).toEqual(local);
  expect(await knownTarget("home")).toMatchObject({ name: "home", provider: "ssh" });
  expect(await knownTarget("local")).toEqual(local);
});

it("a name that nobody has is told with those that there are", async () => {
  remember(lab, true);
  await expect(knownTarget("work")).rejects.toMatchObject({ code: "usage" });
  await expect(knownTarget("work")).rejects.toThrow(/'work'.*local, lab.*skypipe setup --name/);
});

it.each(["ws://h:1", "wss://h", "http://127.0.0.1:7777", "https://h/sub", "unix:/run/s"])(
  "%s is an address",
  async (url) => {
    vi.stubEnv("SKYPIPE_SATELLITE", url);
    expect(await knownTarget()).toEqual({ url });
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
