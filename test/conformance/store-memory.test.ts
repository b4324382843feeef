import { expect, it } from "vitest";
import { MemoryStore } from "../../satellite/store/memory.ts";
import { decodeChunk } from "../../satellite/wire/decode.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { HEADER_BYTES } from "../../satellite/wire/frame.ts";
import { KiB } from "../support/bytes.ts";
import { describeStore } from "./store.ts";

describeStore("memory", () => new MemoryStore());

it("[W-4] tells durability during append", () => {
  const store = new MemoryStore();
  const told: number[] = [];
  store.onDurable = (_stream, offset) => told.push(offset);
  store.create({ id: 1, pipe: "", openedMs: 0 });
  store.append(encodeChunk(1, 0, 0, new Uint8Array(3)));
  expect(told).toEqual([3]);
});

it("keeps small chunks apart from the large buffers they came in", async () => {
  const store = new MemoryStore();
  store.create({ id: 1, pipe: "", openedMs: 0 });
  const block = Buffer.alloc(64 * KiB, "old");
  block.set(encodeChunk(1, 0, 0, Buffer.from("kept")).frame);
  store.append(decodeChunk(block.subarray(0, HEADER_BYTES + 4)));
  const [read] = await store.read(1, 0, 100);
  expect(Buffer.from(read?.frame ?? [])).toEqual(block.subarray(0, HEADER_BYTES + 4));
  expect(read?.frame.buffer.byteLength).toBe(HEADER_BYTES + 4);
});

it("keeps large chunks without a copy", async () => {
  const store = new MemoryStore();
  store.create({ id: 1, pipe: "", openedMs: 0 });
  const chunk = encodeChunk(1, 0, 0, new Uint8Array(64 * KiB));
  store.append(chunk);
  expect((await store.read(1, 0, 1))[0]).toBe(chunk);
});
