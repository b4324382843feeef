/** What every store must do, whether it tells durability at once or later. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../satellite/store/store.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { type Chunk, Flag } from "../../satellite/wire/frame.ts";
import { KiB, noise } from "../support/bytes.ts";
import { until } from "../support/until.ts";

type Told = { stream: number; offset: number; end: boolean };

/** Declares the suite. `open` gives a store that is empty. */
export function describeStore(name: string, open: () => Store | Promise<Store>): void {
  describe(`store: ${name}`, () => {
    let store: Store;
    let told: Told[];

    beforeEach(async () => {
      store = await open();
      told = [];
      store.onDurable = (stream, offset, end) => told.push({ stream, offset, end });
      expect((await store.recover()).streams).toEqual([]);
    });

    afterEach(async () => {
      await store.close();
    });

    function create(id: number): void {
      store.create({ id, pipe: `pipe ${id % 7}`, openedMs: 1_790_000_000_000 + id });
    }

    /** Appends chunks of these sizes from `offset`, the last one with `lastFlags`. */
    function append(stream: number, sizes: readonly number[], offset = 0, lastFlags = 0): Chunk[] {
      let at = offset;
      return sizes.map((size, index) => {
        const chunk = encodeChunk(stream, at, index === sizes.length - 1 ? lastFlags : 0, noise(size, at));
        chunk.arrival = at + index + 1;
        store.append(chunk);
        at = chunk.end;
        return chunk;
      });
    }

    function toldOf(stream: number): Told[] {
      return told.filter((one) => one.stream === stream);
    }

    async function untilDurable(stream: number, offset: number, end = false): Promise<void> {
      await until(`stream ${stream} is durable to ${offset}`, () => {
        const last = toldOf(stream).at(-1);
        return last !== undefined && last.offset >= offset && (last.end || !end);
      });
    }

    it("has a name that fits into a status message", () => {
      expect(store.name).toMatch(/^[a-z]{1,16}$/);
    });

    it("[L-2] gives chunks back in order, frame by frame as they came", async () => {
      create(1);
      const chunks = append(1, [5, 1, 64 * KiB, 300, 17], 0, Flag.final | Flag.boundary | Flag.line);
      expect(plain(await store.read(1, 0, 1024 * KiB))).toEqual(plain(chunks));
      await untilDurable(1, chunks[4]?.end ?? 0, true);
      expect(plain(await store.read(1, 0, 1024 * KiB))).toEqual(plain(chunks));
    });

    it("[F-4] reads whole chunks from an offset, up to so many bytes, and at least one", async () => {
      create(1);
      const chunks = append(1, [100, 200, 300, 400]);
      expect(await offsetsOf(store, 0, 600)).toEqual([0, 100, 300]);
      expect(await offsetsOf(store, 0, 599)).toEqual([0, 100]);
      expect(await offsetsOf(store, 100, 1)).toEqual([100]);
      expect(await offsetsOf(store, 300, 0)).toEqual([300]);
      expect(await offsetsOf(store, 600, 9_999)).toEqual([600]);
      expect(chunks).toHaveLength(4);
    });

    it("reads nothing where no chunk begins", async () => {
      create(1);
      append(1, [100, 100]);
      expect(await store.read(1, 50, 1_000)).toEqual([]);
      expect(await store.read(1, 200, 1_000)).toEqual([]);
      expect(await store.read(1, 1_000, 1_000)).toEqual([]);
      expect(await store.read(2, 0, 1_000)).toEqual([]);
    });

    it("does not change what was read when more is appended or released", async () => {
      create(1);
      const chunks = append(1, [10, 10]);
      const read = await store.read(1, 0, 1_000);
      append(1, [10], 20);
      store.release(1, 30);
      expect(plain(read)).toEqual(plain(chunks));
    });

    it("[L-8] keeps an empty stream: one final chunk without a byte", async () => {
      create(1);
      const [chunk] = append(1, [0], 0, Flag.final | Flag.boundary | Flag.line);
      await untilDurable(1, 0, true);
      expect(toldOf(1).at(-1)).toEqual({ stream: 1, offset: 0, end: true });
      expect(plain(await store.read(1, 0, 1))).toEqual(plain([chunk as Chunk]));
    });

    it("counts an empty final chunk with what lies before it", async () => {
      create(1);
      const chunks = [...append(1, [10]), ...append(1, [0], 10, Flag.final)];
      expect(plain(await store.read(1, 0, 10))).toEqual(plain(chunks));
      expect(plain(await store.read(1, 10, 10))).toEqual(plain(chunks.slice(1)));
    });

    it("[W-4] tells what is durable in order, each stream to its end, and its end only with the final chunk", async () => {
      create(1);
      create(2);
      for (let offset = 0; offset < 1_000; offset += 10) {
        append(1, [10], offset);
        append(2, [4, 6], offset);
      }
      append(1, [0], 1_000, Flag.final);
      append(2, [5], 1_000, Flag.final | Flag.interrupted);
      await untilDurable(1, 1_000, true);
      await untilDurable(2, 1_005, true);
      for (const [stream, last] of [
        [1, 1_000],
        [2, 1_005],
      ] as const) {
        const offsets = toldOf(stream).map(({ offset }) => offset);
        expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
        expect(offsets.at(-1)).toBe(last);
        expect(toldOf(stream).filter(({ end }) => end)).toEqual([{ stream, offset: last, end: true }]);
      }
    });

    it("does not tell the end with the byte before an empty final chunk", async () => {
      create(1);
      append(1, [10]);
      await untilDurable(1, 10);
      expect(toldOf(1).some(({ end }) => end)).toBe(false);
    });

    it("takes calls from inside onDurable", async () => {
      create(1);
      create(2);
      store.onDurable = (stream, offset, end) => {
        told.push({ stream, offset, end });
        if (stream !== 1 || offset !== 30) return;
        store.remove(1);
        append(2, [5], 0, Flag.final);
      };
      append(1, [10, 20]);
      await untilDurable(2, 5, true);
      expect(await store.read(1, 0, 1_000)).toEqual([]);
      expect(await store.read(2, 0, 1_000)).toHaveLength(1);
    });

    it("lets go of the front by whole chunks, and keeps the rest readable", async () => {
      create(1);
      const chunks = append(
        1,
        Array.from({ length: 500 }, () => 10),
      );
      store.release(1, 2_005);
      expect(plain(await store.read(1, 2_000, 20))).toEqual(plain(chunks.slice(200, 202)));
      expect(await store.read(1, 1_990, 20)).toEqual([]);
      store.release(1, 1_000);
      expect(plain(await store.read(1, 2_000, 20))).toEqual(plain(chunks.slice(200, 202)));
      store.release(1, 4_990);
      expect(plain(await store.read(1, 4_990, 100))).toEqual(plain(chunks.slice(499)));
    });

    it("[R-4] keeps the final chunk until the stream is removed", async () => {
      create(1);
      create(2);
      const empty = [...append(1, [10]), ...append(1, [0], 10, Flag.final)];
      const full = append(2, [10, 20], 0, Flag.final);
      for (const stream of [1, 2]) store.release(stream, 1_000);
      expect(plain(await store.read(1, 10, 100))).toEqual(plain(empty.slice(1)));
      expect(await store.read(1, 0, 100)).toEqual([]);
      expect(plain(await store.read(2, 10, 100))).toEqual(plain(full.slice(1)));
    });

    it("[L-14] goes on at any later offset once everything was released", async () => {
      create(1);
      append(1, [10, 20]);
      await untilDurable(1, 30);
      store.release(1, 30);
      expect(await store.read(1, 0, 100)).toEqual([]);
      const later = append(1, [7, 8], 5_000, Flag.final);
      await untilDurable(1, 5_015, true);
      expect(plain(await store.read(1, 5_000, 100))).toEqual(plain(later));
      expect(await store.read(1, 30, 100)).toEqual([]);
    });

    it("begins a stream at any offset", async () => {
      create(1);
      const chunks = append(1, [10, 10], 2 ** 40);
      await untilDurable(1, 2 ** 40 + 20);
      expect(plain(await store.read(1, 2 ** 40, 100))).toEqual(plain(chunks));
    });

    it("refuses a chunk that leaves a gap, repeats, or belongs to no stream", async () => {
      create(1);
      const chunks = append(1, [10]);
      expect(() => store.append(encodeChunk(1, 11, 0, noise(1, 1)))).toThrow(/stream 1/);
      expect(() => store.append(encodeChunk(1, 9, 0, noise(1, 1)))).toThrow(/stream 1/);
      expect(() => store.append(encodeChunk(2, 0, 0, noise(1, 1)))).toThrow(/stream 2/);
      expect(plain(await store.read(1, 0, 100))).toEqual(plain(chunks));
    });

    it("[C-7] forgets a stream that is removed, and tells nothing more of it", async () => {
      create(1);
      create(2);
      append(1, [10, 10]);
      store.remove(1);
      const toldBefore = toldOf(1).length;
      append(2, [10], 0, Flag.final);
      await untilDurable(2, 10, true);
      expect(await store.read(1, 0, 100)).toEqual([]);
      expect(toldOf(1)).toHaveLength(toldBefore);
      store.remove(1);
      store.release(1, 100);
      expect(await store.read(2, 0, 100)).toHaveLength(1);
    });

    it("keeps what was read when its stream is removed before the answer comes", async () => {
      create(1);
      const chunks = append(1, [10, 64 * KiB]);
      const answer = store.read(1, 0, 1024 * KiB);
      store.remove(1);
      const read = plain(await answer);
      expect(plain(chunks).slice(0, read.length)).toEqual(read);
    });

    it("holds 20,000 streams that come and go in any order", async () => {
      const count = 20_000;
      for (let id = 1; id <= count; id++) {
        create(id);
        append(id, [id % 50], 0, Flag.final);
      }
      for (let id = 1; id <= count; id += 2) store.remove(id);
      await untilDurable(count, 0, true);
      for (const id of [1, 2, 999, 1_000, count - 1, count]) {
        expect(await store.read(id, 0, 100)).toHaveLength(id % 2 === 0 ? 1 : 0);
      }
    });

    it("keeps a long backlog that is appended and released at the same time", async () => {
      create(1);
      const count = 50_000;
      for (let index = 0; index < count; index++) {
        append(1, [1], index);
        if (index >= 1_000) store.release(1, index - 1_000);
      }
      await untilDurable(1, count);
      const read = await store.read(1, count - 1_000, 5_000);
      expect(read).toHaveLength(1_000);
      expect(read.at(-1)?.end).toBe(count);
    });

    it("has told everything when it is closed, and may be closed again", async () => {
      create(1);
      append(1, [10, 10, 10], 0, Flag.final);
      await store.close();
      await store.close();
      expect(toldOf(1).at(-1)).toEqual({ stream: 1, offset: 30, end: true });
    });
  });
}

/** What two chunks are compared by, whatever kind of buffer holds the frame. */
function plain(chunks: readonly Chunk[]): object[] {
  return chunks.map(({ stream, offset, end, flags, arrival, frame }) => ({
    stream,
    offset,
    end,
    flags,
    arrival,
    frame: Buffer.from(frame).toString("base64"),
  }));
}

async function offsetsOf(store: Store, from: number, bytesMax: number): Promise<number[]> {
  return (await store.read(1, from, bytesMax)).map((chunk) => chunk.offset);
}
