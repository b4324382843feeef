/** Short lines at full speed, none of which may be lost. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { Bed } from "../../support/bed.ts";
import { quoted } from "../ends.ts";
import { through } from "../flow.ts";
import { nats, pipingServer, type RouteTo, skypipe, socat } from "../routes.ts";
import type { Context, Group, Sample, Scenario, Target } from "../scenario.ts";

const lineBytes = 100;
const boundMs = 120_000;
const linesOf: Record<Context["size"], number> = { full: 2_000_000, quick: 500_000, tiny: 10_000 };

/**
 * A file of lines, numbered, so that one that is lost, doubled or out of its place shows; and what writes each of them by itself,
 * as a program does that is followed line by line.
 */
export function writeLines(bed: Bed, count: number): { file: string; producer: string } {
  const file = bed.path("lines");
  const fd = openSync(file, "w");
  const blockLines = 10_000;
  for (let first = 0; first < count; first += blockLines) {
    const lines = Array.from({ length: Math.min(blockLines, count - first) }, (_, index) =>
      `${String(first + index).padStart(10, "0")} `.padEnd(lineBytes - 1, "x"),
    );
    writeSync(fd, `${lines.join("\n")}\n`);
  }
  closeSync(fd);
  return { file, producer: `grep --line-buffered ^ ${quoted(file)}` };
}

async function lineFlow(bed: Bed, to: RouteTo, count: number, isInBlocks: boolean): Promise<Sample> {
  const { file, producer: byLine } = writeLines(bed, count);
  const route = await to(bed);
  const bytes = count * lineBytes;
  // cmp ends with 1, and the turn with it, where what comes is not what was sent.
  const flow = {
    producer: isInBlocks ? `cat ${quoted(file)}` : byLine,
    consumer: `cmp - ${quoted(file)}`,
    bytes,
    boundMs,
  };
  const { seconds, costs } = await through(bed, route, flow);
  return { "lines/s": count / seconds, ...costs };
}

function group(count: number, how: string, isInBlocks: boolean, targets: readonly Target[]): Group {
  const along = (to: RouteTo) => async (bed: Bed) => lineFlow(bed, to, count, isInBlocks);
  return {
    title: `${count.toLocaleString("en")} lines of ${lineBytes} bytes, ${how}, compared on arrival`,
    boundMs,
    contestants: {
      skypipe: along(skypipe()),
      socat: along(socat),
      "nats.js": along(nats),
      "piping-server": along(pipingServer),
    },
    targets,
  };
}

export const lines: Scenario = {
  name: "lines",
  title: "short lines at full speed, written one by one and in blocks",
  peers: ["time", "socat", "nats-server", "nats.js", "curl", "piping-server"],
  groups({ size }): Group[] {
    return [
      group(linesOf[size], "each written by itself", false, [
        { of: "skypipe", metric: "lines/s", peer: "nats.js", atLeast: 2.5 },
        { of: "skypipe", metric: "lines/s", peer: "socat", atLeast: 0.6 },
      ]),
      group(linesOf[size], "written in blocks of 128 KiB", true, []),
    ];
  },
};
