import { EventEmitter, once } from "node:events";
import { expect, it } from "vitest";
import { Receipts, type Written } from "../../satellite/doors/receipts.ts";
import { WireError } from "../../satellite/wire/errors.ts";

/** Receipts by a clock that a test sets, and writes that count themselves. */
function bench(idempotencyKeysMax = 3) {
  let nowMs = 0;
  let writes = 0;
  const receipts = new Receipts({ idempotencyKeysMax, idempotencyMs: 1_000 }, () => nowMs);
  const write = (key: string, pipe = "p"): Promise<Written> =>
    receipts.once(pipe, key, () => Promise.resolve({ stream: ++writes, bytes: 0 }));
  return {
    receipts,
    write,
    at: (ms: number): void => {
      nowMs = ms;
    },
  };
}

it("[H-10] a key counts for its pipe, until its time is over", async () => {
  const { write, at } = bench();
  expect((await write("a")).stream).toBe(1);
  expect((await write("a")).stream).toBe(1);
  expect((await write("a", "q")).stream).toBe(2);
  at(999);
  expect((await write("a")).stream).toBe(1);
  at(1_000);
  expect((await write("a")).stream).toBe(3);
});

it("[H-10] the oldest is forgotten first", async () => {
  const { write } = bench(2);
  for (const key of ["a", "b", "c"]) await write(key);
  expect((await write("b")).stream).toBe(2);
  expect((await write("c")).stream).toBe(3);
  expect((await write("a")).stream).toBe(4);
});

it("[H-10] many at once with one key write once", async () => {
  const { write } = bench();
  const all = await Promise.all(Array.from({ length: 100 }, () => write("a")));
  expect(new Set(all.map(({ stream }) => stream))).toEqual(new Set([1]));
});

it("[H-10] after a failure the first that waits writes, and the others wait for that", async () => {
  const { receipts } = bench();
  let tries = 0;
  const write = (): Promise<Written> => {
    tries += 1;
    return tries < 3
      ? Promise.reject(new WireError("aborted", `try ${tries}`))
      : Promise.resolve({ stream: tries, bytes: 0 });
  };
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => receipts.once("p", "a", write)));
  expect(all.map(({ status }) => status)).toEqual([
    "rejected",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
  expect(tries).toBe(3);
});

it("[H-10] what is under way is never forgotten; when all are, there is error limit", async () => {
  const { receipts, write } = bench(1);
  const under = new EventEmitter();
  const written = once(under, "way").then(([what]) => what as Written);
  const first = receipts.once("p", "slow", () => written);
  await expect(write("other")).rejects.toMatchObject({ code: "limit" });
  under.emit("way", { stream: 7, bytes: 0 });
  expect(await first).toEqual({ stream: 7, bytes: 0 });
  expect(await write("slow")).toEqual({ stream: 7, bytes: 0 });
  expect((await write("other")).stream).toBe(1);
});
