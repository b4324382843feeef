/** The page about the data directory, and the code that it is about (satellite/store/files/FORMAT.md). */
import { readFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Disk } from "../../satellite/store/files/disk.ts";
import { FilesStore } from "../../satellite/store/files/files.ts";
import { FORMAT_VERSION, HEAD_BYTES } from "../../satellite/store/files/header.ts";
import { RECORD_HEADER_BYTES } from "../../satellite/store/files/record.ts";
import { SEGMENT_HEADER_BYTES } from "../../satellite/store/files/segment.ts";
import { sizes } from "../../satellite/store/files/sizes.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { HEADER_BYTES } from "../../satellite/wire/frame.ts";
import { SimDisk } from "../support/sim-disk.ts";

const page = await readFile(new URL("../../satellite/store/files/FORMAT.md", import.meta.url), "utf8");
const files = new Map(
  ["journal", "segment-0000000001", "index-0000000001"].map((name) => [name, bytesOf(name)] as const),
);
const SALTS = { journal: 0x5a17c0de, segment: 0x0badcafe };
const GO = encodeChunk(7, 0, 0x0b, Buffer.from("go\n"));
GO.arrival = 3;
const FACT = { key: "session/s1", value: { secret: "q83v" } };

/** The bytes of a file, as the page shows it. */
function bytesOf(name: string): Buffer {
  const block = page.split(`\`\`\`${name}\n`)[1]?.split("```")[0] ?? "";
  if (name === "journal") return Buffer.from(block);
  const hex = block.split("\n").map((line) => /^[0-9a-f ]*/.exec(line.split("   ")[0] ?? "")?.[0] ?? "");
  return Buffer.from(hex.join("").replaceAll(" ", ""), "hex");
}

/** Where each field ends, of the table whose head says so; fields have no gaps between them. */
function endOfTable(head: string): number {
  const rows = page.split(`| bytes | ${head} |\n`)[1]?.split("\n\n")[0]?.split("\n").slice(1) ?? [];
  let end = 0;
  for (const row of rows) {
    const [from, to] = (row.split("|")[1]?.trim() ?? "").split("–");
    expect(Number(from)).toBe(end);
    if (to !== "") end = Number(to ?? from) + 1;
  }
  return end;
}

/** A disk with these files. */
async function diskWith(contents: ReadonlyMap<string, Buffer>): Promise<SimDisk> {
  const disk = new SimDisk({ random: () => 0.5 });
  const writer = disk.open();
  for (const [name, bytes] of contents) await (await writer.make(name)).write(0, [bytes]);
  return disk;
}

function storeOn(disk: Disk): FilesStore {
  return new FilesStore(disk, { ...sizes, journalStepBytes: 0, reserveBytes: 0 });
}

async function contentsOf(disk: SimDisk): Promise<Map<string, Buffer>> {
  const reader = disk.open();
  const names = [...disk.sizes()].filter(([, bytes]) => bytes > 0);
  return new Map(
    await Promise.all(
      names.map(async ([name, bytes]) => [name, await (await reader.open(name)).read(0, bytes)] as const),
    ),
  );
}

describe("the page about the data directory", () => {
  it("has the version of the code", () => {
    expect(page).toContain(`this page is version ${FORMAT_VERSION}.`);
    expect(page).toContain(`\`["journal",${FORMAT_VERSION},SALT]\``);
  });

  it("has tables of bytes that have no gaps and end where the code says", () => {
    expect(endOfTable("field of the head")).toBe(SEGMENT_HEADER_BYTES);
    expect(endOfTable("field of a record")).toBe(RECORD_HEADER_BYTES);
    const index = files.get("index-0000000001")?.length ?? 0;
    expect(endOfTable("field of an entry")).toBe(index - SEGMENT_HEADER_BYTES);
    expect(page).toContain(`bytes 0–${HEAD_BYTES - 1}, with the segment's number`);
    expect(page).toContain(`${HEADER_BYTES} bytes of header`);
  });

  it.each([
    ["as it is", []],
    ["without its index", ["index-0000000001"]],
  ])("has an example that is read as the page says: %s", async (_, missing) => {
    const store = storeOn(
      (await diskWith(new Map([...files].filter(([name]) => !missing.includes(name))))).open(),
    );
    const recovered = await store.recover();
    expect(recovered).toMatchObject({
      facts: new Map([[FACT.key, FACT.value]]),
      streams: [{ id: 7, from: 0, to: 3, end: true, lastFlags: 0x0b, firstArrival: 3, damaged: false }],
      lostTailBytes: 0,
      damage: [],
    });
    const [chunk] = await store.read(7, 0, 100);
    expect(Buffer.from(chunk?.frame ?? []).toString("hex")).toBe(Buffer.from(GO.frame).toString("hex"));
    expect(chunk?.arrival).toBe(3);
    await store.close();
  });

  it("has an example that is written as the page says", async () => {
    const disk = new SimDisk({ random: () => 0.5 });
    const salts = [SALTS.journal, SALTS.segment];
    const store = storeOn({ ...disk.open(), salt: () => salts.shift() as number });
    await store.recover();
    store.note([FACT]);
    store.create({ id: 7, pipe: "trigger", openedMs: 0 });
    await new Promise<void>((resolve) => {
      store.onDurable = () => resolve();
      store.append(GO);
    });
    await store.close();
    const written = await contentsOf(disk);
    expect([...written.keys()].toSorted()).toEqual([...files.keys()].toSorted());
    for (const [name, bytes] of files) {
      expect([name, written.get(name)?.toString("hex")]).toEqual([name, bytes.toString("hex")]);
    }
  });

  it.each([...files.keys()])("says that a newer version is refused: in %s", async (name) => {
    const newer = new Map([...files].map(([each, bytes]) => [each, Buffer.from(bytes)]));
    const bytes = newer.get(name) as Buffer;
    if (name === "journal") {
      const line = Buffer.from(JSON.stringify(["journal", 2, SALTS.journal]));
      const rest = bytes.subarray(bytes.indexOf("\n"));
      newer.set(name, Buffer.concat([Buffer.from(`${crcHex(line)} `), line, rest]));
    } else {
      bytes.writeUInt32BE(2, 8);
      const covered = name.startsWith("segment")
        ? [bytes.subarray(0, 36)]
        : [bytes.subarray(0, 36), bytes.subarray(40)];
      bytes.writeUInt32BE(crc32(Buffer.concat(covered)), 36);
    }
    const store = storeOn((await diskWith(newer)).open());
    await expect(store.recover()).rejects.toMatchObject({
      code: "version",
      message: /format 2, this one knows 1/,
    });
  });
});

function crcHex(bytes: Buffer): string {
  return crc32(bytes).toString(16).padStart(8, "0");
}
