/** Where the bytes go: -o, --limit, --json. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { KiB, MiB, noise, noiseFile, sha256OfFile } from "../support/bytes.ts";
import { until } from "../support/until.ts";
import { useBed } from "../support/use-bed.ts";

it("-o FILE has the bytes at a clean EOF", async () => {
  const bed = useBed();
  await bed.satellite();
  const hash = noiseFile(bed.path("file"), 5 * MiB, 1);

  await bed.skypipe(["send", "x", bed.path("file")]).exits(0);
  const { out } = await bed.skypipe(["recv", "x", "-o", bed.path("got")]).exits(0);
  expect(out).toBe("");
  expect(await sha256OfFile(bed.path("got"))).toBe(hash);
});

it("-o FILE is never half a file: its writer was lost", async () => {
  const bed = useBed();
  await bed.satellite(["--grace", "1s"]);
  writeFileSync(bed.path("got"), "from before\n");
  const before = readdirSync(bed.dir).toSorted();

  const reader = bed.skypipe(["recv", "x", "-o", bed.path("got")]);
  await bed.pipe("x", { readers: 1 });
  const writer = bed.skypipe(["x"], { stdin: "socket" });
  await writer.write(noise(300 * KiB, 1));
  await until("bytes are beside the file", () =>
    readdirSync(bed.dir).some((name) => !before.includes(name) && statSync(bed.path(name)).size > 0),
  );
  expect(readFileSync(bed.path("got"), "utf8")).toBe("from before\n");
  writer.kill("SIGKILL");

  await reader.exits(5);
  expect(readFileSync(bed.path("got"), "utf8")).toBe("from before\n");
});

it("-o FILE is never half a file: its reader was stopped", async () => {
  const bed = useBed();
  await bed.satellite();

  const reader = bed.skypipe(["recv", "x", "-o", bed.path("got")]);
  await bed.pipe("x", { readers: 1 });
  const writer = bed.skypipe(["x"], { stdin: "socket" });
  await writer.write("one\n");
  await bed.pipe("x", { writers: 1 });
  reader.kill("SIGTERM");

  await reader.exits(143);
  expect(existsSync(bed.path("got"))).toBe(false);
});

it("-o into a folder that is not there is a usage error, and takes nothing", async () => {
  const bed = useBed();
  await bed.satellite();
  await bed.shell("echo one | skypipe x").exits(0);

  const { err } = await bed.skypipe(["recv", "x", "-o", bed.path("no/such/file")]).exits(2);
  expect(err).toMatch(/^skypipe: [^\n]*no\/such[^\n]*\n$/);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("one\n");
});

it("--limit on either side changes no byte", async () => {
  const bed = useBed();
  await bed.satellite();
  const hash = noiseFile(bed.path("file"), 600 * KiB, 1);

  await bed.skypipe(["send", "x", bed.path("file"), "--limit", "400K"]).exits(0);
  const { sha256 } = await bed.skypipe(["recv", "x", "--limit", "400K"], { stdout: "hash" }).exits(0);
  expect(sha256).toBe(hash);
});

it("--json: one line on stderr about what was done, data alone on stdout", async () => {
  const bed = useBed();
  await bed.satellite();

  const sent = await bed.shell("printf 'one\\ntwo\\n' | skypipe send x --json").exits(0);
  const got = await bed.skypipe(["recv", "x", "--json"]).exits(0);
  expect(sent.out).toBe("");
  expect(got.out).toBe("one\ntwo\n");
  expect(JSON.parse(sent.err)).toMatchObject({ pipe: "x", bytes: 8 });
  expect(JSON.parse(got.err)).toMatchObject({ pipe: "x", bytes: 8, streams: 1 });
});

it("--json: an error is one JSON line with its code", async () => {
  const bed = useBed();
  await bed.satellite();

  const { err, out } = await bed.skypipe(["recv", "x", "--json", "--timeout", "200ms"]).exits(124);
  expect(out).toBe("");
  expect(JSON.parse(err)).toMatchObject({ error: { code: "timeout" } });
});

it("check --json says where the satellite is and which version", async () => {
  const bed = useBed();
  const { url } = await bed.satellite();

  const { out } = await bed.skypipe(["check", "--json"]).exits(0);
  expect(JSON.parse(out)).toMatchObject({ url, software: expect.stringContaining("skypipe/") });
});
