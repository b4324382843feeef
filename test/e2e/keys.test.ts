/** `skypipe keys`, and the keys that setup makes. */
import { readFileSync, statSync } from "node:fs";
import { expect, it } from "vitest";
import { useBed } from "../support/use-bed.ts";

const TEXT = /^skypipe_k1_[\w-]{52}\n$/;

it("setup makes a key, remembers it for its owner alone, and every end of that satellite uses it", async () => {
  const bed = useBed();
  await bed.skypipe(["setup", "local"]).exits(0);
  const settings = bed.path("config/settings.json");
  expect(statSync(settings).mode & 0o777).toBe(0o600);
  expect(readFileSync(settings, "utf8")).toMatch(/skypipe_k1_/);
  const { out } = await bed.skypipe(["keys", "export"]).exits(0);
  expect(out).toMatch(TEXT);

  await bed.shell("echo hello | skypipe box").exits(0);
  const stranger = { env: { SKYPIPE_KEY: (await bed.skypipe(["keys", "new"]).exits(0)).out } };
  await bed.skypipe(["box"], stranger).exits(5);
  // However an end comes to the local satellite.
  expect((await bed.skypipe(["box"], { env: { SKYPIPE_SATELLITE: "local" } }).exits(0)).out).toBe("hello\n");
  await bed.skypipe(["setup", "local"]).exits(0);
  expect((await bed.skypipe(["keys", "export"]).exits(0)).out).toBe(out);
});

it("shows what is no secret", async () => {
  const bed = useBed();
  await bed.skypipe(["setup", "local"]).exits(0);
  const { out } = await bed.skypipe(["keys"]).exits(0);
  expect(out).toMatch(/^[0-9a-f]{16} {2}\d{4}-\d\d-\d\dT[\d:.]+Z {2}seals and opens\n$/);
  const rows = JSON.parse((await bed.skypipe(["keys", "show", "--json"]).exits(0)).out) as object[];
  expect(rows).toMatchObject([{ id: out.slice(0, 16), pipe: null, use: "seals and opens" }]);
});

it("rotates: what was sealed before is opened, what comes after is sealed with the new one", async () => {
  const bed = useBed();
  await bed.skypipe(["setup", "local"]).exits(0);
  const { out: old } = await bed.skypipe(["keys", "export"]).exits(0);
  await bed.shell("echo before | skypipe box").exits(0);
  expect((await bed.skypipe(["keys", "rotate"]).exits(0)).err).toMatch(
    /^skypipe: the key [0-9a-f]{16} seals from now on/,
  );
  await bed.shell("echo after | skypipe box").exits(0);
  expect((await bed.skypipe(["box"]).exits(0)).out).toBe("before\n");
  await bed.skypipe(["box"], { env: { SKYPIPE_KEY: old } }).exits(5);
  expect((await bed.skypipe(["box"]).exits(0)).out).toBe("after\n");
  expect((await bed.skypipe(["keys"]).exits(0)).out.split("\n").map((line) => line.slice(44))).toEqual([
    "seals and opens",
    "opens",
    "",
  ]);
});

it("another computer takes what one exports", async () => {
  const [here, there] = [useBed(), useBed()];
  await here.skypipe(["setup", "local"]).exits(0);
  await there.skypipe(["setup", "local"]).exits(0);
  await here.skypipe(["keys", "rotate"]).exits(0);
  const { out } = await here.skypipe(["keys", "export"]).exits(0);
  const adding = there.skypipe(["keys", "add"], { stdin: "socket" });
  adding.end(out);
  await adding.exits(0);
  const all = (await there.skypipe(["keys", "export"]).exits(0)).out;
  expect(all.split("\n").filter((key) => out.includes(key))).toEqual(out.split("\n"));
  expect(all.trim().split("\n")).toHaveLength(3);
});

it.each([
  [["keys", "add"], "nonsense\n", /^skypipe: what was given as a key is not one: .*\n$/],
  [["keys", "add"], "", /^skypipe: no key came in: .*\n$/],
  [["keys", "forget"], "", /^skypipe: .*forget.*\n$/],
])("%j with %j on stdin: exit 2", async (args, input, sentence) => {
  const bed = useBed();
  await bed.skypipe(["setup", "local"]).exits(0);
  const proc = bed.skypipe(args, { stdin: "socket" });
  proc.end(input);
  expect((await proc.exits(2)).err).toMatch(sentence);
});

it("knows no key: exit 2, and what to do; no satellite: exit 3", async () => {
  const bed = useBed();
  expect((await bed.skypipe(["keys"]).exits(2)).err).toMatch(/^skypipe: no key is known here, .*\n$/);
  await bed.skypipe(["keys", "rotate"]).exits(3);
});

it("leaves SKYPIPE_KEY to whoever set it", async () => {
  const bed = useBed();
  await bed.skypipe(["setup", "local"]).exits(0);
  const { out } = await bed.skypipe(["keys", "new"]).exits(0);
  const env = { SKYPIPE_KEY: out };
  expect((await bed.skypipe(["keys", "export"], { env }).exits(0)).out).toBe(out);
  expect((await bed.skypipe(["keys", "rotate"], { env }).exits(2)).err).toMatch(/SKYPIPE_KEY/);
});

it("prints no secret on a terminal unless asked twice", async () => {
  const bed = useBed();
  const refused = bed.pty("skypipe keys new; echo exit $?");
  await refused.proc.exited;
  expect(refused.proc.out).toMatch(/would print a secret on the terminal/);
  expect(refused.proc.out).not.toMatch(/skypipe_k1_/);
  expect(refused.proc.out).toMatch(/exit 2/);
  const asked = bed.pty("skypipe keys new --yes");
  await asked.proc.exited;
  expect(asked.proc.out).toMatch(/skypipe_k1_/);
});

it("a key that is none costs nothing but the command: exit 2, and it is not repeated", async () => {
  const bed = useBed();
  await bed.satellite();
  const { err } = await bed.skypipe(["send", "x"], { env: { SKYPIPE_KEY: "hunter2" } }).exits(2);
  expect(err).toMatch(/^skypipe: what was given as a key .*\n$/);
  expect(err).not.toMatch(/hunter2/);
});
