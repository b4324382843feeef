/** Sealing as its user sees it: real processes, a satellite that lies, and what is on its disk and in its memory. */
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { connect, makeKey } from "../../cli/client/index.ts";
import type { Bed } from "../support/bed.ts";
import { KiB, MiB, noiseFile, numberedLines, sha256OfFile } from "../support/bytes.ts";
import { Durable } from "../support/durable.ts";
import { EvilSatellite, type Lies, type Said } from "../support/evil-satellite.ts";
import { countInMemory } from "../support/memory-of.ts";
import { until } from "../support/until.ts";
import { useBed } from "../support/use-bed.ts";
import { useLink } from "../support/use-link.ts";
import { liveThroughCuts } from "./durable-scenarios.ts";

const key = makeKey();

function sealedBed(): Bed {
  const bed = useBed();
  bed.env.SKYPIPE_KEY = key;
  return bed;
}

describe("the four lines, sealed", () => {
  it("a file, byte-exact, in both orders", async () => {
    const bed = sealedBed();
    await bed.satellite();
    const sent = noiseFile(bed.path("file"), 3 * MiB + 17, 5);
    const here = bed.shell("skypipe > live");
    await bed.pipe("", { readers: 1 });
    await bed.shell("cat file | skypipe").exits(0);
    await here.exits(0);
    await bed.shell("skypipe < file").exits(0);
    const { err } = await bed.shell("skypipe > late").exits(0);
    expect(err).toBe("");
    expect(await sha256OfFile(bed.path("live"))).toBe(sent);
    expect(await sha256OfFile(bed.path("late"))).toBe(sent);
  });

  it("a trigger, and nothing else, releases who waits for it", async () => {
    const bed = sealedBed();
    await bed.satellite();
    const waiting = bed.shell("skypipe trigger; echo go");
    await bed.pipe("trigger", { readers: 1 });
    await bed.shell("echo | skypipe trigger").exits(0);
    expect((await waiting.exits(0)).out).toBe("\ngo\n");
  });

  it("logs of two, merged by lines, tagged with hosts that the satellite does not know", async () => {
    const bed = sealedBed();
    await bed.satellite();
    const follower = bed.skypipe(["recv", "logs", "--follow", "--tag"]);
    await bed.pipe("logs", { readers: 1 });
    await Promise.all(
      ["a", "b"].map(async (name) => bed.shell(`seq 1 2000 | sed s/^/${name}/ | skypipe logs`).exits(0)),
    );
    await until("all lines are there", () => follower.out.split("\n").length === 4_001);
    const host = /^(\S+?): ?a1$/m.exec(follower.out)?.[1] ?? "";
    expect(host).not.toBe("");
    for (const name of ["a", "b"]) {
      const own = follower.out.split("\n").filter((line) => line.includes(name));
      expect(own.length).toBeGreaterThanOrEqual(2_000);
    }
  });
});

it("[L-11] [Z-7] 96 MiB live with 6 cuts and 2 SIGKILLs of the satellite, sealed, byte-exact", async () => {
  const run = await liveThroughCuts(sealedBed(), { bytes: 96 * MiB, cuts: 6, kills: 2, withinMs: 60_000 });
  expect(run.read).toBe(run.written);
  expect(run).toMatchObject({ cuts: 6, kills: 2 });
}, 90_000);

it("[S-6] [Z-8] a text writer that was away for longer than the grace goes on, sealed anew: no line lost or doubled", async () => {
  const bed = sealedBed();
  const { port } = await bed.satellite(["--grace", "500ms"]);
  const link = await useLink(port);
  const writer = bed.skypipe(["log"], { stdin: "socket", env: { SKYPIPE_SATELLITE: link.url } });
  const lines = numberedLines("w", 3_000);
  await writer.write(lines.slice(0, 1_000).join(""));
  await bed.pipe("log", { streams: 1, writers: 1 });
  link.down();
  await writer.write(lines.slice(1_000, 2_000).join(""));
  await bed.pipe("log", { streams: 1, writers: 0 }); // its session has expired
  link.up();
  writer.end(lines.slice(2_000).join(""));
  await writer.exits(0);

  const texts: string[] = [];
  while ((await bed.list()).length > 0) texts.push((await bed.skypipe(["log"]).exited).out);
  expect(texts.join("")).toBe(lines.join(""));
}, 60_000);

/** The lies of a malicious satellite; `frames` are those of the one stream. */
const lies: readonly (readonly [what: string, lies: () => Lies])[] = [
  [
    "exchanges two chunks",
    onFrames((frame, index, held) => (index === 1 ? [] : index === 2 ? [frame, held] : [frame])),
  ],
  ["leaves one out", onFrames((frame, index) => (index === 1 ? [] : [frame]))],
  [
    "leaves one out and moves the rest",
    onFrames((frame, index, held) =>
      index === 1 ? [] : index < 1 ? [frame] : [at(frame, offsetOf(frame) - held.length + 16)],
    ),
  ],
  [
    "sends one again, as the next",
    onFrames((frame, index) =>
      index === 1 ? [frame, at(frame, offsetOf(frame) + frame.length - 16)] : [frame],
    ),
  ],
  [
    "splices in what another chunk held",
    onFrames((frame, index, held) => (index === 2 ? [spliced(frame, held)] : [frame])),
  ],
  ["flips a bit", onFrames((frame, index) => [index === 1 ? flipped(frame) : frame])],
  [
    "cuts the stream off, and says that it is complete",
    () => {
      let isOver = false;
      return {
        toEnd: (said) => {
          if (isOver) return [];
          if (typeof said === "string" || offsetOf(said) === 0) return [said];
          isOver = true;
          const last = Buffer.from(said);
          last[1] = (last[1] ?? 0) | 0x02;
          return [last, JSON.stringify({ type: "done", ref: 1 })];
        },
      };
    },
  ],
  [
    "cuts the stream off before it ends, and says that the delivery is complete",
    () => {
      let isOver = false;
      return {
        toEnd: (said) => {
          if (isOver) return [];
          if (typeof said === "string" || offsetOf(said) === 0) return [said];
          isOver = true;
          return [said, JSON.stringify({ type: "done", ref: 1 })];
        },
      };
    },
  ],
  [
    "says that there is nothing",
    () => ({
      toEnd: (said) => {
        const isStream = typeof said !== "string" || said.includes('"type":"stream"');
        return isStream ? [JSON.stringify({ type: "done", ref: 1 })] : [said];
      },
    }),
  ],
  [
    "delivers another pipe",
    () => ({
      toSatellite: (said) => [
        typeof said === "string" ? said.replace('"pipe":"asked"', '"pipe":"data"') : said,
      ],
    }),
  ],
];

/** Five chunks that are on their way to a reader at once. */
async function sendInChunks(url: string, pipe: string): Promise<string> {
  const end = await connect({ url, key });
  const writer = end.writer(pipe);
  const text = numberedLines("w", 500);
  for (let from = 0; from < text.length; from += 100) {
    writer.write(text.slice(from, from + 100).join(""));
    await end.drain();
  }
  writer.end();
  await once(writer, "finish");
  await end.close();
  return text.join("");
}

function onFrames(lie: (frame: Buffer, index: number, second: Buffer) => Said[]): () => Lies {
  return () => {
    const seen: Buffer[] = [];
    return {
      toEnd: (said) => {
        if (typeof said === "string") return [said];
        seen.push(said);
        return lie(said, seen.length - 1, seen[1] ?? said);
      },
    };
  };
}

function offsetOf(frame: Buffer): number {
  return Number(frame.readBigUInt64BE(8));
}

function at(frame: Buffer, offset: number): Buffer {
  const copy = Buffer.from(frame);
  copy.writeBigUInt64BE(BigInt(offset), 8);
  return copy;
}

function spliced(frame: Buffer, other: Buffer): Buffer {
  return Buffer.concat([frame.subarray(0, 16), other.subarray(16, frame.length)]);
}

function flipped(frame: Buffer): Buffer {
  const copy = Buffer.from(frame);
  copy[1_000] = (copy[1_000] ?? 0) ^ 1;
  return copy;
}

describe("[Z-9] a satellite that", () => {
  it.each(lies)("%s is caught, and the stream stays in the pipe", async (what, lie) => {
    const bed = sealedBed();
    const { url } = await bed.satellite();
    const evil = await EvilSatellite.before(url, lie);
    onTestFinished(async () => evil.close());
    const text = await sendInChunks(url, "data");
    const name = what.includes("another pipe") ? "asked" : "data";
    const reader = bed.skypipe(["recv", name, "--json"], { env: { SKYPIPE_SATELLITE: evil.url } });
    const { out, err } = await reader.exits(5);
    expect(JSON.parse(err)).toMatchObject({ error: { code: "tampered" } });
    expect(out.length).toBeLessThan(text.length);
    expect(text.startsWith(out)).toBe(true);

    const { out: whole } = await bed.skypipe(["recv", "data"]).exits(0);
    expect(whole).toBe(text);
  });

  it("tampers is told of in one sentence", async () => {
    const bed = sealedBed();
    const { url } = await bed.satellite();
    const evil = await EvilSatellite.before(
      url,
      onFrames((frame, index) => [index === 1 ? flipped(frame) : frame]),
    );
    onTestFinished(async () => evil.close());
    noiseFile(bed.path("file"), 300 * KiB, 1);
    await bed.shell("skypipe send data file").exits(0);
    const reader = bed.skypipe(["recv", "data", "-o", "out"], { env: { SKYPIPE_SATELLITE: evil.url } });
    const { err } = await reader.exits(5);
    expect(err).toMatch(/^skypipe: pipe 'data': a stream was changed on its way: the chunk at 65536 .*\n$/);
    expect(readdirSync(bed.dir)).not.toContain("out");
  });
});

describe("[Z-10] [Z-11] who has no key, or another one", () => {
  it("exits 5, the stream stays, and the sentence says what to do", async () => {
    const bed = sealedBed();
    await bed.satellite();
    await bed.shell("echo secret | skypipe box").exits(0);
    const none = await bed.skypipe(["box"], { env: { SKYPIPE_KEY: "" } }).exits(5);
    expect(none.err).toMatch(
      /^skypipe: pipe 'box': the stream is sealed, and no key is known here: set SKYPIPE_KEY .*\n$/,
    );
    const other = await bed.skypipe(["recv", "box"], { env: { SKYPIPE_KEY: makeKey() } }).exits(5);
    expect(other.err).toMatch(/^skypipe: pipe 'box': the stream is sealed with the key [0-9a-f]{16}, .*\n$/);
    expect((await bed.skypipe(["box"]).exits(0)).out).toBe("secret\n");

    await bed.shell("echo open | skypipe send --plain box").exits(0);
    const plain = await bed.skypipe(["box"]).exits(5);
    expect(plain.err).toMatch(/^skypipe: pipe 'box': the stream is not sealed, .* recv --plain .*\n$/);
    expect((await bed.skypipe(["peek", "box"]).exits(0)).out).toBe("open\n");
    expect((await bed.skypipe(["box", "--plain"]).exits(0)).out).toBe("open\n");

    await bed.shell("echo for all | skypipe --plain box").exits(0);
    expect((await bed.skypipe(["box"], { env: { SKYPIPE_KEY: "" } }).exits(0)).out).toBe("for all\n");
  });
});

/** In both halves of the text, so that the processes of this test do not have it whole. */
const marker = ["MARKER-f3b1c2", "d4e5a6978812-of-a-secret"].join("");

function diskHas(folder: string): boolean {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).some((name) => {
    try {
      return readFileSync(path.join(folder, name)).includes(marker);
    } catch {
      return false; // a folder
    }
  });
}

/** Sends it, looks at disk and memory while it waits, reads it, and looks once more. */
async function look(flags: readonly string[]): Promise<{ disk: boolean; memory: number; read: string }> {
  const bed = sealedBed();
  const satellite = await Durable.on(bed);
  writeFileSync(bed.path(`${marker}.txt`), `${marker}\n`.repeat(4_000));
  await bed.skypipe(["send", "waits", `${marker}.txt`, ...flags]).exits(0);
  const live = bed.skypipe(["recv", "live", ...flags], { stdout: "hash" });
  await bed.pipe("live", { readers: 1 });
  const writer = bed.skypipe(["send", "live", ...flags], { stdin: "socket" });
  for (let turn = 1; turn <= 10; turn++) {
    await writer.write(`${marker}\n`.repeat(1_000));
    await live.putsBytes(turn * 1_000 * (marker.length + 1));
  }
  satellite.proc.kill("SIGSTOP");
  const memory = countInMemory(satellite.proc.pid, Buffer.from(marker));
  satellite.proc.kill("SIGCONT");
  const disk = diskHas(satellite.data);
  writer.end();
  await live.exits(0);
  const { sha256 } = await bed.skypipe(["recv", "waits", ...flags], { stdout: "hash" }).exits(0);
  expect(sha256).toBe(await sha256OfFile(bed.path(`${marker}.txt`)));
  return { disk, memory, read: sha256 };
}

describe("a marker piped through a satellite that keeps what waits on disk", () => {
  it("is neither on its disk nor in its memory", async () => {
    expect(await look([])).toMatchObject({ disk: false, memory: 0 });
  });

  it("is in both where it is sent with --plain, so that this would be seen", async () => {
    const { disk, memory } = await look(["--plain"]);
    expect(disk).toBe(true);
    expect(memory).toBeGreaterThan(0);
  });
});
