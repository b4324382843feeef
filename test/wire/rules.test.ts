/** Every rule of PROTOCOL.md stands in the title of a test or in a vector, and nobody cites a rule that is not there. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(path.join(root, "satellite/wire/PROTOCOL.md"), "utf8");
const rules = [...page.matchAll(/^- \*\*\[([A-Z]-\d+)\]\*\*/gm)].map(([, rule]) => rule ?? "");

function filesIn(folder: string, suffix: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(suffix))
    .map((name) => path.join(root, folder, name));
}

/** What stands between the quotes after `it(`, `test(` or `it.each(…)(`. */
function titles(source: string): string[] {
  const found = source.matchAll(/\b(?:it|test)(?:\.\w+)*\(\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1/gs);
  const tables = source.matchAll(/\)\(\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1,/gs);
  return [...found, ...tables].map(([, , title]) => title ?? "");
}

function cited(text: string): string[] {
  return [...text.matchAll(/\[([A-Z]-\d+)\]/g)].map(([, rule]) => rule ?? "");
}

const tested = new Set([
  ...filesIn("test", ".ts").flatMap((file) => titles(readFileSync(file, "utf8")).flatMap(cited)),
  ...filesIn("test/wire/vectors", ".json").flatMap((file) =>
    (JSON.parse(readFileSync(file, "utf8")) as { rules?: string[] }[]).flatMap(
      (vector) => vector.rules ?? [],
    ),
  ),
]);

it("the page numbers its rules, none twice, none left out", () => {
  expect(new Set(rules).size).toBe(rules.length);
  for (const letter of new Set(rules.map((rule) => rule.slice(0, 2)))) {
    const family = rules.filter((rule) => rule.startsWith(letter));
    expect(family).toEqual(family.map((_, index) => `${letter}${index + 1}`));
  }
});

it.each(rules)("[%s] has a test or a vector", (rule) => {
  expect(tested.has(rule)).toBe(true);
});

it("no title, vector or source cites a rule that is not on the page", () => {
  const sources = ["satellite", "cli", "deploy"].flatMap((folder) => filesIn(folder, ".ts"));
  const inSources = sources.flatMap((file) => cited(readFileSync(file, "utf8")));
  expect([...new Set([...tested, ...inSources])].filter((rule) => !rules.includes(rule))).toEqual([]);
});
