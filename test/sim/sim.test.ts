/** The law under random schedules (DESIGN.md §9). `npm run sim` runs more of them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { planOf } from "./plan.ts";
import { replay } from "./run.ts";

const SCHEDULES = 20_000;
const TIME_MS = 600_000;

describe("the simulation", () => {
  it(
    "[L-2] [L-3] [L-4] [L-5] [L-6] [L-7] [L-8] [L-9] [L-10] [L-11] [L-12] [L-13] [L-14] [L-15] [S-9] [S-10] [S-11] hold over thousands of schedules",
    async () => {
      const main = fileURLToPath(new URL("main.ts", import.meta.url));
      const child = spawn(process.execPath, ["--import", "tsx", main, "--runs", String(SCHEDULES)], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      let text = "";
      child.stdout.on("data", (bytes: Buffer) => {
        text += bytes.toString();
      });
      child.stderr.on("data", (bytes: Buffer) => {
        text += bytes.toString();
      });
      const [code] = await once(child, "close");
      expect([code, text]).toEqual([0, expect.stringContaining(`${SCHEDULES} schedules`)]);
    },
    TIME_MS,
  );

  it("does the same again for the same seed", async () => {
    for (const store of ["memory", "model", "files"] as const) {
      const [first, second] = await Promise.all([0, 1].map(() => replay(17, { store, isTraced: true })));
      expect(first?.world.lines).toEqual(second?.world.lines);
      expect(first?.world.lines?.length).toBeGreaterThan(20);
    }
  });

  it("makes the same plan of the same seed, and others of others", () => {
    expect(planOf(3)).toEqual(planOf(3));
    expect(planOf(3)).not.toEqual(planOf(4));
  });
});
