/** The ends of a bench that are no command at hand: scripts in ends/, made into plain JavaScript so that they start as fast. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const sources = fileURLToPath(new URL("ends", import.meta.url));
const folder = fileURLToPath(new URL("../../node_modules/.cache/skypipe-bench/ends", import.meta.url));
const built = new Map<string, string>();

/** For a shell: an end with its arguments. */
export function endLine(name: string, ...args: readonly (string | number)[]): string {
  return `node ${[endScript(name), ...args].map(quoted).join(" ")}`;
}

/** For a shell, whatever is in it. */
export function quoted(word: string | number): string {
  return `'${String(word).replaceAll("'", "'\\''")}'`;
}

/** The file that `node` runs. */
export function endScript(name: string): string {
  const known = built.get(name);
  if (known !== undefined) return known;
  const outfile = path.join(folder, `${name}.cjs`);
  buildSync({
    entryPoints: [path.join(sources, `${name}.ts`)],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "warning",
  });
  built.set(name, outfile);
  return outfile;
}
