/** Builds the satellite's web page: what is in satellite/doors/page, as the files that its door serves. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { type BuildOptions, build, type Metafile, transform } from "esbuild";
import type { PageFile } from "../satellite/doors/page/files.ts";

const TARGETS = ["chrome123", "firefox120", "safari17.5"]; // what light-dark() and a module worker take

export interface BuiltPage {
  /** By path. */
  readonly files: Readonly<Record<string, PageFile>>;
  readonly metafile: Metafile;
}

/** @param root the repository */
export async function buildPage(root: string): Promise<BuiltPage> {
  const folder = path.join(root, "satellite", "doors", "page");
  const options: BuildOptions & { write: false; metafile: true } = {
    absWorkingDir: root,
    entryPoints: {
      page: "satellite/doors/page/browser/app.tsx",
      worker: "satellite/doors/page/browser/worker.ts",
    },
    outdir: ".",
    bundle: true,
    format: "esm",
    platform: "browser",
    target: TARGETS,
    jsx: "automatic",
    jsxImportSource: "preact",
    minify: true,
    legalComments: "none",
    charset: "utf8",
    write: false,
    metafile: true,
    logLevel: "warning",
  };
  const { outputFiles, metafile } = await build(options);
  const css = await transform(await readFile(path.join(folder, "page.css"), "utf8"), {
    loader: "css",
    minify: true,
    target: TARGETS,
  });
  const files: Record<string, PageFile> = {
    "/": { type: "text/html; charset=utf-8", body: await readFile(path.join(folder, "index.html"), "utf8") },
    "/page.css": { type: "text/css; charset=utf-8", body: css.code },
    "/icon.svg": { type: "image/svg+xml", body: await readFile(path.join(folder, "icon.svg"), "utf8") },
  };
  for (const { path: file, text } of outputFiles) {
    files[`/${path.basename(file)}`] = { type: "text/javascript; charset=utf-8", body: text };
  }
  return { files, metafile };
}
