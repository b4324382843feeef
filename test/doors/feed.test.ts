/** The list as events, where no socket decides who is slow. */
import { EventEmitter } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import { type FeedResponse, ListFeed } from "../../satellite/doors/feed.ts";
import type { PipeRow } from "../../satellite/wire/messages.ts";
import { until } from "../support/until.ts";

/** A client that takes what it is told, unless it is full. */
class Client extends EventEmitter {
  writableNeedDrain = false;
  readonly told: string[] = [];

  writeHead(): void {}
  flushHeaders(): void {}
  write(event: string): void {
    this.told.push(event);
  }

  end(): void {
    this.emit("close");
  }

  get names(): string[] {
    return this.told.map((event) =>
      (JSON.parse(event.slice("data: ".length)) as PipeRow[]).map(({ name }) => name).join(),
    );
  }
}

/** A feed of pipes that have these names. */
function bench(feedMs = 1) {
  const pipes = { names: ["a"], lists: 0, isOpen: true };
  const feed = new ListFeed({
    list: async () => {
      pipes.lists += 1;
      return pipes.names.map((name) => ({
        name,
        streams: 0,
        bytes: 0,
        oldestAgeS: pipes.lists,
        writers: 0,
        readers: 0,
        taps: 0,
      }));
    },
    limits: { feedsMax: 3, feedMs },
    log: () => {},
    isOpen: () => pipes.isOpen,
  });
  const watch = (): Client => {
    const client = new Client();
    onTestFinished(() => client.end());
    feed.watch(client as unknown as FeedResponse);
    return client;
  };
  return { pipes, watch };
}

it("[H-18] passes over who has not taken its last event, and tells it the newest when it has", async () => {
  const { pipes, watch } = bench();
  const [fast, slow] = [watch(), watch()];
  await until("both have the first", () => slow.told.length === 1 && fast.told.length === 1);
  slow.writableNeedDrain = true;
  for (const name of ["b", "c", "d"]) {
    pipes.names = [name];
    await until("the fast one has it", () => fast.names.at(-1) === name);
  }
  slow.writableNeedDrain = false;
  await until("the slow one has the newest", () => slow.told.length === 2);
  expect([fast.names, slow.names]).toEqual([
    ["a", "b", "c", "d"],
    ["a", "d"],
  ]);
});

it("[H-18] says nothing while only ages change, and lists once for all", async () => {
  const { pipes, watch } = bench();
  const clients = [watch(), watch(), watch()];
  await until("many lists were made", () => pipes.lists > 20);
  expect(clients.map(({ told }) => told.length)).toEqual([1, 1, 1]);
});

it("[H-18] tells one that comes later the list that there is, at once", async () => {
  const { pipes, watch } = bench(60_000);
  const first = watch();
  await until("the first has it", () => first.told.length === 1);
  expect(watch().names).toEqual(["a"]);
  expect(pipes.lists).toBe(1);
});

it("[H-18] makes no list while nobody watches, and one at a time when clients come and go", async () => {
  const { pipes, watch } = bench(60_000);
  const first = watch();
  await until("the first has it", () => first.told.length === 1);
  first.end();
  pipes.names = ["b"];
  for (const client of [watch(), watch()]) {
    await until("it has the new one", () => client.told.length === 1);
    expect(client.names).toEqual(["b"]);
  }
  expect(pipes.lists).toBe(2);
});

it("[H-20] ends everybody's when the satellite stops", async () => {
  const { pipes, watch } = bench();
  const client = watch();
  let isEnded = false;
  client.once("close", () => {
    isEnded = true;
  });
  pipes.isOpen = false;
  await until("it has ended", () => isEnded);
});
