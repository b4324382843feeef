/** What a satellite on the open internet meets. Each attack ends by itself, and tells what it has done. */
import { setTimeout as pause } from "node:timers/promises";
import { endVectors } from "../wire/vectors.ts";
import {
  address,
  Caller,
  connectionsAt,
  crowd,
  frame,
  HELLO,
  handshake,
  type Target,
  textFrame,
} from "./crowd.ts";

export interface Victim extends Target {
  /** A share token that may write to `doormat`, and one that may read it. */
  readonly writeToken: string;
  readonly readToken: string;
  /** One that may read `porch`, where nothing is. */
  readonly porchToken: string;
}

interface Size {
  /** Connections, guesses or rounds. */
  readonly count: number;
  /** How long what is held open is held. */
  readonly holdMs: number;
  /** Gives a number from 0 to 1. */
  readonly random: () => number;
}

export type Outcome = Readonly<Record<string, number>>;
type Attack = (victim: Victim, size: Size) => Promise<Outcome>;

const PIPE = "doormat";

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

async function leave(callers: readonly Caller[]): Promise<void> {
  for (const caller of callers) caller.destroy();
  await Promise.all(callers.map(({ closed }) => closed));
}

function count(callers: readonly Caller[], what: (caller: Caller) => boolean): number {
  return callers.filter(what).length;
}

/** Connections that say nothing: half-open, as far as the satellite can tell. */
async function silence(victim: Victim, { count: many, holdMs }: Size): Promise<Outcome> {
  const callers = await crowd(victim, many, 20);
  await pause(holdMs);
  const connected = count(callers, ({ isOpen }) => isOpen);
  const outcome = { tried: many, connected, held: connectionsAt(victim) };
  await leave(callers);
  return outcome;
}

/** The head of a request, a byte at a time. */
async function slowloris(victim: Victim, { count: many, holdMs }: Size): Promise<Outcome> {
  const callers = await crowd(victim, many, 20, 1_000);
  const head = handshake({ "x-padding": "x".repeat(4_000) });
  const untilMs = performance.now() + holdMs;
  let sent = 0;
  for (let at = 0; performance.now() < untilMs && at < head.length; at++) {
    for (const caller of callers) void caller.write(head.charAt(at));
    sent += callers.length;
    await pause(50);
  }
  const outcome = { tried: many, bytes: sent, held: count(callers, ({ isClosed }) => !isClosed) };
  await leave(callers);
  return outcome;
}

/** A good handshake, and then no hello. */
async function shyness(victim: Victim, { count: many, holdMs }: Size): Promise<Outcome> {
  const callers = await crowd(victim, many, 20, 2_000);
  await Promise.all(callers.map((caller) => caller.write(handshake())));
  await pause(holdMs);
  const upgraded = count(callers, ({ heard }) => heard.includes("101 Switching"));
  const outcome = { tried: many, upgraded, held: count(callers, ({ isClosed }) => !isClosed) };
  await leave(callers);
  return outcome;
}

/** Wrong tokens from one address, one after the other. */
async function guessing(victim: Victim, { count: many, random }: Size): Promise<Outcome> {
  const answers = { tried: many, refused: 0, unseen: 0, other: 0 };
  const from = address(5_000 + Math.floor(random() * 1_000));
  for (let n = 0; n < many; n++) {
    const caller = new Caller(victim, from);
    await caller.write(handshake(bearer(`guess-${n}`)));
    await caller.closed;
    if (caller.heard.startsWith("HTTP/1.1 401")) answers.refused++;
    else if (caller.heard.startsWith("HTTP/1.1 429")) answers.unseen++;
    else answers.other++;
  }
  return answers;
}

/** Requests and handshakes from one address, as fast as it can. */
async function hammering(victim: Victim, { count: many, random }: Size): Promise<Outcome> {
  const from = address(6_000 + Math.floor(random() * 1_000));
  let served = 0;
  let refused = 0;
  for (let n = 0; n < many; n += 10) {
    const callers = Array.from({ length: 10 }, () => new Caller(victim, from));
    await Promise.all(
      callers.map((caller) => caller.write("GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".repeat(3))),
    );
    await Promise.all(callers.map((caller) => Promise.race([answered(caller, 3), caller.closed])));
    served += count(callers, ({ heard }) => heard.startsWith("HTTP/1.1 200"));
    refused += count(callers, ({ heard }) => heard.includes("HTTP/1.1 429"));
    await leave(callers);
  }
  return { tried: many, served, refused };
}

/** Somebody with a link opens streams as fast as the wire takes it, on many connections. */
async function opens(victim: Victim, { count: many, holdMs }: Size): Promise<Outcome> {
  const callers = await crowd(victim, Math.min(50, many), 50, 7_000);
  const perCaller = Math.ceil(many / callers.length);
  const untilMs = performance.now() + holdMs;
  let sent = 0;
  await Promise.all(
    callers.map(async (caller) => {
      await caller.write(handshake(bearer(victim.writeToken)));
      await caller.write(HELLO);
      for (let ref = 1; ref <= perCaller && performance.now() < untilMs && !caller.isClosed; ref++) {
        const wait = caller.write(textFrame(`{"type":"open","ref":${ref},"pipe":"${PIPE}"}`));
        await Promise.race([wait, pause(Math.max(0, untilMs - performance.now()))]);
        sent++;
      }
    }),
  );
  await leave(callers);
  return { sent };
}

/** Somebody with a link reads, and then does not. */
async function stalling(victim: Victim, { count: many, holdMs }: Size): Promise<Outcome> {
  const readers = await crowd(victim, Math.min(50, many), 50, 8_000);
  for (const reader of readers) {
    reader.socket.pause();
    await reader.write(handshake(bearer(victim.readToken)));
    await reader.write(HELLO);
    await reader.write(textFrame(`{"type":"read","ref":1,"pipe":"${PIPE}","mode":"follow"}`));
  }
  const writer = new Caller(victim, address(8_100));
  await writer.write(handshake(bearer(victim.writeToken)));
  await writer.write(HELLO);
  await writer.write(textFrame(`{"type":"open","ref":1,"pipe":"${PIPE}"}`));
  await pause(holdMs);
  await leave([...readers, writer]);
  return { readers: readers.length };
}

/** Bytes of every kind where others are expected. */
async function garbage(victim: Victim, { count: many, random }: Size): Promise<Outcome> {
  let closed = 0;
  for (let n = 0; n < many; n += 25) {
    const callers = await crowd(victim, 25, 1, 10_000 + Math.floor(random() * 50_000));
    await Promise.all(callers.map(async (caller) => rubbish(caller, victim, random)));
    await Promise.all(callers.map((caller) => Promise.race([caller.closed, pause(100)])));
    closed += count(callers, ({ isClosed }) => isClosed);
    await leave(callers);
  }
  return { tried: many, closed };
}

async function rubbish(caller: Caller, victim: Victim, random: () => number): Promise<void> {
  const bytes = (size: number): Buffer =>
    Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)));
  const heads = [
    (): Buffer => bytes(200),
    (): string => `GET /${"a".repeat(20_000)} HTTP/1.1\r\n\r\n`,
    (): string => `GET / HTTP/1.1\r\n${"x: y\r\n".repeat(3_000)}\r\n`,
    (): string => "PUT /p/x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    (): string =>
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    (): string =>
      handshake({ "sec-websocket-extensions": "permessage-deflate" }) + bytes(500).toString("latin1"),
    (): string => handshake({ ...bearer("x".repeat(8_000)) }),
    (): string => handshake({ authorization: "Basic \u0000\u0001" }),
    (): string => "TRACE / HTTP/1.1\r\nhost: a\r\n\r\nCONNECT a:1 HTTP/1.1\r\n\r\n",
  ];
  const pick = Math.floor(random() * (heads.length + 3));
  const head = heads[pick];
  if (head !== undefined) return caller.write(head());
  await caller.write(handshake(bearer(victim.writeToken)));
  if (random() < 0.7) await caller.write(HELLO);
  for (let i = 0; i < 5; i++) await caller.write(oddFrame(random, bytes));
}

/** Broken frames of RFC 6455, too large ones, compressed ones, messages with a wrong field, data that nobody opened. */
function oddFrame(random: () => number, bytes: (size: number) => Buffer): Buffer {
  const vector = endVectors[Math.floor(random() * endVectors.length)]?.text ?? "";
  const mutated = Buffer.from(vector.slice(0, 4_000));
  if (mutated.length > 0) mutated[Math.floor(random() * mutated.length)] = Math.floor(random() * 256);
  const kinds = [
    (): Buffer => frame(0xc1, bytes(50)), // RSV1: a compressed message
    (): Buffer => frame(0x01, Buffer.from("{")), // the first of many fragments
    (): Buffer => frame(0x89, bytes(200)), // a ping that is too long
    (): Buffer => frame(0x82, bytes(16 + Math.floor(random() * 64))),
    (): Buffer => frame(0x81, mutated),
    (): Buffer => frame(0x81, Buffer.from(vector.slice(0, 4_000))),
    (): Buffer => Buffer.from([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]), // 2^63 bytes
    (): Buffer => Buffer.from([0x81, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f]), // not masked
    (): Buffer => bytes(40),
  ];
  return (kinds[Math.floor(random() * kinds.length)] as () => Buffer)();
}

/** So many answers have come. */
function answered(caller: Caller, answers: number): Promise<void> {
  return waitFor(caller, () => caller.heard.split("HTTP/1.1 ").length > answers);
}

function said(caller: Caller, words: RegExp): Promise<void> {
  return waitFor(caller, () => words.test(caller.heard));
}

function waitFor(caller: Caller, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (condition()) resolve();
    };
    caller.socket.on("data", look);
    look();
  });
}

/** Comes, says hello, and goes: sessions by the thousand. */
async function churn(victim: Victim, { count: many }: Size): Promise<Outcome> {
  let sessions = 0;
  for (let n = 0; n < many; n += 50) {
    const callers = await crowd(victim, 50, 50, 9_000);
    await Promise.all(
      callers.map(async (caller) => {
        await caller.write(handshake(bearer(victim.porchToken)));
        await caller.write(HELLO);
        await caller.write(textFrame('{"type":"read","ref":1,"pipe":"porch","mode":"plain"}'));
      }),
    );
    await Promise.all(
      callers.map((caller) => Promise.race([said(caller, /attached|error|HTTP\/1.1 4/), caller.closed])),
    );
    sessions += count(callers, ({ heard }) => heard.includes("attached"));
    await leave(callers); // without bye: each of them stays in grace
  }
  return { tried: many, sessions };
}

export type AttackName =
  | "silence"
  | "slowloris"
  | "shyness"
  | "guessing"
  | "hammering"
  | "opens"
  | "stalling"
  | "garbage"
  | "churn";

export const attacks: Readonly<Record<AttackName, Attack>> = {
  silence,
  slowloris,
  shyness,
  guessing,
  hammering,
  opens,
  stalling,
  garbage,
  churn,
};
