/** Lines of the journal (FORMAT.md): a checksum in hex, a space, JSON, a line feed. */
import { crc32 } from "node:zlib";
import type { Fact, JsonValue } from "../../wire/fact.ts";
import { FORMAT_VERSION } from "./header.ts";

const LINE_FEED = 10;
/** The checksum and the space. */
const PREFIX_BYTES = 9;

/** What a line says, in JSON. */
export const line = {
  head: (salt: number): string => JSON.stringify(["journal", FORMAT_VERSION, salt]),
  facts: (facts: readonly Fact[]): string =>
    JSON.stringify(["facts", ...facts.flatMap(({ key, value }) => [key, value])]),
  /** A fact whose value is JSON already. */
  fact: (key: string, json: string): string => `["facts",${JSON.stringify(key)},${json}]`,
  stream: (id: number, released: number): string => `["stream",${id},${released}]`,
  released: (id: number, offset: number): string => `["released",${id},${offset}]`,
  removed: (id: number): string => `["removed",${id}]`,
  damaged: (id: number): string => `["damaged",${id}]`,
  synced: (bytes: number): string => `["synced",${bytes}]`,
} as const;

/** Lines as they are written. */
export function encodeLines(lines: readonly string[], salt: number): Buffer {
  let text = "";
  for (const json of lines) text += `${prefix(json, salt)}${json}\n`;
  return Buffer.from(text);
}

/** A line as it was found, from its first byte to that behind its line feed. */
interface FoundLine {
  readonly at: number;
  readonly end: number;
  /** Null if its checksum is wrong. */
  readonly entry: readonly JsonValue[] | null;
}

/** All lines behind `from`. What has no line feed is none. */
export function* linesIn(journal: Buffer, from: number, salt: number): Generator<FoundLine> {
  let at = from;
  for (;;) {
    const end = journal.indexOf(LINE_FEED, at);
    if (end === -1) return;
    yield { at, end: end + 1, entry: entryIn(journal.subarray(at, end), salt) };
    at = end + 1;
  }
}

/** The first line has no salt yet: it tells it. Null if it is damaged. */
export function headIn(journal: Buffer): { version: number; salt: number; end: number } | null {
  const end = journal.indexOf(LINE_FEED);
  if (end === -1) return null;
  const entry = entryIn(journal.subarray(0, end), 0);
  if (entry === null || entry[0] !== "journal") return null;
  return { version: Number(entry[1]), salt: Number(entry[2]), end: end + 1 };
}

function prefix(json: string | Buffer, salt: number): string {
  return `${crc32(json, salt).toString(16).padStart(8, "0")} `;
}

function entryIn(found: Buffer, salt: number): readonly JsonValue[] | null {
  if (found.length <= PREFIX_BYTES) return null;
  const json = found.subarray(PREFIX_BYTES);
  if (found.toString("latin1", 0, PREFIX_BYTES) !== prefix(json, salt)) return null;
  return JSON.parse(json.toString()) as readonly JsonValue[];
}
