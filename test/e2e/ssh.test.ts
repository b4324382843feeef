/** The satellite on a host of one's own: a real ssh to a real sshd, set up, used, cut, upgraded and taken away. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Bed } from "../support/bed.ts";
import { Sshd, type SshdOptions } from "../support/sshd.ts";
import { until } from "../support/until.ts";
import { useBed } from "../support/use-bed.ts";

async function useHost(options?: SshdOptions): Promise<{ bed: Bed; sshd: Sshd }> {
  const bed = useBed();
  return { bed, sshd: await Sshd.start(bed, options) };
}

it("setup ssh installs it there, and it is used, told of and taken away", async () => {
  const { bed, sshd } = await useHost();
  const setup = await bed.skypipe(["setup", "ssh", sshd.alias, "--yes", "--json"]).exits(0);
  expect(JSON.parse(setup.out)).toMatchObject({ where: "ssh", name: sshd.alias });
  await bed.shell("echo one | skypipe x").exits(0);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("one\n");
  const check = await bed.skypipe(["check"]).exits(0);
  process.stdout.write(check.out);
  await bed.skypipe(["reset", "--yes"]).exits(0);
  expect(readdirSync(sshd.home, { recursive: true })).toEqual([]);
});
