/** `--profile`: the satellite at full speed under the profiler of Node, and what it spends its time on. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { MiB } from "../support/bytes.ts";
import { withBed } from "./beds.ts";
import { flood } from "./flow.ts";
import { pipeOf } from "./routes.ts";

/** What is used of a .cpuprofile. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

export interface Cost {
  what: string;
  /** Of all time that was not idle: 0–1. */
  share: number;
}

const boundMs = 300_000;
const root = fileURLToPath(new URL("../..", import.meta.url));
const shown = 12;

/** Functions by the time that is their own, the most expensive first. */
export function costsOf({ nodes, samples, timeDeltas }: CpuProfile): Cost[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const spent = new Map<string, number>();
  let total = 0;
  for (const [index, id] of samples.entries()) {
    const what = names.get(id) ?? "(unknown)";
    const us = timeDeltas[index] ?? 0;
    if (what === "(idle)") continue;
    spent.set(what, (spent.get(what) ?? 0) + us);
    total += us;
  }
  return [...spent].map(([what, us]) => ({ what, share: us / total })).toSorted((a, b) => b.share - a.share);
}

function nameOf({ functionName, url, lineNumber }: CpuProfile["nodes"][number]["callFrame"]): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  return url === "" ? name : `${name} (${path.basename(url)}:${lineNumber + 1})`;
}

/** Moves bytes and tells the costs. The bundle is as it is shipped, but for the names, which are kept. */
export async function profile(bytes: number, say: (text: string) => void): Promise<void> {
  await withBed(async (bed) => {
    const bundle = bed.path("skypipe.cjs");
    buildNamed(bundle);
    const flags = ["--cpu-prof", "--cpu-prof-interval", "500", "--cpu-prof-dir", bed.path("profile")];
    const relay = bed.spawn(process.execPath, [...flags, bundle, "satellite", "--memory", "--port", "0"]);
    await relay.puts("\n");
    bed.env.SKYPIPE_SATELLITE = relay.out.trim();
    const figures = await flood(bed, { relay, ...pipeOf(bed, "bench") }, bytes, boundMs);
    const { "MiB/s": rate = Number.NaN, "relay CPU s/GiB": cpu = Number.NaN } = figures;
    relay.kill("SIGTERM");
    await relay.exits(0);
    const [file = ""] = readdirSync(bed.path("profile"));
    const found = costsOf(
      JSON.parse(readFileSync(path.join(bed.path("profile"), file), "utf8")) as CpuProfile,
    );
    say(
      `${bytes / MiB} MiB live at ${Math.round(rate)} MiB/s; the satellite, profiled: ${cpu.toFixed(2)} CPU s/GiB`,
    );
    for (const { what, share } of found.slice(0, shown))
      say(`${(share * 100).toFixed(1).padStart(6)} %  ${what}`);
  });
}

function buildNamed(outfile: string): void {
  buildSync({
    absWorkingDir: root,
    entryPoints: ["cli/main.ts"],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "error",
    define: { "import.meta.url": "__filename" },
    external: ["bufferutil", "utf-8-validate"],
  });
}
