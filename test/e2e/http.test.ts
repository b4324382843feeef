/** curl and wget as ends, beside the command, on one pipe: real processes, real files, SHA-256 on both sides. */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Bed, Row } from "../support/bed.ts";
import { KiB, MiB, noiseFile, numberedLines } from "../support/bytes.ts";
import { Durable } from "../support/durable.ts";
import type { Proc, ProcOptions } from "../support/proc.ts";
import { useBed } from "../support/use-bed.ts";

/** A bed with a satellite, whose address is `$SAT` in lines for a shell. */
async function start(flags: readonly string[] = [], options?: ProcOptions): Promise<Bed> {
  const bed = useBed();
  bed.env.SAT = (await bed.satellite(flags, options)).url;
  return bed;
}

function ageless(row: Row): Row {
  return { ...row, oldestAgeS: 0 };
}

function curl(bed: Bed, path: string, args: readonly string[] = [], options?: ProcOptions): Proc {
  return bed.spawn("curl", ["-sS", ...args, `${bed.env.SAT}${path}`], options);
}

function wget(bed: Bed, path: string, args: readonly string[] = [], options?: ProcOptions): Proc {
  return bed.spawn("wget", ["-q", "-t1", "-O-", ...args, `${bed.env.SAT}${path}`], options);
}

describe("a file", () => {
  it.each([
    ["curl -T file", ["-T", "file"]],
    ["curl -T - (in chunks)", ["-T", "-"]],
    ["curl --data-binary @file", ["--data-binary", "@file"]],
  ])("[H-6] [H-13] by %s to the command, and back by curl and wget", async (_, args) => {
    const bed = await start();
    const sum = noiseFile(bed.path("file"), 3 * MiB + 17, 1);
    for (const read of [
      () => bed.skypipe(["recv", "x"], { stdout: "hash" }),
      () => curl(bed, "/p/x", [], { stdout: "hash" }),
      () => wget(bed, "/p/x", [], { stdout: "hash" }),
    ]) {
      const written = await curl(bed, "/p/x", args, { stdin: { file: bed.path("file") } }).exits(0);
      expect(written.out + written.err).toBe("");
      expect((await read().exits(0)).sha256).toBe(sum);
      await bed.pipe("x", { streams: 0 });
    }
  });

  it("[H-6] by wget --post-file and --method=PUT", async () => {
    const bed = await start();
    const sum = noiseFile(bed.path("file"), 2 * MiB, 1);
    for (const args of [
      [`--post-file=${bed.path("file")}`],
      ["--method=PUT", `--body-file=${bed.path("file")}`],
    ]) {
      await wget(bed, "/p/x", args).exits(0);
      expect((await bed.skypipe(["recv", "x"], { stdout: "hash" }).exits(0)).sha256).toBe(sum);
    }
  });

  it("[H-13] from the command, live: curl and a reader of ours get the same", async () => {
    const bed = await start();
    const sum = noiseFile(bed.path("file"), 8 * MiB, 1);
    const readers = [
      curl(bed, "/p/x", [], { stdout: "hash" }),
      curl(bed, "/p/x", ["--http1.0"], { stdout: "hash" }),
      bed.skypipe(["recv", "x"], { stdout: "hash" }),
    ];
    await bed.pipe("x", { readers: 3 });
    await bed.skypipe(["send", "x", "file"]).exits(0);
    for (const reader of readers) expect((await reader.exits(0)).sha256).toBe(sum);
    await bed.pipe("x", { streams: 0, readers: 0 });
  });

  it("[H-12] keeps its name on the way through curl, in both directions", async () => {
    const bed = await start();
    writeFileSync(bed.path("plan.txt"), "plan\n");
    const named = ["-T", "plan.txt", "-H", 'Content-Disposition: attachment; filename="plän.txt"'];
    await curl(bed, "/p/x", named).exits(0);
    await bed.shell("mkdir got && cd got && wget -q -t1 --content-disposition $SAT/p/x").exits(0);
    expect(readFileSync(bed.path("got/plän.txt"), "utf8")).toBe("plan\n");
    await bed.skypipe(["send", "x", "plan.txt"]).exits(0);
    await bed.shell("cd got && curl -sSOJ $SAT/p/x").exits(0);
    expect(readFileSync(bed.path("got/plan.txt"), "utf8")).toBe("plan\n");
  });

  it("[H-1] goes into a pipe with slashes in its name, and into the default pipe", async () => {
    const bed = await start();
    await bed
      .shell("echo slashes | curl -sST - $SAT/p/logs/web; echo default | curl -sST - $SAT/p/")
      .exits(0);
    expect((await bed.skypipe(["recv", "logs/web"]).exits(0)).out).toBe("slashes\n");
    expect((await bed.skypipe([], {}).exits(0)).out).toBe("default\n");
  });
});

describe("lines", () => {
  it("[H-7] [L-6] of several curls and a command merge whole, for a curl and a command", async () => {
    const bed = await start();
    const readers = [curl(bed, "/p/logs", ["-N"]), bed.skypipe(["recv", "logs"])];
    await bed.pipe("logs", { readers: 2 });
    const owners = ["a", "b", "c", "d"];
    const count = 2_000;
    const socket = { stdin: "socket" } as const;
    const writers = owners.map((_, index) =>
      index === 0 ? bed.skypipe(["send", "logs"], socket) : curl(bed, "/p/logs", ["-T", "-"], socket),
    );
    await bed.pipe("logs", { writers: owners.length });
    const lines = owners.map((owner) => numberedLines(owner, count));
    for (let from = 0; from < count; from += 50) {
      for (const [index, writer] of writers.entries()) {
        await writer.write(lines[index]?.slice(from, from + 50).join("") ?? "");
      }
    }
    for (const writer of writers) writer.end();
    for (const writer of writers) await writer.exits(0);
    for (const reader of readers) {
      const got = (await reader.exits(0)).out.match(/.*\n/g) ?? [];
      for (const [index, owner] of owners.entries()) {
        expect(got.filter((line) => line.startsWith(`${owner} `))).toEqual(lines[index]);
      }
      expect(got).toHaveLength(owners.length * count);
    }
  });

  it("[H-13] [L-8] an EOF releases whoever waits, with curl on either side", async () => {
    const bed = await start();
    const here = bed.shell("curl -sS $SAT/p/trigger; echo go");
    await bed.pipe("trigger", { readers: 1 });
    await bed.shell("echo | skypipe trigger").exits(0);
    expect((await here.exits(0)).out).toBe("\ngo\n");
    await bed.shell("echo | curl -sST - $SAT/p/trigger").exits(0);
    expect((await bed.shell("skypipe trigger; echo go").exits(0)).out).toBe("\ngo\n");
  });

  it("[H-13] [L-7] tail -f through curl to curl, line by line, until the end", async () => {
    const bed = await start();
    writeFileSync(bed.path("log"), "first\n");
    const reader = curl(bed, "/p/log", ["-N"]);
    await bed.pipe("log", { readers: 1 });
    const writer = bed.shell("exec tail -f log | curl -sST - $SAT/p/log");
    await reader.puts("first\n");
    writeFileSync(bed.path("log"), "second\n", { flag: "a" });
    await reader.puts("first\nsecond\n");
    process.kill(-writer.pid, "SIGTERM");
    // curl is killed as well: its body stops before its end.
    expect((await reader.exits(18)).out).toBe("first\nsecond\n");
  });

  it("[H-13] [L-10] jobs are shared among curls and commands", async () => {
    const bed = await start();
    const workers = [
      curl(bed, "/p/jobs?one"),
      bed.skypipe(["recv", "jobs", "--one"]),
      wget(bed, "/p/jobs?one"),
    ];
    await bed.pipe("jobs", { readers: 3 });
    for (const job of ["1", "2", "3"]) await bed.shell(`echo ${job} | curl -sST - $SAT/p/jobs`).exits(0);
    const outs = [];
    for (const worker of workers) outs.push((await worker.exits(0)).out);
    expect(outs.toSorted()).toEqual(["1\n", "2\n", "3\n"]);
  });
});

describe("the truth at the end", () => {
  it("[H-6] [L-9] a curl that is killed in the middle of its upload aborts: the command exits 5", async () => {
    const bed = await start();
    const reader = bed.skypipe(["recv", "x"]);
    await bed.pipe("x", { readers: 1 });
    const writer = curl(bed, "/p/x", ["-T", "-"], { stdin: "socket" });
    await writer.write("a line\n");
    await reader.puts("a line\n");
    writer.kill("SIGKILL");
    const { out, err } = await reader.exits(5);
    expect([out, err]).toEqual(["a line\n", expect.stringMatching(/not complete: its HTTP request ended/)]);
  });

  it("[H-15] [L-9] a command that is killed in the middle: curl exits 18, wget 4, with what there was", async () => {
    const bed = await start(["--grace", "1s"]);
    const readers = [curl(bed, "/p/x", ["-N"]), wget(bed, "/p/x")];
    await bed.pipe("x", { readers: 2 });
    const writer = bed.skypipe(["send", "x"], { stdin: "socket" });
    await writer.write("a line\n");
    for (const reader of readers) await reader.puts("a line\n");
    writer.kill("SIGKILL");
    expect((await readers[0]?.exits(18))?.out).toBe("a line\n");
    expect((await readers[1]?.exits(4))?.out).toBe("a line\n");
  });

  it("[H-15] [L-3] a curl that is killed in the middle of a download leaves the file whole for the next", async () => {
    const bed = await start();
    const sum = noiseFile(bed.path("file"), 24 * MiB, 1);
    await bed.skypipe(["send", "x", "file"]).exits(0);
    const first = curl(bed, "/p/x", ["--limit-rate", "1M"], { stdout: "hash" });
    await first.putsBytes(1);
    first.kill("SIGKILL");
    await bed.pipe("x", { streams: 1, bytes: 24 * MiB, readers: 0 });
    expect((await curl(bed, "/p/x", [], { stdout: "hash" }).exits(0)).sha256).toBe(sum);
    await bed.pipe("x", { streams: 0 });
  });

  it("[H-14] a curl that is killed when the last byte is on its way leaves a file that fits a socket whole", async () => {
    const bed = await start();
    const sum = noiseFile(bed.path("file"), 700 * KiB, 1);
    await bed.skypipe(["send", "x", "file"]).exits(0);
    // Nobody reads what it puts out, so it stops reading after a while.
    const first = curl(bed, "/p/x", [], { stdout: "hold" });
    await bed.pipe("x", { readers: 1 });
    first.kill("SIGKILL");
    await bed.pipe("x", { streams: 1, readers: 0 });
    expect((await curl(bed, "/p/x", [], { stdout: "hash" }).exits(0)).sha256).toBe(sum);
  });

  it("[H-8] curl -f exits 22 for what is refused, and says nothing of success", async () => {
    const bed = await start(["--max-buffer", "1M"]);
    noiseFile(bed.path("file"), 4 * MiB, 1);
    const { err } = await curl(bed, "/p/x", ["-f", "-T", "file"]).exits(22);
    expect(err).toContain("507");
    expect((await curl(bed, "/p/x", ["-T", "file"]).exits(0)).out).toMatch(/^the satellite is full/);
    expect((await curl(bed, "/p/y?timeout=50ms").exits(0)).out).toMatch(/nothing has begun to arrive/);
  });

  it("[H-10] curl --retry with a key writes once, though the answer was lost", async () => {
    const bed = await start();
    const keyed = ["-T", "-", "-H", "Idempotency-Key: 8a6f", "-H", "Accept: application/json"];
    writeFileSync(bed.path("file"), "once\n");
    const outs = [];
    for (let turn = 0; turn < 3; turn++) {
      outs.push((await curl(bed, "/p/x", keyed, { stdin: { file: bed.path("file") } }).exits(0)).out);
    }
    expect(new Set(outs).size).toBe(1);
    await bed.pipe("x", { streams: 1, bytes: 5 });
  });
});

describe("what is there", () => {
  it("[H-17] GET /p is ls --json; HEAD looks; DELETE is rm", async () => {
    const bed = await start();
    await bed.shell("echo x | curl -sST - $SAT/p/x; echo | skypipe send ''").exits(0);
    const listed = JSON.parse((await curl(bed, "/p").exits(0)).out) as Row[];
    const named = listed.toSorted((a, b) => a.name.localeCompare(b.name));
    expect(named.map(ageless)).toEqual((await bed.list()).map(ageless));
    expect((await curl(bed, "/p/x", ["-I", "-o", "/dev/null", "-w", "%{http_code}"]).exits(0)).out).toBe(
      "200",
    );
    await curl(bed, "/p/x", ["-f", "-X", "DELETE"]).exits(0);
    expect((await curl(bed, "/p/x", ["-I", "-o", "/dev/null", "-w", "%{http_code}"]).exits(0)).out).toBe(
      "404",
    );
    await bed.pipe("x", { streams: 0 });
  });

  it("[H-3] with a token: Bearer from a file, Basic from .netrc; without it, 401", async () => {
    const bed = await start([], { env: { SKYPIPE_TOKEN: "s3cret" } });
    writeFileSync(bed.path("auth"), "Authorization: Bearer s3cret\n");
    writeFileSync(bed.path("home/.netrc"), `machine 127.0.0.1 login anybody password s3cret\n`, {
      mode: 0o600,
    });
    await bed.shell("echo hello | curl -sSf -H @auth -T - $SAT/p/x").exits(0);
    expect((await bed.shell("curl -sSf -n $SAT/p/x").exits(0)).out).toBe("hello\n");
    await bed.shell("echo again | curl -sSf -n -T - $SAT/p/x").exits(0);
    expect((await bed.shell("wget -q -t1 -O- $SAT/p/x").exits(0)).out).toBe("again\n");
    expect((await bed.shell("curl -sSf $SAT/p/x").exits(22)).err).toContain("401");
  });

  it("works over the Unix socket of a local satellite", async () => {
    const bed = useBed();
    const satellite = bed.skypipe(["satellite", "--socket", bed.path("s")]);
    await satellite.puts("\n");
    const unix = `--unix-socket ${bed.path("s")}`;
    await bed.shell(`echo hello | curl -sSf ${unix} -T - http://satellite/p/x`).exits(0);
    expect((await bed.shell(`curl -sSf ${unix} http://satellite/p/x`).exits(0)).out).toBe("hello\n");
  });
});

describe("what lasts", () => {
  it("[H-8] [H-20] what was answered by 204 survives SIGKILL, and what a curl had not read does too", async () => {
    const bed = useBed();
    const satellite = await Durable.on(bed);
    bed.env.SAT = satellite.url;
    const sum = noiseFile(bed.path("file"), 24 * MiB, 1);
    await curl(bed, "/p/x", ["-f", "-T", "file"]).exits(0);
    const reader = curl(bed, "/p/x", ["--limit-rate", "1M"], { stdout: "hash" });
    await reader.putsBytes(1);
    await satellite.kill();
    expect((await reader.exited).status).not.toBe(0);
    await satellite.start();
    await bed.pipe("x", { streams: 1, bytes: 24 * MiB });
    expect((await curl(bed, "/p/x", ["-f"], { stdout: "hash" }).exits(0, 40_000)).sha256).toBe(sum);
    await bed.pipe("x", { streams: 0 });
  }, 60_000);
});
