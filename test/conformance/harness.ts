/** What every area of the suite stands on: satellites with the limits that it wants, ends that are cleared away. */
import { afterAll, afterEach, beforeAll, describe, expect } from "vitest";
import type { Limits } from "../../satellite/wire/limits.ts";
import { bearer, type DialOptions, RawEnd } from "../support/raw-end.ts";
import type { RawWriter } from "../support/raw-writer.ts";

interface Running {
  readonly url: string;
  readonly token?: string;
  stop(): Promise<void>;
}

/** Starts a satellite that is empty. `token` is given where a test is about tokens; otherwise it may have any or none. */
export type Start = (limits: Partial<Limits>, token?: string) => Promise<Running>;

/** One satellite for the tests of a `describe`, with pipes and ends for each of them. */
export interface Place {
  readonly running: Running;
  /** An end that has said hello. */
  greet(): Promise<RawEnd>;
  greetAll<Count extends number>(count: Count): Promise<Ends<Count>>;
  /** An end that has said nothing. */
  dial(options?: DialOptions): Promise<RawEnd>;
  /** A name that no other test uses. */
  pipe(): string;
}

type Ends<Count extends number> = Count extends 2
  ? [RawEnd, RawEnd]
  : Count extends 3
    ? [RawEnd, RawEnd, RawEnd]
    : Count extends 4
      ? [RawEnd, RawEnd, RawEnd, RawEnd]
      : RawEnd[];

/** One `describe` for each part of an area. */
export function parts(start: Start, list: Record<string, (start: Start) => void>): void {
  describe.each(Object.entries(list))("%s", (_, part) => {
    part(start);
  });
}

/** Called inside a `describe`: the satellite lives as long as that. */
export function place(start: Start, limits: Partial<Limits> = {}, token?: string): Place {
  let running: Running | undefined;
  let pipes = 0;
  const ends: RawEnd[] = [];
  const salt = Math.random().toString(36).slice(2, 8);

  beforeAll(async () => {
    running = await start(limits, token);
  });

  afterEach(async () => {
    const over = ends.splice(0);
    await Promise.all(over.map((end) => end.close()));
    expect(over.flatMap(({ breaches }) => breaches)).toEqual([]);
  });

  afterAll(async () => {
    await running?.stop();
  });

  function now(): Running {
    if (running === undefined) throw new Error("the satellite of this place has not started yet");
    return running;
  }

  async function dial(options: DialOptions = {}): Promise<RawEnd> {
    const { token: secret } = now();
    const headers = secret === undefined ? {} : bearer(secret);
    const end = await RawEnd.dial(now().url, { ...options, headers: { ...headers, ...options.headers } });
    ends.push(end);
    return end;
  }

  async function greet(): Promise<RawEnd> {
    const end = await dial();
    await end.hello();
    return end;
  }

  return {
    get running() {
      return now();
    },
    dial,
    greet,
    async greetAll<Count extends number>(count: Count): Promise<Ends<Count>> {
      return (await Promise.all(Array.from({ length: count }, greet))) as Ends<Count>;
    },
    pipe() {
      pipes += 1;
      return `p${pipes}-${salt}`;
    },
  };
}

/**
 * When this has resolved, whatever the satellite does because of messages sent before has reached these ends: each
 * has had an answer to a question, and once more after all the others had theirs.
 */
export async function fence(...ends: RawEnd[]): Promise<void> {
  for (const end of [...ends, ...ends]) await end.inspect();
}

/** Cuts `end`, and lets the satellite notice before anything else happens: `witness` has had answers since. */
export async function cutSeen(end: RawEnd, witness: RawEnd): Promise<void> {
  await end.cut();
  await fence(witness, witness);
}

/** A stream that has ended and is safe, written by an end of its own. */
export async function leave(
  at: Place,
  pipe: string,
  pieces: readonly string[],
  fields: Parameters<RawEnd["open"]>[1] = {},
): Promise<RawWriter> {
  const end = await at.greet();
  const writer = await end.open(pipe, fields);
  for (const piece of pieces.slice(0, -1)) writer.write(piece);
  writer.finish(pieces.at(-1) ?? "");
  await writer.untilEndSafe();
  return writer;
}

/** Repeats a question to the satellite until its answer is right: for what happens after a time, without saying so. */
export async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + 10_000;
  while (!(await check())) {
    if (performance.now() > untilMs) throw new Error(`${what}: not within 10 s`);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
