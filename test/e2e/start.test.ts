/** What a bare pipe over an address that is known loads: nothing that it does not use. */
import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { useBed } from "../support/use-bed.ts";

/** Parts of Node that take their time, and are for other ways than this one. */
const unused = [
  "_http_client",
  "_http_server",
  "https",
  "tls",
  "zlib",
  "child_process",
  "dns",
  "readline",
  "worker_threads",
  "fs/promises",
];

it("loads neither http nor tls nor what only other verbs use", async () => {
  const bed = useBed();
  await bed.satellite();
  writeFileSync(
    bed.path("tell.cjs"),
    `process.on("exit", () => require("node:fs").appendFileSync(${JSON.stringify(bed.path("loaded"))},
      process.moduleLoadList.map((name) => name + "\\n").join("")));`,
  );
  const env = { NODE_OPTIONS: `--require ${bed.path("tell.cjs")}` };
  const reader = bed.skypipe(["trigger"], { env });
  await bed.pipe("trigger", { readers: 1 });
  const writer = bed.skypipe(["trigger"], { env, stdin: "socket" });
  await writer.write("go\n");
  writer.end();
  await writer.exits(0);
  expect((await reader.exits(0)).out).toBe("go\n");

  const { out } = await bed.shell("sort -u loaded").exits(0);
  const loaded = out.split("\n").map((line) => line.replace(/^NativeModule /, ""));
  expect(loaded).toContain("net");
  expect(loaded.filter((name) => unused.includes(name))).toEqual([]);
});
