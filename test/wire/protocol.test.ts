/** PROTOCOL.md is normative: its tables and the tables of the code say the same, and its session in hex decodes. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseEndMessage, parseSatelliteMessage } from "../../satellite/wire/control.ts";
import { decodeChunk } from "../../satellite/wire/decode.ts";
import { errorTable } from "../../satellite/wire/errors.ts";
import { FLAGS_DEFINED, Flag, HEADER_BYTES, KIND_DATA, payloadOf } from "../../satellite/wire/frame.ts";
import { limits, PROTOCOL_VERSION, SUBPROTOCOL, WEBSOCKET_PATH } from "../../satellite/wire/limits.ts";
import { endSchema, satelliteSchema } from "../../satellite/wire/messages.ts";
import type { Check } from "../../satellite/wire/schema.ts";
import { bytesOf } from "./vectors.ts";

const page = readFileSync(new URL("../../satellite/wire/PROTOCOL.md", import.meta.url), "utf8");

function section(heading: string): string {
  const found = page.split(/^## /m).find((text) => text.startsWith(heading));
  if (found === undefined) throw new Error(`PROTOCOL.md has no section "${heading}"`);
  return found;
}

/** The rows of the table whose header row begins with `column`, without header and rule. */
function tables(text: string, column: string): string[][] {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.startsWith(`| ${column} |`));
  if (at < 0) throw new Error(`no table begins with "${column}"`);
  const rest = lines.slice(at + 2);
  const end = rest.findIndex((line) => !line.startsWith("|"));
  return rest.slice(0, end < 0 ? undefined : end).map((line) =>
    line
      .replace(/^\||\|$/g, "")
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll("\\|", "|")),
  );
}

/** `a, b [{c int, d}…], e` at its outermost commas; `·` separates too. */
function fieldsOf(cell: string): { name: string; optional: boolean; type: string }[] {
  const fields: string[] = [""];
  let depth = 0;
  for (const character of cell) {
    if ("[{".includes(character)) depth += 1;
    if ("]}".includes(character)) depth -= 1;
    if (character === "·" && depth === 0) fields.push("");
    else fields[fields.length - 1] += character;
  }
  return fields
    .map((field) => field.trim())
    .filter(Boolean)
    .map((field) => {
      const [, name = "", mark = "", type = ""] = /^(\w+)(\?)?\s*(.*)$/s.exec(field) ?? [];
      return { name, optional: mark === "?", type };
    });
}

function number(text: string): number {
  return Number(text.replaceAll(",", ""));
}

function numberOrNull(cell: string | undefined): number | null {
  return cell === "–" ? null : Number(cell);
}

/** Values just inside and just outside of a type, as the tables write it. */
function samples(name: string, type: string): { good: unknown[]; bad: unknown[] } {
  const text = /^str (\d+)$/.exec(type);
  if (text) {
    const bytesMax = Number(text[1]);
    return { good: ["", "s".repeat(bytesMax)], bad: ["s".repeat(bytesMax + 1), 1, null] };
  }
  const choices = [...type.matchAll(/`([a-z]+)`/g)].map(([, choice]) => choice);
  if (choices.length > 0) return { good: choices, bad: ["other", 1, null] };
  if (type === "bool") return { good: [true, false], bad: [0, "true", null] };
  if (type.startsWith("[") || type.startsWith("{")) return { good: [], bad: [1, "x", null] };
  if (name.endsWith("S")) return { good: [0, 0.25, 1e9], bad: [-1, "1", null] };
  if (name === "pipe") return { good: ["", "x"], bad: [1, null] };
  return { good: [0, Number.MAX_SAFE_INTEGER], bad: [-1, 2 ** 53, "1", null] };
}

/** Types that the tables leave to §9, §10 or the text around them; `messages.ts` has them and the vectors test them. */
const toldOnce: Record<string, string> = {
  kind: "`text`|`binary`",
  name: "str 255",
  contentType: "str 255",
  host: "str 255",
  sealed: "str 2048",
  software: "str 64",
  id: "str 64",
};

describe.each([
  ["From an end", endSchema],
  ["From the satellite", satelliteSchema],
] as const)("the messages of §4: %s", (heading, schema) => {
  const text = section("4 Control messages").split(`${heading} to `)[1] ?? "";
  const rows = tables(text, "type");

  it("are those of messages.ts, in the same order", () => {
    expect(rows.map(([type]) => type?.replaceAll("`", ""))).toEqual(Object.keys(schema));
  });

  it.each(rows.map(([type, fields]) => [type?.replaceAll("`", "") ?? "", fields ?? ""] as const))(
    "%s has the fields of the page, of the types of the page",
    (type, cell) => {
      const checks = (schema as Record<string, Record<string, Check>>)[type] ?? {};
      const fields = fieldsOf(cell);
      expect(fields.map(({ name, optional }) => (optional ? `${name}?` : name)).toSorted()).toEqual(
        Object.keys(checks).toSorted(),
      );
      for (const { name, optional, type: written } of fields) {
        const check = checks[optional ? `${name}?` : name];
        const { good, bad } = samples(name, written || (toldOnce[name] ?? ""));
        for (const value of good) expect(check?.(value), `${type}.${name} = ${String(value)}`).toBe(true);
        for (const value of bad) expect(check?.(value), `${type}.${name} = ${String(value)}`).toBe(false);
      }
    },
  );
});

describe("the tables of §3", () => {
  const text = section("3 Data frames");

  it("[F-1] flags are those of frame.ts", () => {
    const rows = tables(text, "flag").map(([name, bit]) => [
      name?.toLowerCase(),
      Number(bit?.replaceAll("`", "")),
    ]);
    expect(Object.fromEntries(rows)).toEqual(Flag);
    expect(rows.reduce((sum, [, bit]) => sum | Number(bit), 0)).toBe(FLAGS_DEFINED);
  });

  it("[F-1] the header has the kind and the size of frame.ts", () => {
    const rows = tables(text, "bytes");
    expect(rows.at(-1)?.[0]).toBe(`${HEADER_BYTES}–`);
    expect(Number(/`(0x\d+)` DATA/.exec(rows[0]?.[2] ?? "")?.[1])).toBe(KIND_DATA);
    expect(number(/0–([\d,]+) bytes/.exec(rows.at(-1)?.[2] ?? "")?.[1] ?? "")).toBe(limits.chunkBytesMax);
  });
});

it("[T-1] [V-1] path, subprotocol and version are those of limits.ts", () => {
  expect(section("2 Transport")).toContain(`path \`${WEBSOCKET_PATH}\`, subprotocol \`${SUBPROTOCOL}\``);
  expect(section("11 Versions")).toContain(`\`protocol\` is ${PROTOCOL_VERSION}.`);
});

it("[K-1] the limits of §9 are those of limits.ts", () => {
  const rows = tables(section("9 Limits"), "name").flatMap(([names = "", values = ""]) => {
    const numbers = values.split(", ").map(number);
    return [...names.matchAll(/`(\w+)`/g)].map(([, name], index) => [name, numbers[index]]);
  });
  expect(Object.fromEntries(rows)).toEqual(limits);
});

it("[E-1] the errors of §10 are those of errors.ts", () => {
  const rows = tables(section("10 Errors"), "code").map(([name = "", close, http, exit]) => [
    name.replaceAll("`", ""),
    { close: numberOrNull(close), http: numberOrNull(http), exit: Number(exit) },
  ]);
  expect(Object.fromEntries(rows)).toEqual(errorTable);
  expect(rows.map(([name]) => name)).toEqual(Object.keys(errorTable));
});

describe("the session of §12", () => {
  const lines = section("12 A session in hex")
    .split("\n")
    .filter((line) => /^[→←] /.test(line));

  it.each(lines.filter((line) => line.includes("{")))("%s", (line) => {
    const text = line.slice(2);
    const parse = line.startsWith("→") ? parseEndMessage : parseSatelliteMessage;
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  it.each(lines.filter((line) => /^. [0-9a-f]{2} /.test(line)))("%s", (line) => {
    const [, hex = "", flags = "", stream, offset, text = ""] =
      /^. ((?:[0-9a-f]{2} )+) *DATA, ([A-Z ]+), stream (\d+), offset (\d+), (".*")$/.exec(line) ?? [];
    const chunk = decodeChunk(bytesOf(hex));
    expect(chunk.stream).toBe(Number(stream));
    expect(chunk.offset).toBe(Number(offset));
    const bits = flags.split(" ").map((name) => Flag[name.toLowerCase() as keyof typeof Flag]);
    expect(chunk.flags).toBe(bits.reduce((sum, bit) => sum | bit, 0));
    expect(Buffer.from(payloadOf(chunk)).toString()).toBe(JSON.parse(text));
  });

  it("has both directions, a frame and a close", () => {
    expect(lines.length).toBe(8);
    expect(lines.at(-1)).toBe("← close 1000");
  });
});
