/** Each line of the README's table "Without skypipe installed", run as it stands there, on a satellite with a token. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Bed } from "../support/bed.ts";
import { KiB, noiseFile, sha256OfFile } from "../support/bytes.ts";
import { useBed } from "../support/use-bed.ts";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const section = /^## Without skypipe installed\n(.*?)^## /ms.exec(readme)?.[1] ?? "";
const lines = [...section.matchAll(/^\| `((?:\\\||[^`])+)` \|/gm)].map(([, line = ""]) =>
  line.replaceAll("\\|", "|"),
);

/** What a line of the table must do, by how it begins; `line` is the whole. */
const trials: Record<string, (bed: Bed, line: string) => Promise<void>> = {
  "date | curl": async (bed, line) => {
    await bed.shell(line).exits(0);
    expect((await bed.skypipe(["recv", "greetings"]).exits(0)).out).toMatch(/\d\d:\d\d:\d\d/);
  },
  "curl -nfsS $SAT/p/greetings": async (bed, line) => {
    const reader = bed.shell(line);
    await bed.pipe("greetings", { readers: 1 });
    await bed.shell("echo hello | skypipe greetings").exits(0);
    expect((await reader.exits(0)).out).toBe("hello\n");
  },
  "tail -f x.log | curl": async (bed, line) => {
    writeFileSync(bed.path("x.log"), "first\n");
    const reader = bed.skypipe(["recv", "logs", "--follow"]);
    await bed.pipe("logs", { readers: 1 });
    bed.shell(line);
    await reader.puts("first\n");
    appendFileSync(bed.path("x.log"), "second\n");
    await reader.puts("first\nsecond\n");
  },
  'curl -nfsSN "$SAT/p/logs?follow"': async (bed, line) => {
    const reader = bed.shell(line);
    await bed.pipe("logs", { readers: 1 });
    await bed.shell("echo one | skypipe logs; echo two | skypipe logs").exits(0);
    await reader.puts("one\ntwo\n");
  },
  "curl -nfsS -T plan.pdf": async (bed, line) => {
    const sum = noiseFile(bed.path("plan.pdf"), 300 * KiB, 1);
    await bed.shell(line).exits(0);
    expect((await bed.skypipe(["recv", "files"], { stdout: "hash" }).exits(0)).sha256).toBe(sum);
  },
  "curl -nfsS -OJ": async (bed, line) => {
    const sum = noiseFile(bed.path("plan.pdf"), 300 * KiB, 1);
    await bed.shell("skypipe send files plan.pdf && rm plan.pdf").exits(0);
    await bed.shell(line).exits(0);
    expect(await sha256OfFile(bed.path("plan.pdf"))).toBe(sum);
  },
  "make 2>&1 | curl": async (bed, line) => {
    const writer = bed.shell(`make() { echo built; echo warning >&2; }; ${line}`);
    await bed.pipe("build", { streams: 1, writers: 0 });
    expect(writer.running).toBe(true);
    expect((await bed.skypipe(["recv", "build"]).exits(0)).out).toBe("built\nwarning\n");
    await writer.exits(0);
  },
  'curl -nfsS "$SAT/p/jobs?one" | sh': async (bed, line) => {
    await bed.shell("echo echo done | skypipe send jobs").exits(0);
    expect((await bed.shell(line).exits(0)).out).toBe("done\n");
  },
  'curl -nfsS "$SAT/p/trigger?timeout=30s"': async (bed, line) => {
    const reader = bed.shell(line);
    await bed.pipe("trigger", { readers: 1 });
    await bed.shell("echo | skypipe trigger").exits(0);
    expect((await reader.exits(0)).out).toBe("\ngo\n");
    const late = await bed.shell(line.replace("30s", "50ms")).exits(22);
    expect([late.out, late.err]).toEqual(["", expect.stringContaining("408")]);
  },
  "wget -q --post-file=plan.pdf": async (bed, line) => {
    const sum = noiseFile(bed.path("plan.pdf"), 300 * KiB, 1);
    await bed.shell(line).exits(0);
    expect((await bed.skypipe(["recv", "files"], { stdout: "hash" }).exits(0)).sha256).toBe(sum);
  },
  "wget -q -t1 -O plan.pdf": async (bed, line) => {
    const sum = noiseFile(bed.path("plan.pdf"), 300 * KiB, 1);
    await bed.shell("skypipe send files plan.pdf && rm plan.pdf").exits(0);
    await bed.shell(line).exits(0);
    expect(await sha256OfFile(bed.path("plan.pdf"))).toBe(sum);
  },
  "curl -nfsS -T x.log": async (bed, line) => {
    writeFileSync(bed.path("x.log"), "a line\n");
    await bed.shell(`${line} && ${line}`).exits(0);
    await bed.pipe("logs", { streams: 1, bytes: 7 });
  },
  "curl -nfsS $SAT/p": async (bed, line) => {
    await bed.shell("echo hello | skypipe greetings").exits(0);
    expect(JSON.parse((await bed.shell(line).exits(0)).out)).toMatchObject([{ name: "greetings", bytes: 6 }]);
  },
  "curl -nfsS -I": async (bed, line) => {
    await bed.shell(line).exits(22);
    await bed.shell("echo hello | skypipe logs").exits(0);
    expect((await bed.shell(line).exits(0)).out).toMatch(/^HTTP\/1.1 200 /);
  },
  "curl -nfsS -X DELETE": async (bed, line) => {
    await bed.shell("echo hello | skypipe logs").exits(0);
    await bed.shell(line).exits(0);
    await bed.pipe("logs", { streams: 0 });
  },
  "curl -nfsSN -H": async (bed, line) => {
    const feed = bed.shell(line);
    await feed.puts("data: []\n\n");
    await bed.shell("echo hello | skypipe greetings").exits(0);
    await feed.puts(/data: \[\{"name":"greetings","streams":1,"bytes":6,/);
  },
  "curl -nfsS $SAT/metrics": async (bed, line) => {
    expect((await bed.shell(line).exits(0)).out).toMatch(/^skypipe_pipes 0$/m);
  },
};

/** The trial of the longest beginning. */
function trialOf(line: string): string {
  const begins = Object.keys(trials).filter((begin) => line === begin || line.startsWith(`${begin} `));
  return begins.toSorted((a, b) => b.length - a.length)[0] ?? "";
}

describe("the README", () => {
  it("has the lines that are tried here, and no other", () => {
    expect(lines.map(trialOf).toSorted()).toEqual(Object.keys(trials).toSorted());
  });

  it.each(lines)("%s", async (line) => {
    const bed = useBed();
    const { url } = await bed.satellite([], { env: { SKYPIPE_TOKEN: "s3cret" } });
    bed.env.SAT = url;
    bed.env.SKYPIPE_TOKEN = "s3cret";
    const netrc = /`machine (\S+) login (\S+) password TOKEN`/.exec(section) ?? [];
    const entry = netrc[0]
      ?.replaceAll("`", "")
      .replace("pipes.example.com", "127.0.0.1")
      .replace("TOKEN", "s3cret");
    writeFileSync(bed.path("home/.netrc"), `${entry}\n`, { mode: 0o600 });
    await trials[trialOf(line)]?.(bed, line);
  });
});
