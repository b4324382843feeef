/** The house of DESIGN.md §3, checked without the linter: what is at the top, who imports whom, how long files get. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const git = ["-c", `safe.directory=${path.resolve(root)}`, "ls-files", "-z"];
const tracked = execFileSync("git", git, { cwd: root, encoding: "utf8" }).split("\0").filter(Boolean);
const untracked = execFileSync("git", [...git, "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\0")
  .filter(Boolean);

const linesMax = 350;

const top = [
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "cli",
  "satellite",
  "deploy",
  "test",
  "README.md",
  "LICENSE",
  "CHANGELOG.md",
  "SECURITY.md",
];

type Layer = {
  /** The first layer whose prefix a file has is its layer. */
  prefix: string;
  /** Prefixes of what it may import besides its own folder. */
  imports: string[];
  /** `none`: pure and browser-safe. A list names the packages; Node's own modules are then free. */
  packages: "none" | "any" | string[];
};

const layers: Layer[] = [
  { prefix: "satellite/wire/", imports: [], packages: "none" },
  { prefix: "satellite/pipe/", imports: ["satellite/wire/"], packages: "none" },
  { prefix: "satellite/store/", imports: ["satellite/wire/"], packages: [] },
  { prefix: "satellite/keys/", imports: ["satellite/wire/"], packages: ["jose"] },
  {
    prefix: "satellite/doors/page/browser/",
    imports: ["satellite/wire/"],
    packages: ["preact", "preact/hooks", "anser", "uqr", "hpke"],
  },
  {
    prefix: "satellite/doors/",
    imports: ["satellite/pipe/", "satellite/keys/", "satellite/wire/"],
    packages: ["content-disposition"],
  },
  { prefix: "satellite/", imports: ["satellite/"], packages: [] },
  { prefix: "cli/client/session.ts", imports: ["cli/client/", "satellite/wire/"], packages: "none" },
  { prefix: "cli/client/", imports: ["satellite/wire/"], packages: ["hpke"] },
  { prefix: "cli/terminal/", imports: ["cli/client/", "satellite/wire/"], packages: "any" },
  {
    prefix: "cli/commands/",
    imports: ["cli/client/", "cli/terminal/", "deploy/", "satellite/"],
    packages: "any",
  },
  {
    prefix: "cli/main.ts",
    imports: ["cli/commands/", "cli/client/", "cli/terminal/", "deploy/", "satellite/"],
    packages: "any",
  },
  { prefix: "deploy/", imports: ["satellite/", "cli/client/"], packages: "any" },
];

const shipped = [...tracked, ...untracked].filter((file) =>
  /^(cli|satellite|deploy)\/.*\.[cm]?[jt]sx?$/.test(file),
);

function read(file: string): string {
  return readFileSync(path.join(root, file), "utf8");
}

/** What a source imports, statically or not, for its types or not. */
function specifiers(source: string): string[] {
  const code = source.replace(/\/\*[^]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const found = code.matchAll(
    /\b(?:import|export)\s+(?:[^'"();]*?\s+from\s+)?['"]([^'"]+)['"]|\b(?:import|require)\(\s*['"]([^'"]+)['"]/g,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? "");
}

/** Undefined if `layer` may import it, else why not. */
function objection(file: string, layer: Layer, specifier: string): string | undefined {
  if (specifier.startsWith(".")) {
    const target = path.posix.join(path.posix.dirname(file), specifier);
    const own = layer.prefix.endsWith("/") ? layer.prefix : undefined;
    const allowed = own === undefined ? layer.imports : [own, ...layer.imports];
    return allowed.some((prefix) => target.startsWith(prefix)) ? undefined : `${file} imports ${target}`;
  }
  if (layer.packages === "any") return undefined;
  if (layer.packages === "none") return `${file} is pure, but imports ${specifier}`;
  if (specifier.startsWith("node:") || layer.packages.includes(specifier)) return undefined;
  return `${file} imports the package ${specifier}`;
}

test("the top level holds what DESIGN §3 lists and dot files, no more", () => {
  const entries = new Set(tracked.map((file) => file.split("/", 1)[0] ?? file));
  expect([...entries].filter((entry) => !entry.startsWith(".") && !top.includes(entry))).toEqual([]);
});

test("imports go down the list of DESIGN §3, never up", () => {
  const objections = shipped.flatMap((file) => {
    const layer = layers.find(({ prefix }) => file.startsWith(prefix));
    if (layer === undefined) return [`${file} is in no layer of DESIGN §3`];
    return specifiers(read(file))
      .map((specifier) => objection(file, layer, specifier))
      .filter((why) => why !== undefined);
  });
  expect(objections).toEqual([]);
});

test("the rule about imports sees every way to write one", () => {
  const source = [
    "import {a} from './a.ts';",
    "import type {B} from './b.ts';",
    "export * from './c.ts';",
    "import './d.ts';",
    "const e = await import('./e.ts');",
    "import {",
    "  f,",
    "} from './f.ts';",
    "// import {g} from './g.ts';",
  ].join("\n");
  expect(specifiers(source)).toEqual(["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts", "./f.ts"]);
});

test(`no source is longer than ${linesMax} lines`, () => {
  const long = shipped
    .map((file) => ({ file, lines: read(file).split("\n").length - 1 }))
    .filter(({ lines }) => lines > linesMax);
  expect(long).toEqual([]);
});
