/**
 * Builds what the package ships into dist/: the command as one CommonJS file, the library as one ES module with
 * its declarations, and the licences of what both contain. `--no-types` leaves the declarations out.
 *
 * Everything is made in a folder of its own and renamed into place, so that a test that runs dist/skypipe.cjs
 * never meets half a file.
 */
import { spawnSync } from "node:child_process";
import { chmod, mkdir, readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Metafile } from "esbuild";
import { BUNDLE_NAME, compressBundle } from "./bundle.ts";
import { pack } from "./pack/pack.ts";
import { buildPage } from "./page.ts";
import { PROGRAM_NAME, PROGRAM_VARIABLE } from "./ssh/program.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = path.join(root, "dist");

const { version } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8")) as {
  version: string;
};

const page = await buildPage(root);

const common: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20",
  metafile: true,
  legalComments: "none", // LICENSES.txt has the full texts
  logLevel: "warning",
  define: { __VERSION__: JSON.stringify(version), __PAGE__: JSON.stringify(JSON.stringify(page.files)) },
};

/** The command, in one file: a module that only a verb reaches is compiled when that verb runs. */
async function buildCommand(out: string): Promise<Metafile> {
  const outfile = path.join(out, "skypipe.cjs");
  const [text, metafile] = await pack({
    ...common,
    entryPoints: ["cli/main.ts"],
    minify: true,
    define: {
      ...common.define,
      "import.meta.filename": "__filename",
      "import.meta.dirname": "__dirname",
    },
  });
  await writeFile(outfile, text);
  await chmod(outfile, 0o755);
  return metafile;
}

/** The library, so that the package depends on nothing at run time. */
async function buildLibrary(out: string): Promise<Metafile> {
  const result = await build({
    ...common,
    entryPoints: ["cli/client/index.ts"],
    outfile: path.join(out, "index.js"),
    format: "esm",
    metafile: true,
  });
  return result.metafile;
}

/** Declarations, one file per source; index.d.ts is what package.json names. */
async function buildTypes(out: string): Promise<void> {
  const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");
  const types = path.join(out, "types");
  const args = [tsc, "-p", ".config/tsconfig.types.json", "--outDir", types];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Error(`tsc could not write the declarations (exit ${status})`);
  // tsc leaves the `.ts` endings in declarations; not every tool finds the file behind one.
  for (const name of await readdir(types, { recursive: true })) {
    if (!name.endsWith(".d.ts")) continue;
    const text = await readFile(path.join(types, name), "utf8");
    const rewritten = text.replace(/(\bfrom |\bimport\()(["'])(\.{1,2}\/[^"']+)\.ts\2/g, "$1$2$3.js$2");
    await writeFile(path.join(types, name), rewritten);
  }
  await writeFile(path.join(out, "index.d.ts"), "export * from './types/cli/client/index.js';\n");
}

/** The names of the packages that the bundles contain. */
function bundledPackages(metafiles: Metafile[]): string[] {
  const folders = new Set<string>();
  for (const metafile of metafiles) {
    for (const input of Object.keys(metafile.inputs)) {
      const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
      if (folder !== undefined) folders.add(folder);
    }
  }
  return [...folders].toSorted();
}

async function licences(metafiles: Metafile[]): Promise<string> {
  const parts = ["The files beside this one contain these packages, under the licences that follow."];
  for (const folder of bundledPackages(metafiles)) {
    const manifest = JSON.parse(await readFile(path.join(root, folder, "package.json"), "utf8")) as {
      name: string;
      version: string;
      license?: string;
    };
    const file = (await readdir(path.join(root, folder))).find((name) => /^licen[cs]e/i.test(name));
    const text = file === undefined ? "" : await readFile(path.join(root, folder, file), "utf8");
    parts.push(`${manifest.name} ${manifest.version} (${manifest.license ?? "see text"})\n\n${text.trim()}`);
  }
  return `${parts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}

/** What is deployed: the satellite in one file, the same byte for byte from the same sources (`bundle.ts`). */
async function buildSatellite(out: string): Promise<Metafile> {
  const result = await build({
    ...common,
    entryPoints: ["cli/commands/deployed.ts"],
    format: "cjs",
    minify: true,
    define: { ...common.define, "import.meta.filename": "__filename" },
    write: false,
    metafile: true,
  });
  const script = result.outputFiles[0]?.contents ?? new Uint8Array();
  await writeFile(path.join(out, BUNDLE_NAME), compressBundle(script));
  return result.metafile;
}

/** What `ssh` runs on a host: one script that leaves its functions in a variable. */
async function buildSshProgram(out: string): Promise<Metafile> {
  const result = await build({
    ...common,
    entryPoints: ["deploy/ssh/remote/main.ts"],
    outfile: path.join(out, PROGRAM_NAME),
    format: "iife",
    globalName: PROGRAM_VARIABLE,
    minify: true,
    metafile: true,
  });
  return result.metafile;
}

async function moveInto(folder: string, from: string): Promise<void> {
  const to = path.join(folder, path.basename(from));
  try {
    await rename(from, to);
  } catch {
    // A folder is not renamed over another one.
    await rm(to, { recursive: true, force: true });
    await rename(from, to);
  }
}

async function main(): Promise<void> {
  const started = new Date();
  const out = path.join(dist, `.build-${process.pid}`);
  await mkdir(out, { recursive: true });
  try {
    const builds = [buildCommand, buildLibrary, buildSatellite, buildSshProgram];
    const metafiles = await Promise.all(builds.map(async (each) => each(out)));
    await writeFile(path.join(out, "LICENSES.txt"), await licences([...metafiles, page.metafile]));
    if (!process.argv.includes("--no-types")) await buildTypes(out);
    // A source that is saved while this runs must count as newer than the result.
    await utimes(path.join(out, "skypipe.cjs"), started, started);
    for (const name of await readdir(out)) await moveInto(dist, path.join(out, name));
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

await main();
