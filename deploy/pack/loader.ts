/**
 * Stands at the head of the packed command, which `pack.ts` writes: finds the pieces behind it in the same file, and runs
 * the first.
 */
import fs from "node:fs";
import vm from "node:vm";
import { CodeCache } from "./code-cache.ts";

/** What is in the pieces' text, which is ASCII. Places are counted from its start. */
export interface Contents {
  /** The piece to run. */
  readonly entry: string;
  /** Of what is always needed. */
  readonly id: string;
  /** From the start of the text to the end of the file. */
  readonly bytes: number;
  /** An object of functions by the names of their pieces. */
  readonly core: Place;
  /** Each a function's body in base64 of deflate (RFC 1951), unpacked and compiled when it is asked for. */
  readonly rest: Readonly<Record<string, Place>>;
  /** What the functions are given. */
  readonly parameters: readonly string[];
  /** What stands for the end of a comment in the core. */
  readonly escape: readonly [inside: string, meant: string];
}

type Place = readonly [from: number, to: number];
type Piece = (
  module: { exports: unknown },
  exports: unknown,
  load: (id: string) => unknown,
  filename: string,
  dirname: string,
) => void;

declare const __CONTENTS__: Contents;
const { entry, id: coreId, bytes, core, rest, parameters, escape } = __CONTENTS__;

/** Stays open: the file of this name may be another one when a piece is needed, after an update. */
const fd = fs.openSync(__filename, "r");
const { size, mtimeMs } = fs.fstatSync(fd);

function textAt([from, to]: Place): string {
  if (fs.fstatSync(fd).mtimeMs !== mtimeMs) {
    throw new Error(`${__filename} was changed while it runs: start it again`);
  }
  const buffer = Buffer.allocUnsafe(to - from);
  fs.readSync(fd, buffer, 0, buffer.length, size - bytes + from);
  return buffer.toString("latin1");
}

function compileCore(): Record<string, Piece> {
  const cache = new CodeCache(coreId);
  const text = textAt(core).replaceAll(escape[0], escape[1]);
  const filename = `${__filename}/core.js`;
  const cachedData = cache.read();
  let script = cachedData === undefined ? undefined : new vm.Script(text, { filename, cachedData });
  if (script === undefined || script.cachedDataRejected === true) {
    const compiled = compileWhole(text, filename);
    process.once("exit", () => cache.write(compiled.createCachedData()));
    script = compiled;
  }
  return script.runInThisContext() as Record<string, Piece>;
}

/** With all functions, whichever this run needs: others will need others. */
function compileWhole(text: string, filename: string): vm.Script {
  const { setFlagsFromString } = process.getBuiltinModule("node:v8");
  setFlagsFromString("--no-lazy");
  try {
    return new vm.Script(text, { filename });
  } finally {
    setFlagsFromString("--lazy"); // flags are part of what a cache has to fit
  }
}

function compile(name: string): Piece {
  const place = rest[name];
  if (place === undefined) throw new Error(`there is no piece ${name}`);
  const { inflateRawSync } = process.getBuiltinModule("node:zlib");
  const code = inflateRawSync(Buffer.from(textAt(place), "base64")).toString("latin1");
  const filename = `${__filename}/${name}`;
  return vm.compileFunction(code, [...parameters], { filename }) as unknown as Piece;
}

const pieces = compileCore();
const loaded: Record<string, { exports: unknown }> = Object.create(null);

function load(id: string): unknown {
  if (!id.startsWith("./")) return require(id);
  const name = id.slice(2);
  const known = loaded[name];
  if (known !== undefined) return known.exports;
  const piece = { exports: {} };
  loaded[name] = piece;
  (pieces[name] ?? compile(name))(piece, piece.exports, load, __filename, __dirname);
  return piece.exports;
}

load(`./${entry}`);
