/** Two ends and the real broker through a bad network: what is written is what is read, once and in order. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Notice } from "../../cli/client/effects.ts";
import { Flag, payloadOf } from "../../satellite/wire/frame.ts";
import type { Mode } from "../../satellite/wire/messages.ts";
import { bytesOf, LINE, textOf } from "./bench.ts";
import { VirtualEnd, World } from "./world.ts";

interface Outcome {
  type: "finished" | "failed" | "done";
  code?: string;
}

/** Writes lines as fast as they are accepted, or with pauses. */
class WritingEnd {
  readonly end: VirtualEnd;
  readonly text: string;
  outcome: Outcome | null = null;

  constructor(world: World, name: string, lines: number, options: { kind?: "binary"; sync?: boolean } = {}) {
    const flags = options.kind === "binary" ? Flag.binary : LINE;
    const all = Array.from({ length: lines }, (_, i) => `${name} ${i} ${"x".repeat(i % 97)}\n`);
    this.text = all.join("");
    const next = (): void => {
      const line = all.shift();
      if (line === undefined) this.end.do({ type: "finish", ref: 1, interrupted: false });
      else this.end.do({ type: "write", ref: 1, cuts: [{ payload: bytesOf(line), flags }] });
    };
    this.end = new VirtualEnd(world, (notice) => {
      if (notice.type === "accepted") {
        if (world.random() < 0.3) world.plan(world.nowMs + world.random() * 200, next);
        else next();
      }
      if (notice.type === "finished") this.outcome = { type: "finished" };
      if (notice.type === "failed") this.outcome = { type: "failed", code: notice.error.code };
    });
    this.end.do({ type: "open", ref: 1, pipe: "p", options });
    next();
  }
}

/** Puts out what comes, after a while. */
class ReadingEnd {
  readonly end: VirtualEnd;
  readonly order: string[] = [];
  isAttached = false;
  outcome: (Outcome & { aborted?: boolean }) | null = null;

  constructor(world: World, mode: Mode) {
    const queue: Notice[] = [];
    const next = (): void => {
      const notice = queue.shift();
      if (notice?.type === "chunk") {
        this.order.push(textOf(payloadOf(notice.chunk)));
        const { ref, stream, chunk } = notice;
        this.end.do({ type: "consumed", ref, stream, offset: chunk.end, end: false });
      } else if (notice?.type === "end") {
        const { ref, stream, offset } = notice;
        this.end.do({ type: "consumed", ref, stream, offset, end: true });
      }
    };
    this.end = new VirtualEnd(world, (notice) => {
      if (notice.type === "chunk" || notice.type === "end") {
        queue.push(notice);
        world.plan(world.nowMs + (world.random() < 0.2 ? world.random() * 100 : 0), next);
      }
      if (notice.type === "attached") this.isAttached = true;
      if (notice.type === "done") this.outcome = { type: "done", aborted: notice.aborted };
      if (notice.type === "failed") this.outcome = { type: "failed", code: notice.error.code };
    });
    this.end.do({ type: "read", ref: 1, pipe: "p", options: { mode } });
  }

  get text(): string {
    return this.order.join("");
  }
}

/** Cuts one of the ends now and then, and keeps it away for up to `awayMs`. */
function disturb(world: World, ends: VirtualEnd[], cuts: number, awayMs: number): void {
  for (let i = 0; i < cuts; i++) {
    const end = ends[Math.floor(world.random() * ends.length)] as VirtualEnd;
    const atMs = world.random() * 3_000;
    const silent = world.random() < 0.2;
    const backMs = atMs + world.random() * awayMs;
    world.plan(atMs, () => {
      end.isOnline = false;
      end.wire?.cut(silent);
    });
    world.plan(backMs, () => {
      end.isOnline = true;
    });
  }
}

function linesOf(text: string, name: string): string {
  return text.match(new RegExp(`^${name} .*\n`, "gm"))?.join("") ?? "";
}

const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const runs = { numRuns: 150 };

describe("[L-11] exactly once", () => {
  it("one writer, one reader, cuts shorter than the grace", async () => {
    await fc.assert(
      fc.asyncProperty(
        seeds,
        fc.constantFrom(undefined, "binary" as const),
        fc.boolean(),
        async (seed, kind, sync) => {
          const world = new World(seed);
          const reader = new ReadingEnd(world, "plain");
          const writer = new WritingEnd(world, "a", 60, { sync, ...(kind && { kind }) });
          disturb(world, [reader.end, writer.end], 6, 3_000);
          await world.run(() => reader.outcome !== null && writer.outcome !== null);
          expect(writer.outcome).toEqual({ type: "finished" });
          expect(reader.outcome).toEqual({ type: "done", aborted: false });
          expect(reader.text).toBe(writer.text);
        },
      ),
      runs,
    );
  });

  it("three writers, one reader that merges", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const world = new World(seed);
        const reader = new ReadingEnd(world, "follow");
        const writers = ["a", "b", "c"].map((name) => new WritingEnd(world, name, 30));
        disturb(world, [reader.end, ...writers.map(({ end }) => end)], 8, 3_000);
        const isWhole = (): boolean =>
          writers.every(({ text }, i) => linesOf(reader.text, "abc"[i] ?? "").length >= text.length);
        await world.run(() => writers.every(({ outcome }) => outcome !== null) && isWhole());
        for (const [i, { text, outcome }] of writers.entries()) {
          expect(outcome).toEqual({ type: "finished" });
          expect(linesOf(reader.text, "abc"[i] ?? "")).toBe(text);
        }
      }),
      runs,
    );
  });

  it("[S-6] a text writer that is away for longer than the grace", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const world = new World(seed, { graceMs: 1_000, takeoverMs: 200 });
        const reader = new ReadingEnd(world, "follow");
        const writer = new WritingEnd(world, "a", 60);
        disturb(world, [writer.end], 4, 6_000);
        await world.run(() => writer.outcome !== null && reader.text.length >= writer.text.length);
        expect(writer.outcome).toEqual({ type: "finished" });
        expect(reader.text).toBe(writer.text);
      }),
      runs,
    );
  });

  it("[S-6] [L-11] a text writer and a follower that are both away for longer than the grace", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const world = new World(seed, { graceMs: 1_000, takeoverMs: 200 });
        const reader = new ReadingEnd(world, "follow");
        const writer = new WritingEnd(world, "a", 60);
        disturb(world, [writer.end, reader.end], 4, 6_000);
        await world.run(() => writer.outcome !== null && reader.text.length >= writer.text.length);
        expect(writer.outcome).toEqual({ type: "finished" });
        expect(reader.text).toBe(writer.text);
      }),
      runs,
    );
  });
});

describe("[S-9] a satellite that is started anew, without a journal", () => {
  it("goes on with text writers and followers: no line is lost that was not in the satellite alone", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const world = new World(seed);
        const reader = new ReadingEnd(world, "follow");
        await world.run(() => reader.isAttached);
        const writer = new WritingEnd(world, "a", 60);
        world.plan(world.nowMs + world.random() * 1_500, () => world.restart());
        const isWhole = (): boolean => writer.text.split("\n").every((line) => reader.text.includes(line));
        await world.run(() => writer.outcome !== null && isWhole());
        expect(writer.outcome).toEqual({ type: "finished" });
      }),
      runs,
    );
  });
});
