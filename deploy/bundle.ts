/**
 * The satellite as it is deployed: one JavaScript file without native add-ons, compressed, and a few lines that load
 * it. `build.ts` makes it, it ships beside the command, and every provider carries these very bytes.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { WireError } from "../satellite/wire/errors.ts";

/** In dist/. */
export const BUNDLE_NAME = "satellite.br";

/** What a deploy request may reasonably hold; providers do not publish their limits. */
const BUNDLE_BYTES_MAX = 100_000;

/** Runs what lies beside it. It gets the flags of `skypipe satellite`. */
const LOADER = `"use strict";
const fs = require("node:fs"), path = require("node:path"), zlib = require("node:zlib"), Module = require("node:module");
const file = path.join(__dirname, "${BUNDLE_NAME}");
const satellite = new Module(file, module);
satellite.filename = file;
satellite._compile(zlib.brotliDecompressSync(fs.readFileSync(file)).toString(), file);
`;

export interface Bundle {
  /** To be put into one folder; the first is what `node` runs. */
  readonly files: readonly [loader: BundleFile, satellite: BundleFile];
  /** SHA-256 of the compressed satellite, in hexadecimal: as `sha256sum` says it, and `check`. */
  readonly sha256: string;
  /** As `skypipe --version` says it. */
  readonly version: string;
}

export interface BundleFile {
  readonly name: string;
  readonly contents: Uint8Array;
}

/** Throws Error where it is too large to be deployed. */
export function compressBundle(script: Uint8Array): Uint8Array {
  const { BROTLI_PARAM_MODE, BROTLI_MODE_TEXT, BROTLI_PARAM_SIZE_HINT, BROTLI_PARAM_LGWIN } = constants;
  const compressed = brotliCompressSync(script, {
    params: {
      [BROTLI_PARAM_MODE]: BROTLI_MODE_TEXT,
      [BROTLI_PARAM_SIZE_HINT]: script.length,
      [BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    },
  });
  if (compressed.length > BUNDLE_BYTES_MAX) {
    throw new Error(`the satellite takes ${compressed.length} bytes, and may take ${BUNDLE_BYTES_MAX}`);
  }
  return compressed;
}

/** Of what `compressBundle` gave. */
export function bundleOf(compressed: Uint8Array, version: string): Bundle {
  return {
    files: [
      { name: "boot.cjs", contents: Buffer.from(LOADER) },
      { name: BUNDLE_NAME, contents: compressed },
    ],
    sha256: createHash("sha256").update(compressed).digest("hex"),
    version,
  };
}

declare const __VERSION__: string | undefined;

/** The bundle of this version. */
export function ownBundle(): Bundle {
  const version = typeof __VERSION__ === "string" ? __VERSION__ : "0.0.0";
  // The built command lies beside it; a source does not.
  for (const folder of [import.meta.dirname, path.join(import.meta.dirname, "..", "dist")]) {
    const compressed = readIfThere(path.join(folder, BUNDLE_NAME));
    if (compressed !== null) return bundleOf(compressed, version);
  }
  throw new WireError(
    "internal",
    `this skypipe is not whole: ${BUNDLE_NAME} is missing beside the command; install it again`,
  );
}

function readIfThere(file: string): Uint8Array | null {
  try {
    return readFileSync(file);
  } catch {
    return null;
  }
}
