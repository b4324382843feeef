/** Sealed writers: once per chunk, sent again as it was, and sealed anew where the stream is a new one [Z-7] [Z-8]. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { SessionEffect } from "../../cli/client/effects.ts";
import { parseKey, pipeKey } from "../../cli/client/seal/key.ts";
import { StreamOpener } from "../../cli/client/seal/stream-opener.ts";
import { StreamSealer } from "../../cli/client/seal/stream-sealer.ts";
import { Session } from "../../cli/client/session.ts";
import { decodeChunk } from "../../satellite/wire/decode.ts";
import { type Chunk, Flag, hasFlag } from "../../satellite/wire/frame.ts";
import type { Open, SatelliteMessage } from "../../satellite/wire/messages.ts";
import { decodeSealed } from "../../satellite/wire/sealing.ts";
import { key, ring } from "./recorded.ts";

const account = parseKey(key);
if (account.kind !== "account") throw new Error(account.kind);
const pipe = pipeKey(account, "p");
const REF = 1;
const LINE = Flag.boundary | Flag.line;

/** A writer in its session, with the satellite's part played by the test. */
class Stage {
  readonly opens: Open[] = [];
  /** Everything that was sent, in order, with the stream that `open` it followed. */
  readonly frames: { open: Open; bytes: Uint8Array }[] = [];
  readonly reasons: (string | undefined)[] = [];
  readonly safeBytes: number[] = [];
  readonly outcomes: string[] = [];
  readonly #session = new Session({
    software: "test",
    address: "stage",
    connectTimeoutMs: null,
    random: () => 0.5,
  });
  #connection = 0;
  #nowMs = 0;
  #ping = 0;
  #wakeMs = 0;

  static async start(): Promise<Stage> {
    const stage = new Stage();
    const sealer = await StreamSealer.for(pipe);
    stage.#take(stage.#session.handle({ type: "start" }, 0));
    stage.greet({ resumed: false });
    stage.dispatch({ type: "open", ref: REF, pipe: "p", options: { name: "log", size: 9 }, sealer });
    return stage;
  }

  write(text: string): void {
    this.dispatch({ type: "write", ref: REF, cuts: [{ payload: Buffer.from(text), flags: LINE }] });
  }

  finish(): void {
    this.dispatch({ type: "finish", ref: REF, interrupted: false });
  }

  dispatch(event: Parameters<Session["handle"]>[0]): void {
    this.#take(this.#session.handle(event, this.#nowMs));
  }

  say(message: SatelliteMessage): void {
    this.dispatch({ type: "message", connection: this.#connection, message });
  }

  opened(stream: number, received: number, credit = 1e6): void {
    this.say({ type: "opened", ref: REF, stream, received, safe: 0, credit });
  }

  greet(how: { resumed: boolean; expired?: boolean }): void {
    this.dispatch({ type: "connected", connection: this.#connection });
    const welcome = { protocol: 1, software: "s", session: "s", secret: "s", graceMs: 60_000 };
    this.say({ type: "welcome", ...welcome, ...how });
  }

  pong(): void {
    this.dispatch({ type: "heard", connection: this.#connection, pong: this.#ping });
  }

  lose(): void {
    const lost = this.#connection;
    this.dispatch({ type: "lost", connection: lost, reason: "cut" });
    while (this.#connection === lost) {
      this.#nowMs = Math.max(this.#nowMs, this.#wakeMs);
      this.dispatch({ type: "tick" });
    }
  }

  #take(effects: readonly SessionEffect[]): void {
    for (const effect of effects) {
      if (effect.type === "connect") this.#connection = effect.connection;
      else if (effect.type === "wake") this.#wakeMs = effect.atMs ?? 0;
      else if (effect.type === "ping") this.#ping = effect.ping;
      else if (effect.type === "send" && effect.message.type === "open") this.opens.push(effect.message);
      else if (effect.type === "send" && effect.message.type === "abort") {
        this.reasons.push(effect.message.reason);
      } else if (effect.type === "forward") {
        this.frames.push({ open: this.opens.at(-1) as Open, bytes: effect.chunk.frame.slice() });
      } else if (effect.type === "notice" && effect.notice.type === "safe") {
        this.safeBytes.push(effect.notice.bytes);
      } else if (effect.type === "notice") this.outcomes.push(effect.notice.type);
    }
  }
}

/** What a reader gets of these frames of one stream. */
async function opened(open: Open, frames: readonly Uint8Array[]): Promise<{ text: string; chunks: Chunk[] }> {
  const chunks = frames.map((frame) => decodeChunk(frame));
  const stream = chunks[0]?.stream ?? 0;
  const begins = { type: "stream", ref: 1, stream, offset: 0, sealed: open.sealed ?? "" } as const;
  const opener = await StreamOpener.for(ring, "p", begins);
  return { text: chunks.map((chunk) => Buffer.from(opener.open(chunk)).toString()).join(""), chunks };
}

function partOf(open: Open): number {
  const sealed = decodeSealed(open.sealed ?? "");
  return typeof sealed === "string" ? -1 : sealed.part;
}

it("[Z-5] tells the satellite nothing but the pipe, in clear", async () => {
  const stage = await Stage.start();
  expect(stage.opens).toEqual([{ type: "open", ref: REF, pipe: "p", sealed: expect.any(String) as string }]);
  stage.opened(7, 0);
  stage.dispatch({ type: "abort", ref: REF, reason: "a secret" });
  expect(stage.reasons).toEqual([undefined]);
});

it("[Z-6] [F-2] seals an end without bytes, and one that a chunk brings", async () => {
  const empty = await Stage.start();
  empty.finish();
  empty.opened(7, 0);
  expect(empty.frames.map(({ bytes }) => bytes.length)).toEqual([16 + 16]);
  const one = await Stage.start();
  one.write("go\n");
  one.finish();
  one.opened(7, 0);
  expect(one.frames.map(({ bytes }) => bytes.length)).toEqual([16 + 3 + 16]);
  const { text, chunks } = await opened(
    one.opens[0] as Open,
    one.frames.map(({ bytes }) => bytes),
  );
  expect(text).toBe("go\n");
  expect(chunks.map((chunk) => hasFlag(chunk, Flag.final))).toEqual([true]);
});

it("[W-2] keeps to its credit, which counts what is on the wire", async () => {
  const stage = await Stage.start();
  stage.write("0123456789\n");
  stage.write("0123456789\n");
  stage.opened(7, 0, 2 * 27 - 1);
  expect(stage.frames).toHaveLength(1);
  stage.say({ type: "ack", ref: REF, stream: 7, offset: 27, credit: 2 * 27 });
  expect(stage.frames).toHaveLength(2);
});

it("[W-4] tells how much of the input is safe, and not of the wire", async () => {
  const stage = await Stage.start();
  for (const text of ["a\n", "bcd\n", "ef\n"]) stage.write(text);
  stage.opened(7, 0);
  stage.say({ type: "ack", ref: REF, stream: 7, offset: 18, credit: 1e6 });
  stage.say({ type: "ack", ref: REF, stream: 7, offset: 18 + 20 + 7, credit: 1e6 });
  stage.finish();
  stage.say({ type: "ack", ref: REF, stream: 7, offset: 18 + 20 + 19, credit: 1e6 });
  stage.say({ type: "ack", ref: REF, stream: 7, offset: 18 + 20 + 19 + 16, credit: 1e6, end: true });
  expect(stage.safeBytes).toEqual([2, 6, 9, 9]);
  expect(stage.outcomes.at(-1)).toBe("finished");
});

it("[Z-7] sends again byte for byte what it had sent", async () => {
  const stage = await Stage.start();
  stage.opened(7, 0);
  stage.write("one\n");
  stage.write("two\n");
  stage.finish();
  stage.lose();
  stage.greet({ resumed: true });
  stage.opened(7, 20);
  const [, b, c, ...again] = stage.frames.map(({ bytes }) => bytes);
  expect(again).toEqual([b, c]);
});

it("[Z-8] goes on in a new stream where the old one ended, under keys of its own", async () => {
  const stage = await Stage.start();
  stage.opened(7, 0, 60);
  for (const text of ["one\n", "two\n", "three\n", "four\n"]) stage.write(text); // the last is beyond the credit
  stage.lose();
  stage.greet({ resumed: false, expired: true });
  stage.say({ type: "expired", ref: REF, stream: 7, received: 20 });
  stage.pong();
  stage.opened(9, 0);
  stage.finish();

  expect(stage.opens.map(partOf)).toEqual([0, 1]);
  const [first, second] = stage.opens.map((open) =>
    stage.frames.filter((frame) => frame.open === open).map(({ bytes }) => bytes),
  );
  expect((await opened(stage.opens[0] as Open, first?.slice(0, 1) ?? [])).text).toBe("one\n");
  const rest = await opened(stage.opens[1] as Open, second ?? []);
  expect(rest.text).toBe("two\nthree\nfour\n");
  expect(rest.chunks.map(({ stream }) => new Set([stream]))).toEqual(rest.chunks.map(() => new Set([9])));
  expect(rest.chunks[0]?.offset).toBe(0);
  stage.say({ type: "ack", ref: REF, stream: 9, offset: 20, credit: 1e6 });
  expect(stage.safeBytes).toEqual([8]); // one and two
});

it("[Z-8] sends a chunk whole that the old stream is said to have in part", async () => {
  const stage = await Stage.start();
  stage.opened(7, 0);
  stage.write("one\n");
  stage.write("two\n");
  stage.lose();
  stage.greet({ resumed: false, expired: true });
  stage.say({ type: "expired", ref: REF, stream: 7, received: 25 });
  stage.pong();
  stage.opened(9, 0);
  const open = stage.opens[1] as Open;
  const { text } = await opened(
    open,
    stage.frames.filter((frame) => frame.open === open).map(({ bytes }) => bytes),
  );
  expect(text).toBe("two\n");
});

const step = fc.oneof(
  fc.record({ do: fc.constant("write" as const), text: fc.string({ minLength: 1, maxLength: 40 }) }),
  fc.record({ do: fc.constant("finish" as const) }),
  fc.record({ do: fc.constant("ack" as const), offset: fc.nat(400), credit: fc.nat(800) }),
  // What the satellite says that it has received is whatever it likes.
  fc.record({ do: fc.constant("resume" as const), received: fc.nat(400), credit: fc.nat(800) }),
  fc.record({
    do: fc.constant("expire" as const),
    received: fc.nat(400),
    stream: fc.integer({ min: 7, max: 9 }),
  }),
  fc.record({ do: fc.constant("forget" as const), stream: fc.integer({ min: 7, max: 9 }) }),
);

it("[Z-7] never seals two different chunks under one key at one offset, nor sends one in clear, whatever the satellite says", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const stage = await Stage.start();
      stage.opened(7, 0, 100);
      for (const each of steps) run(stage, each);
      const sealedAt = new Map<string, string>();
      for (const { open, bytes } of stage.frames) {
        const { offset, end } = decodeChunk(bytes);
        expect(end - offset).toBeGreaterThanOrEqual(16);
        const place = `${open.sealed} ${offset}`;
        const text = Buffer.from(bytes).toString("hex");
        expect(sealedAt.get(place) ?? text).toBe(text);
        sealedAt.set(place, text);
      }
      for (const open of stage.opens) {
        const bytes = stage.frames.filter((frame) => frame.open === open).map((frame) => frame.bytes);
        if (bytes.length > 0) await opened(open, bytes); // each of them opens
      }
    }),
    { numRuns: 200 },
  );
});

function run(stage: Stage, each: typeof step extends fc.Arbitrary<infer Step> ? Step : never): void {
  switch (each.do) {
    case "write":
      stage.write(each.text);
      break;
    case "finish":
      stage.finish();
      break;
    case "ack":
      stage.say({ type: "ack", ref: REF, stream: 7, offset: each.offset, credit: each.credit });
      break;
    case "resume":
      stage.lose();
      stage.greet({ resumed: true });
      stage.opened(7, each.received, each.credit);
      break;
    case "expire":
      stage.lose();
      stage.greet({ resumed: false, expired: true });
      stage.say({ type: "expired", ref: REF, stream: 7, received: each.received });
      stage.pong();
      stage.opened(each.stream, 0, 100);
      break;
    case "forget":
      stage.lose();
      stage.greet({ resumed: false });
      stage.opened(each.stream, 0, 100);
      break;
  }
}
