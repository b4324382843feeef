/** A person with a token and nothing else: the command, as it is built, against the stand-in for Fly. */
import { createHash } from "node:crypto";
import { cpSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { expect, it, vi } from "vitest";
import { compressBundle } from "../../deploy/bundle.ts";
import { type Bed, command } from "../support/bed.ts";
import { KiB, noise } from "../support/bytes.ts";
import type { Proc } from "../support/proc.ts";
import { until } from "../support/until.ts";
import { useBed } from "../support/use-bed.ts";
import type { StandIn, StandInOptions } from "./stand-in/stand-in.ts";
import { useStandIn } from "./stand-in/use-stand-in.ts";

vi.setConfig({ testTimeout: 90_000 });

interface Computer {
  readonly bed: Bed;
  readonly standIn: StandIn;
  readonly token: string;
}

/** A computer that knows where the stand-in is; with a token in the environment, or without. */
async function useComputer(hasToken: boolean, options: StandInOptions = {}): Promise<Computer> {
  const standIn = await useStandIn(options);
  const token = standIn.token();
  return { bed: nextComputer(standIn, hasToken ? token : null), standIn, token };
}

function nextComputer(standIn: StandIn, token: string | null): Bed {
  const bed = useBed();
  Object.assign(bed.env, standIn.env, token === null ? {} : { FLY_API_TOKEN: `FlyV1 ${token}` });
  return bed;
}

/** The command with another satellite in it, as a later build has. */
function otherBuild(bed: Bed): string {
  const folder = bed.path("other");
  cpSync(path.dirname(command), folder, { recursive: true });
  const file = path.join(folder, "satellite.br");
  const script = brotliDecompressSync(readFileSync(file)).toString();
  writeFileSync(file, compressBundle(Buffer.from(`${script}\n// a later build\n`)));
  return path.join(folder, "skypipe.cjs");
}

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function run(bed: Bed, build: string, args: readonly string[]): Proc {
  return bed.spawn(process.execPath, [build, ...args]);
}

it("first use: choose, paste a token that nobody sees, and the bytes that were piped in arrive", async () => {
  const { bed, standIn, token } = await useComputer(false);
  const pty = bed.pty("printf 'one\\ntwo\\n' | skypipe x");
  await pty.sees(/Where should it live/);
  expect(pty.raw).toMatch(/fly: .*\$2 a month/);
  await pty.type("fly");
  await pty.type("\r");
  await pty.sees(/Fly token/);
  await pty.type(`FlyV1 ${token}\r`);
  await pty.exits(0);
  for (const part of token.split(",")) expect(pty.raw).not.toContain(part);
  expect(standIn.running).toHaveLength(1);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("one\ntwo\n");

  const settings = bed.path("config/settings.json");
  expect(statSync(settings).mode & 0o777).toBe(0o600);
  expect(readFileSync(settings, "utf8")).toContain(token);
});

it("a second computer with the token alone finds it, and both talk", async () => {
  const { bed, standIn, token } = await useComputer(true);
  await bed.skypipe(["setup", "fly", "--yes"]).exits(0);
  const before = standIn.requests.length;
  const other = nextComputer(standIn, token);
  const reader = other.skypipe(["hello"]);
  await bed.shell("echo hello | skypipe hello").exits(0);
  expect((await reader.exits(0)).out).toBe("hello\n");
  const seen = standIn.requests.slice(before);
  expect(seen.filter((request) => !request.startsWith("GET "))).toEqual([]);

  await nextComputer(standIn, token).skypipe(["setup", "fly", "--yes"]).exits(0);
  expect(standIn.running).toHaveLength(1);
});

it("once it is remembered, a command asks nothing of Fly", async () => {
  const { bed, standIn } = await useComputer(true);
  await bed.skypipe(["setup", "fly", "--yes"]).exits(0);
  delete bed.env.FLY_API_TOKEN;
  const before = standIn.requests.length;
  await bed.shell("echo x | skypipe a").exits(0);
  expect((await bed.skypipe(["a"]).exits(0)).out).toBe("x\n");
  expect(standIn.requests).toHaveLength(before);
});

it("a machine that dies comes again with what waited", async () => {
  const { bed, standIn } = await useComputer(true);
  await bed.skypipe(["setup", "fly", "--yes"]).exits(0);
  await bed.shell("echo kept | skypipe a").exits(0);
  const before = standIn.machines[0]?.process?.pid;
  standIn.crash();
  await until("another process runs", () => {
    const pid = standIn.machines[0]?.process?.pid ?? null;
    return pid !== null && pid !== before;
  });
  expect((await bed.skypipe(["a"]).exits(0)).out).toBe("kept\n");
});

it("without a disk the same is lost, as was said, and an upgrade refuses to lose it", async () => {
  const { bed, standIn } = await useComputer(true);
  const { err } = await bed.skypipe(["setup", "fly", "--yes", "--no-volume"]).exits(0);
  expect(err).toMatch(/without a disk, a restart of the machine loses what waits/);
  expect([...(standIn.apps[0]?.volumes.keys() ?? [])]).toEqual([]);
  await bed.shell("echo lost | skypipe a").exits(0);
  const refused = await run(bed, otherBuild(bed), ["upgrade", "--yes"]).exits(2);
  expect(refused.err).toMatch(/holds 1 stream in memory, and an upgrade would lose that/);
  standIn.crash();
  await until("it is empty", async () => (await bed.list()).length === 0);
});

it("a satellite that nobody uses rests, keeps what waits, and is woken by the next command", async () => {
  const { bed, standIn } = await useComputer(true, { autostopMs: 50 });
  await bed.skypipe(["setup", "fly", "--yes"]).exits(0);
  await bed.shell("echo kept | skypipe a").exits(0);
  await until("it rests", () => standIn.machines[0]?.state === "stopped");
  const reader = bed.skypipe(["b"]);
  await bed.pipe("b", { readers: 1 });
  expect((await bed.skypipe(["a"]).exits(0)).out).toBe("kept\n");
  // Somebody is connected: it goes on, long after the time in which it would rest.
  await bed.pipe("b", { readers: 1 });
  expect(standIn.machines[0]?.state).toBe("started");
  await bed.shell("echo done | skypipe b").exits(0);
  expect((await reader.exits(0)).out).toBe("done\n");
});

it("an upgrade in the middle of a transfer loses and repeats no byte, whatever else the proxy cuts", async () => {
  const { bed, standIn } = await useComputer(true);
  await bed.skypipe(["setup", "fly", "--yes"]).exits(0);
  await bed.shell("echo before | skypipe backlog").exits(0);
  const build = otherBuild(bed);
  const reader = bed.skypipe(["recv", "x", "-o", bed.path("got")]);
  await bed.pipe("x", { readers: 1 });
  const writer = bed.skypipe(["send", "x", "--whole", "--limit", "2M"], { stdin: "socket" });
  const sent = createHash("sha256");
  const over = new AbortController();
  const feed = async (): Promise<void> => {
    for (let block = 0; !over.signal.aborted; block++) {
      const bytes = noise(64 * KiB, block);
      sent.update(bytes);
      await writer.write(bytes);
    }
    writer.end();
  };
  const fed = feed();
  await bed.pipe("x", { writers: 1 });
  const old = standIn.machines[0]?.instance_id;
  const { err } = await run(bed, build, ["upgrade", "--yes"]).exits(0, 60_000);
  expect(err).toMatch(/starts again/);
  expect(standIn.machines[0]?.instance_id).not.toBe(old);
  standIn.edge.cutAll();
  await bed.pipe("x", { writers: 1, readers: 1 });
  over.abort();
  await fed;
  await writer.exits(0, 60_000);
  await reader.exits(0, 60_000);
  expect(sha256(bed.path("got"))).toBe(sent.digest("hex"));
  expect((await bed.skypipe(["backlog"]).exits(0)).out).toBe("before\n");
  expect(standIn.machines).toHaveLength(1);
}, 240_000);

it("check says where it is and compares what runs there with what this command would deploy", async () => {
  const { bed, standIn } = await useComputer(true);
  await bed.skypipe(["setup", "fly", "--yes", "--region", "ams"]).exits(0);
  const { out } = await bed.skypipe(["check", "--json"]).exits(0);
  const hash = sha256(path.join(path.dirname(command), "satellite.br"));
  expect(JSON.parse(out)).toMatchObject({
    where: "fly",
    region: "ams",
    place: `app ${standIn.apps[0]?.name} of acme`,
    bundle: hash,
    isOwnBundle: true,
    store: "files",
  });
  const other = await run(bed, otherBuild(bed), ["check"]).exits(0);
  expect(other.out).toContain(`${hash} (not this command's: skypipe upgrade)`);
});

it("reset leaves nothing, and says so; done again there is nothing", async () => {
  const { bed, standIn } = await useComputer(true);
  await bed.skypipe(["setup", "fly", "--yes"]).exits(0);
  expect((await bed.skypipe(["reset", "--yes"]).exits(0)).err).toMatch(/destroyed the app/);
  expect(standIn.leftovers).toEqual([]);
  await bed.skypipe(["reset", "--yes"]).exits(0);
  await bed.skypipe(["ls"]).exits(3);
});

it("two computers that set up at once end with one, and both use it", async () => {
  const { bed, standIn, token } = await useComputer(true);
  const other = nextComputer(standIn, token);
  const both = [bed, other].map((each) => each.skypipe(["setup", "fly", "--yes"]));
  await Promise.all(both.map(async (proc) => proc.exits(0, 60_000)));
  expect(standIn.running).toHaveLength(1);
  expect([...(standIn.apps[0]?.volumes.values() ?? [])]).toHaveLength(1);
  await bed.shell("echo hello | skypipe a").exits(0);
  expect((await other.skypipe(["a"]).exits(0)).out).toBe("hello\n");
});

it("killed after each request in turn, setup run again ends with one healthy satellite and no orphan", async () => {
  const { bed, standIn } = await useComputer(true);
  let isKilled = true;
  for (let after = 0; isKilled; after++) {
    isKilled = false;
    const proc = bed.skypipe(["setup", "fly", "--yes"]);
    // It dies when its request has been carried out, and before it hears of that.
    standIn.fail({
      on: /./,
      after,
      effect: "lose-answer",
      onLoss: () => {
        isKilled = true;
        proc.kill("SIGKILL");
      },
    });
    await proc.exited;
    standIn.mend();
    await bed.skypipe(["setup", "fly", "--yes"]).exits(0, 60_000);
    expect(standIn.running, `after request ${after + 1}`).toHaveLength(1);
    expect(standIn.apps).toHaveLength(1);
    expect([...(standIn.apps[0]?.volumes.values() ?? [])]).toHaveLength(1);
    expect(standIn.apps[0]?.ips).toHaveLength(2);
    await bed.shell("echo hello | skypipe a").exits(0);
    expect((await bed.skypipe(["a"]).exits(0)).out).toBe("hello\n");
    await bed.skypipe(["reset", "--yes"]).exits(0);
    expect(standIn.leftovers).toEqual([]);
  }
}, 300_000);

it("what another computer has made anew is found again, and one that is gone is told", async () => {
  const { bed, standIn, token } = await useComputer(true);
  await bed.skypipe(["setup", "fly", "--yes"]).exits(0);
  delete bed.env.FLY_API_TOKEN;
  const other = nextComputer(standIn, token);
  await other.skypipe(["setup", "fly", "--yes"]).exits(0);
  await other.skypipe(["reset", "--yes"]).exits(0);
  await other.skypipe(["setup", "fly", "--yes"]).exits(0);
  await bed.shell("echo again | skypipe a").exits(0);
  const before = standIn.requests.length;
  expect((await bed.skypipe(["a"]).exits(0)).out).toBe("again\n");
  expect(standIn.requests).toHaveLength(before); // it is remembered
  await other.skypipe(["reset", "--yes"]).exits(0);
  expect((await bed.skypipe(["ls"]).exits(3)).err).toMatch(
    /no satellite in your Fly account any more.*setup fly/,
  );
});

it("a token in the environment that is for something else does no harm", async () => {
  const { bed, standIn } = await useComputer(false);
  bed.env.FLY_API_TOKEN = standIn.token({ apps: ["shop"] });
  expect((await bed.skypipe(["ls"]).exits(3)).err).toMatch(/no satellite is known here: run skypipe setup/);
  bed.env.FLY_API_TOKEN = "fm2_old";
  expect((await bed.skypipe(["ls"]).exits(3)).err).toMatch(
    /no satellite is known here.*FLY_API_TOKEN found none: skypipe setup fly makes one, or says/,
  );
});

it("a wrong token is one sentence with the way to a right one, exit 4, and nothing is remembered", async () => {
  const { bed, standIn } = await useComputer(false);
  bed.env.FLY_API_TOKEN = "fm2_wrong";
  const { err } = await bed.skypipe(["setup", "fly", "--yes"]).exits(4);
  expect(err).toMatch(/^skypipe: Fly does not accept the token: .*fly tokens create org.*\n$/);
  delete bed.env.FLY_API_TOKEN;
  expect((await bed.skypipe(["setup", "fly", "--yes"]).exits(2)).err).toMatch(/no Fly token is known/);
  await bed.skypipe(["ls"]).exits(3);
  expect(standIn.leftovers).toEqual([]);
});

it("a remembered token that is good no more is asked for anew, and without a terminal taken from the environment", async () => {
  const { bed, standIn, token } = await useComputer(true);
  await bed.skypipe(["setup", "fly", "--yes"]).exits(0);
  delete bed.env.FLY_API_TOKEN;
  standIn.state.tokens.delete(token);
  const { err } = await bed.skypipe(["setup", "fly", "--yes"]).exits(4);
  expect(err).toMatch(/does not accept the token.*give it to skypipe setup fly/);

  const next = standIn.token();
  const pty = bed.pty("skypipe setup fly");
  await pty.sees(/does not accept the token/);
  await pty.sees(/Fly token \(make one/);
  await pty.type(`${next}\r`);
  await pty.exits(0);
  await bed.skypipe(["upgrade"]).exits(0);

  standIn.state.tokens.delete(next);
  await bed.skypipe(["setup", "fly", "--yes"], { env: { FLY_API_TOKEN: standIn.token() } }).exits(0);
  await bed.skypipe(["reset", "--yes"]).exits(0);
  expect(standIn.leftovers).toEqual([]);
});

it("settings that hold no token are mended by setup as those with an old one", async () => {
  const { bed } = await useComputer(true);
  await bed.skypipe(["setup", "fly", "--yes"]).exits(0);
  const saved = JSON.parse(readFileSync(bed.path("config/settings.json"), "utf8")) as {
    satellites: { fly: { credentials: object } };
  };
  saved.satellites.fly.credentials = { org: "acme" };
  bed.write("config/settings.json", JSON.stringify(saved), 0o600);
  const { FLY_API_TOKEN } = bed.env;
  delete bed.env.FLY_API_TOKEN;
  expect((await bed.skypipe(["upgrade"]).exits(4)).err).toMatch(/holds no token.*skypipe setup fly/);
  await bed.skypipe(["setup", "fly", "--yes"], { env: { FLY_API_TOKEN } }).exits(0);
  await bed.skypipe(["upgrade"]).exits(0);
});

it("another organization than the remembered one is never passed over", async () => {
  const { bed, standIn } = await useComputer(true);
  standIn.addOrg("other");
  await bed.skypipe(["setup", "fly", "--yes"]).exits(0);
  delete bed.env.FLY_API_TOKEN;
  const { err } = await bed.skypipe(["setup", "fly", "--yes", "--org", "other"]).exits(2);
  expect(err).toMatch(/no Fly token is known/);
  bed.env.FLY_API_TOKEN = standIn.token({ orgs: ["acme", "other"] });
  await bed.skypipe(["setup", "fly", "--yes", "--org", "other"]).exits(0);
  expect(standIn.apps).toHaveLength(2);
});

it("when neither it nor Fly can be reached, the satellite is what is told of", async () => {
  const { bed, standIn } = await useComputer(true);
  await bed.skypipe(["setup", "fly", "--yes"]).exits(0);
  const host = `${standIn.apps[0]?.name}.localhost:${standIn.edgePort}`;
  standIn.edge.close();
  bed.env.FLY_API_HOSTNAME = "http://127.0.0.1:1";
  const { err } = await bed.skypipe(["ls"]).exits(3, 60_000);
  expect(err).toContain(host);
  expect(err).not.toContain("Fly's API");
});

it("a command does not wait for ever for a Fly that says nothing", async () => {
  const { bed, standIn } = await useComputer(true);
  standIn.fail({ on: /./, times: Number.POSITIVE_INFINITY, effect: () => new Promise(() => undefined) });
  const { err } = await bed.skypipe(["ls"]).exits(3, 60_000);
  expect(err).toMatch(/cannot reach Fly's API at 127\.0\.0\.1:\d+: it does not answer/);
});

it("a half-made satellite of an older version is made whole", async () => {
  const { bed, standIn } = await useComputer(true);
  await bed.skypipe(["setup", "fly", "--yes"]).exits(0);
  const [machine] = standIn.machines;
  if (machine === undefined) throw new Error("no machine was made");
  // As before there were a token, metadata and addresses.
  await standIn.stop(machine);
  machine.config = { ...machine.config, env: {}, metadata: {}, files: [], init: { exec: ["/bin/none"] } };
  machine.state = "stopped";
  standIn.apps[0]?.ips.splice(0);
  await bed.skypipe(["setup", "fly", "--yes"]).exits(0);
  await bed.shell("echo hello | skypipe a").exits(0);
  expect((await bed.skypipe(["a"]).exits(0)).out).toBe("hello\n");
  expect(standIn.machines).toHaveLength(1);
  expect(standIn.apps[0]?.ips).toHaveLength(2);
});
