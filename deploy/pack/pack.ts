/**
 * Packs the command into one file that starts fast: a loader, and all the rest behind it in a comment, which costs little
 * to skip. What the command always needs is compiled as one script, whose code is kept for the next start; what only some
 * verbs need is packed tighter, as Node reads the whole file each time, and is compiled when it is asked for.
 */
import { createHash } from "node:crypto";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";
import { type BuildOptions, build, type Metafile, transform } from "esbuild";
import type { Contents } from "./loader.ts";

interface Piece {
  readonly name: string;
  readonly code: string;
  /** Pieces that it needs before it runs. */
  readonly needs: readonly string[];
}

/** Would end the comment, so it is written otherwise inside. */
const COMMENT_END = "*/";
const COMMENT_END_INSIDE = "*\u0001/";
/** What a piece is given by the loader. */
const PARAMETERS = ["module", "exports", "require", "__filename", "__dirname"];
const NOT_ASCII = /[^\0-\x7f]/;

/** The file's text, and what went into it. `options` are esbuild's, with one entry point. */
export async function pack(options: BuildOptions & { entryPoints: [string] }): Promise<[string, Metafile]> {
  const { outputFiles, metafile } = await build({
    ...options,
    format: "esm",
    splitting: true,
    outdir: "pieces",
    write: false,
    metafile: true,
  });
  const pieces = await Promise.all(outputFiles.map(async (file) => pieceOf(file.path, file.text, metafile)));
  const entry = Object.entries(metafile.outputs).find(
    ([, { entryPoint }]) => entryPoint === options.entryPoints[0],
  );
  return [await written(pieces, path.basename(entry?.[0] ?? "")), metafile];
}

async function pieceOf(file: string, text: string, { outputs }: Metafile): Promise<Piece> {
  const name = path.basename(file);
  const output = Object.entries(outputs).find(([key]) => path.basename(key) === name)?.[1];
  const needs = (output?.imports ?? [])
    .filter(({ kind, external }) => kind === "import-statement" && external !== true)
    .map((needed) => path.basename(needed.path));
  const { code } = await transform(text, {
    format: "cjs",
    platform: "node",
    target: "node20",
    minify: true,
    supported: { "dynamic-import": false }, // require() finds pieces, import() does not
  });
  return { name, code, needs };
}

async function written(pieces: readonly Piece[], entry: string): Promise<string> {
  const always = neededBy(entry, pieces);
  // In parentheses a function is compiled at once, and not looked over first.
  const functions = pieces
    .filter(({ name }) => always.has(name))
    .map(({ name, code }) => `${JSON.stringify(name)}: (function(${PARAMETERS.join()}){${code}})`);
  const core = `({${functions.join(",\n")}})`.replaceAll(COMMENT_END, COMMENT_END_INSIDE);
  let text = core;
  const rest: Record<string, [from: number, to: number]> = {};
  for (const { name, code } of pieces.filter((piece) => !always.has(piece.name))) {
    const from = text.length;
    text += deflateRawSync(code, { level: 9 }).toString("base64");
    rest[name] = [from, text.length];
  }
  if (NOT_ASCII.test(pieces.map(({ code }) => code).join("")))
    throw new Error("a piece is not ASCII, as the loader takes it to be");
  const end = `${COMMENT_END}\n`;
  const contents: Contents = {
    entry,
    id: createHash("sha256").update(core).digest("hex").slice(0, 16),
    bytes: text.length + end.length,
    core: [0, core.length],
    rest,
    parameters: PARAMETERS,
    escape: [COMMENT_END_INSIDE, COMMENT_END],
  };
  return `#!/usr/bin/env node\n${await loader(contents)}/*${text}${end}`;
}

async function loader(contents: Contents): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("loader.ts", import.meta.url))],
    inject: [fileURLToPath(new URL("home.ts", import.meta.url))],
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    minify: true,
    write: false,
    legalComments: "none",
    define: { __CONTENTS__: JSON.stringify(contents) },
  });
  return outputFiles[0]?.text ?? "";
}

/** The piece and all that it needs, and so on. */
function neededBy(name: string, pieces: readonly Piece[], found: Set<string> = new Set()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const needed of pieces.find((piece) => piece.name === name)?.needs ?? []) {
    neededBy(needed, pieces, found);
  }
  return found;
}
