/** Memory that frames lie in is used again when the store does not need it any more, and not before. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openFilesStore } from "../../satellite/store/files/files.ts";
import { MemoryStore } from "../../satellite/store/memory.ts";
import type { Store } from "../../satellite/store/store.ts";
import { Blocks } from "../../satellite/wire/blocks.ts";
import { decodeChunk } from "../../satellite/wire/decode.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { type Chunk, payloadOf } from "../../satellite/wire/frame.ts";
import { KiB, sha256 } from "../support/bytes.ts";

const stores: [string, () => Promise<Store>][] = [
  ["memory", async () => new MemoryStore()],
  [
    "files",
    async () => {
      const folder = mkdtempSync(path.join(tmpdir(), "skypipe-blocks-"));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      return openFilesStore(folder);
    },
  ],
];

it.each(stores)(
  "the store in %s gives back what it was given, while its memory is used again",
  async (name, open) => {
    const store = await open();
    onTestFinished(async () => store.close());
    let durable = 0;
    let wake: (() => void) | undefined;
    store.onDurable = (_stream, offset) => {
      durable = offset;
      wake?.();
    };
    await store.recover();
    store.create({ id: 1, pipe: "p", openedMs: 0 });
    const blocks = new Blocks();
    const memory = new Set<ArrayBufferLike>();
    const written: string[] = [];
    const read: string[] = [];
    const take = (chunks: readonly Chunk[]): void => {
      for (const chunk of chunks) read.push(sha256(payloadOf(chunk)));
    };
    const early: Chunk[][] = [];
    for (let index = 0; index < 100; index++) {
      const payload = randomBytes(60 * KiB);
      written.push(sha256(payload));
      const { frame, block } = blocks.place(16 + payload.length);
      frame.set(encodeChunk(1, index * payload.length, 0, payload).frame);
      memory.add(frame.buffer);
      store.append({ ...decodeChunk(frame, 14, block), arrival: index + 1 });
      block?.letGo(); // as who brought it does
      // Some are read while they wait to be written: these are kept, and compared at the end.
      if (index % 10 === 0) early.push(await store.read(1, index * payload.length, payload.length));
      const until = (index - 8) * payload.length;
      await new Promise<void>((resolve) => {
        wake = () => durable >= until && resolve();
        wake?.();
      });
      if (index >= 20) {
        const offset = (index - 20) * payload.length;
        take(await store.read(1, offset, payload.length));
        store.release(1, offset + payload.length);
      }
    }
    expect(read).toEqual(written.slice(0, read.length));
    expect(early.map(([chunk]) => sha256(payloadOf(chunk as Chunk)))).toEqual(
      written.filter((_hash, index) => index % 10 === 0),
    );
    // What was read of memory itself is somebody's now; what was read of the disk is a copy.
    expect(memory.size < 60).toBe(name === "files");
  },
);
