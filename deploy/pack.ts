/**
 * Packs the command into one file that starts fast. What it always needs is code; what only some verbs need lies behind
 * that in a comment, which costs next to nothing to skip, and is compiled when it is asked for.
 */
import path from "node:path";
import { type BuildOptions, build, type Metafile, transform } from "esbuild";

interface Piece {
  readonly name: string;
  readonly code: string;
  /** Pieces that it needs before it runs. */
  readonly needs: readonly string[];
}

/** Would end the comment, so it is written otherwise inside. */
const COMMENT_END = "*/";
const COMMENT_END_INSIDE = "*\u0001/";
const MARK = "/*pieces:";
/** What a piece is given by the loader. */
const PARAMETERS = ["module", "exports", "require", "__filename", "__dirname"];

/**
 * Finds the pieces of this very file: those that are code, and those that `places` says are in its last comment. Stands
 * in the file as it is here.
 */
const LOADER = `
const loaded = Object.create(null);
let text;
function compile(name) {
  text ??= require("node:fs").readFileSync(__filename, "utf8");
  const start = text.lastIndexOf(mark[0] + mark[1]) + mark[0].length + mark[1].length;
  const source = text.slice(start + places[name][0], start + places[name][1]).replaceAll(escape[0], escape[1]);
  return require("node:vm").compileFunction(source, parameters, { filename: __filename + "/" + name });
}
function load(id) {
  if (!id.startsWith("./")) return require(id);
  const name = id.slice(2);
  if (loaded[name] === undefined) {
    const piece = (loaded[name] = { exports: {} });
    (code[name] ?? compile(name))(piece, piece.exports, load, __filename, __dirname);
  }
  return loaded[name].exports;
}
load("./" + entry);
`;

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
  return [written(pieces, path.basename(entry?.[0] ?? "")), metafile];
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

function written(pieces: readonly Piece[], entry: string): string {
  const always = neededBy(entry, pieces);
  const code: string[] = [];
  const places: Record<string, [from: number, to: number]> = {};
  let rest = "";
  for (const piece of pieces) {
    const name = JSON.stringify(piece.name);
    if (always.has(piece.name)) {
      // In parentheses it is compiled at once, and not looked over first.
      code.push(`${name}: (function(${PARAMETERS.join()}){${piece.code}})`);
    } else {
      const from = rest.length;
      rest += piece.code.replaceAll(COMMENT_END, COMMENT_END_INSIDE);
      places[piece.name] = [from, rest.length];
    }
  }
  const constants = {
    entry,
    places,
    parameters: PARAMETERS,
    mark: [MARK.slice(0, 2), MARK.slice(2)], // the whole mark stands only where it marks
    escape: [COMMENT_END_INSIDE, COMMENT_END],
  };
  const declared = Object.entries(constants).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  return [
    `#!/usr/bin/env node\n"use strict";`,
    `const code = {${code.join(",\n")}};`,
    `const ${declared.join(", ")};`,
    LOADER,
    `${MARK}${rest}${COMMENT_END}\n`,
  ].join("\n");
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
