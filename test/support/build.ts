/** Vitest's global set-up: end-to-end tests run dist/skypipe.cjs, so it must be what the sources say. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const sources = ["cli", "satellite", "deploy", "package.json", "package-lock.json", "tsconfig.json"];
const built = ["dist/skypipe.cjs", "dist/index.js", "dist/satellite.br"];

/** Milliseconds since the epoch. A folder counts too: its time is that of the last file removed. */
function newestMtimeMs(file: string): number {
  const stat = statSync(file);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(file).map((name) => newestMtimeMs(path.join(file, name))));
}

function isStale(): boolean {
  const outputs = built.map((name) => path.join(root, name));
  if (!outputs.every((file) => existsSync(file))) return true;
  const builtMs = Math.min(...outputs.map((file) => statSync(file).mtimeMs));
  return sources.some((name) => newestMtimeMs(path.join(root, name)) > builtMs);
}

/**
 * Declarations are left out: no test runs them, and a type error in one folder must not stop the tests of another.
 * SKYPIPE_NO_BUILD=1 takes dist as it is.
 */
export function setup(): void {
  if (process.env.SKYPIPE_NO_BUILD === "1" || !isStale()) return;
  const args = ["--import", "tsx", "deploy/build.ts", "--no-types"];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Error(`dist could not be built (exit ${status}): npm run build says why`);
}
