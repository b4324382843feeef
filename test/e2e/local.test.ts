/** The satellite of this computer: started on demand, found by everybody, gone when idle and empty. */
import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import type { Bed } from "../support/bed.ts";
import { until } from "../support/until.ts";
import { useBed } from "../support/use-bed.ts";

function useLocal(): Bed {
  const bed = useBed();
  bed.env.SKYPIPE_SATELLITE = "local";
  return bed;
}

/** Every Unix socket below the bed; links to one do not count. */
function sockets(bed: Bed): string[] {
  return readdirSync(bed.dir, { recursive: true, encoding: "utf8" })
    .map((name) => path.join(bed.dir, name))
    .filter((file) => lstatSync(file, { throwIfNoEntry: false })?.isSocket() ?? false);
}

it("SKYPIPE_SATELLITE=local starts one on demand, on a Unix socket for its owner alone", async () => {
  const bed = useLocal();

  await bed.shell("echo one | skypipe x").exits(0);
  const found = sockets(bed);
  expect(found).toHaveLength(1);
  expect(statSync(found[0] ?? "").mode & 0o777).toBe(0o600);
  expect(statSync(path.dirname(found[0] ?? "")).mode & 0o077).toBe(0);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("one\n");
});

it("ten commands at once share one satellite", async () => {
  const bed = useLocal();

  const readers = Array.from({ length: 10 }, () => bed.skypipe(["x"]));
  await bed.pipe("x", { readers: 10 });
  // Those that came too late are still on their way out.
  await until("one is left", () => sockets(bed).length === 1 && bed.running("satellite").length === 1);
  await bed.shell("echo all | skypipe x").exits(0);
  for (const reader of readers) expect((await reader.exits(0)).out).toBe("all\n");
}, 60_000);

it("outlives the command that started it, and holds none of its files open", async () => {
  const bed = useLocal();
  await bed.shell("echo kept | skypipe x 2>&1 | cat").exits(0);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("kept\n");
});

it("setup local is remembered; check says so; reset ends it", async () => {
  const bed = useBed();

  const setup = await bed.skypipe(["setup", "local", "--json"]).exits(0);
  expect(JSON.parse(setup.out)).toMatchObject({ where: "local" });
  await bed.shell("echo one | skypipe x").exits(0);
  const check = await bed.skypipe(["check", "--json"]).exits(0);
  expect(JSON.parse(check.out)).toMatchObject({ where: "local", running: true });
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("one\n");

  await bed.skypipe(["reset", "--yes", "--json"]).exits(0);
  await until("its socket has gone", () => sockets(bed).length === 0);
  await bed.skypipe(["x"]).exits(3);
});

it("reset asks before it drops what is in a pipe, and without a terminal it needs --yes", async () => {
  const bed = useBed();
  await bed.skypipe(["setup", "local"]).exits(0);
  await bed.shell("echo one | skypipe x").exits(0);

  expect((await bed.skypipe(["reset"]).exits(2)).err).toMatch(/--yes/);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("one\n");
});

it("what setup remembers is for its owner alone", async () => {
  const bed = useBed();
  await bed.skypipe(["setup", "local"]).exits(0);

  const files = readdirSync(bed.path("config"), { recursive: true, encoding: "utf8" })
    .map((name) => path.join(bed.path("config"), name))
    .filter((file) => statSync(file).isFile());
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect(statSync(file).mode & 0o077).toBe(0);
});

it("leaves when it is idle and empty, not while it keeps something or somebody waits", async () => {
  const bed = useBed();
  const idle = ["--idle-exit", "3s"];

  const keeping = bed.skypipe(["satellite", "--memory", "--socket", bed.path("keeping"), ...idle]);
  await keeping.puts("\n");
  const kept = { env: { SKYPIPE_SATELLITE: keeping.out.trim() } };
  await bed.shell("echo kept | skypipe x", kept).exits(0);
  const waited = bed.skypipe(["satellite", "--memory", "--socket", bed.path("waited"), ...idle]);
  await waited.puts("\n");
  const reader = bed.skypipe(["x"], { env: { SKYPIPE_SATELLITE: waited.out.trim() } });
  const empty = bed.skypipe(["satellite", "--memory", "--socket", bed.path("empty"), ...idle]);

  await empty.exits(0); // began last, and its time was over first
  expect([keeping.running, waited.running]).toEqual([true, true]);
  expect((await bed.skypipe(["x"], kept).exits(0)).out).toBe("kept\n");
  await keeping.exits(0);
  reader.kill("SIGTERM");
  await reader.exits(143);
  await waited.exits(0);
  expect(sockets(bed)).toEqual([]);
});

it("a satellite that was killed is replaced by the next command", async () => {
  const bed = useLocal();
  await bed.shell("echo lost with it | skypipe x").exits(0);
  for (const pid of bed.running("satellite")) process.kill(pid, "SIGKILL");

  await bed.shell("echo one | skypipe y").exits(0);
  expect((await bed.skypipe(["y"]).exits(0)).out).toBe("one\n");
  expect(sockets(bed)).toHaveLength(1);
  expect(bed.running("satellite")).toHaveLength(1);
});

it("outlives the command, and has none of its secrets", async () => {
  const bed = useBed();
  const secrets = {
    SKYPIPE_PASSPHRASE: "four words or more",
    SKYPIPE_KEY: "00".repeat(32),
    FLY_API_TOKEN: "fm2_token",
    FLY_ACCESS_TOKEN: "fm2_token",
  };
  await bed.skypipe(["setup", "local"], { env: secrets }).exits(0);
  const [pid] = bed.marked((words) => words.includes("satellite"));
  const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
  for (const name of Object.keys(secrets)) expect(environment).not.toContain(name);
});
