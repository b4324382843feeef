/** What a satellite, its disk or the network does to a sealed stream, and what its reader makes of it [Z-9]. */
import { describe, expect, it } from "vitest";
import { makeKey } from "../../cli/client/seal/key.ts";
import { Keyring } from "../../cli/client/seal/keyring.ts";
import { HEADER_BYTES } from "../../satellite/wire/frame.ts";
import type { Aborted } from "../../satellite/wire/messages.ts";
import { fromBase64Url, SEAL_BYTES, SEAL_HEADER_BYTES, toBase64Url } from "../../satellite/wire/sealing.ts";
import { type Heard, honest, play, type Recording, record, type Said } from "./recorded.ts";

const done = { type: "done", ref: 1 } as const;
const whole = "one\ntwo\nthree\n";

/** Nothing but the truth was delivered, the reader has acknowledged no end, and says which code. */
function caught(heard: Heard, texts: readonly string[], codes: readonly string[] = ["tampered"]): void {
  const prefixes = texts.map((_, index) => texts.slice(0, index).join(""));
  expect(codes).toContain(heard.outcome);
  expect([...prefixes, texts.join("")]).toContain(heard.text);
  expect(heard.ends.filter((cause) => cause !== "aborted")).toEqual([]);
  expect(heard.acks.filter(({ end }) => end)).toEqual([]);
}

function bytesOf(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

it("a recorded session as it was is delivered, with what was sealed about it", async () => {
  const heard = await play(honest(await record()));
  expect(heard).toMatchObject({ outcome: "done", text: whole, ends: ["eof"] });
  expect(heard.streams).toMatchObject([{ name: "a.txt", host: "h", sealedBy: "account" }]);
});

describe("[Z-9] every single bit of", () => {
  it("each frame, header and all, is caught", async () => {
    const recording = await record();
    for (const [index, frame] of recording.frames.entries()) {
      for (let bit = 0; bit < frame.length * 8; bit++) {
        const changed = honest(recording);
        changed[index + 1] = flipped(frame, bit);
        caught(await play(changed), recording.texts.slice(0, index));
      }
    }
  });

  it("each frame of a binary stream is caught", async () => {
    const recording = await record({ flags: 0x04, finalFlags: 0x16, texts: ["\0a", ""] });
    for (const [index, frame] of recording.frames.entries()) {
      for (let bit = 0; bit < frame.length * 8; bit++) {
        const changed = honest(recording);
        changed[index + 1] = flipped(frame, bit);
        caught(await play(changed), recording.texts.slice(0, index));
      }
    }
  });

  it.each([
    ["version and key id, as a key that is not known", [0, ...bytesOf(2, 10)], "no-key"],
    ["the mode", [1], "tampered"],
    ["the encapsulated key", bytesOf(10, 42), "tampered"],
    ["the part", bytesOf(42, SEAL_HEADER_BYTES), "tampered"],
    ["the info", bytesOf(SEAL_HEADER_BYTES, SEAL_HEADER_BYTES + 64 + SEAL_BYTES), "tampered"],
  ])("%s in `sealed` is caught", async (_what, places, code) => {
    const recording = await record();
    const bytes = fromBase64Url(recording.begins.sealed ?? "") ?? new Uint8Array(0);
    expect(bytes.length).toBe(SEAL_HEADER_BYTES + 64 + SEAL_BYTES);
    for (const bit of places.flatMap((place) => bytesOf(place * 8, place * 8 + 8))) {
      const sealed = toBase64Url(flipped(bytes, bit));
      caught(await play(honest({ ...recording, begins: { ...recording.begins, sealed } })), [], [code]);
    }
  });

  it("the text of `sealed` is caught", async () => {
    const recording = await record();
    const { sealed = "" } = recording.begins;
    const others = [`${sealed}A`, sealed.slice(0, -1), `${sealed}=`, ` ${sealed}`, "", "€"];
    for (const other of others) {
      caught(await play(honest({ ...recording, begins: { ...recording.begins, sealed: other } })), []);
    }
  });
});

/** Each with what of the recording may still be delivered, and the code. */
const structural: readonly [
  name: string,
  tamper: (recording: Recording, other: Recording, foreign: Recording) => Said[],
  code?: string,
][] = [
  ["two chunks exchanged", ({ begins, frames: [a, b, c] }) => said(begins, b, a, c)],
  ["the last two exchanged", ({ begins, frames: [a, b, c] }) => said(begins, a, c, b)],
  ["the first left out", ({ begins, frames: [, b, c] }) => said(begins, b, c)],
  ["one left out", ({ begins, frames: [a, , c] }) => said(begins, a, c)],
  [
    "one left out, and the next moved to its offset",
    ({ begins, frames: [a, b, c] }) => said(begins, a, moved(c, b)),
  ],
  ["the end left out", ({ begins, frames: [a, b] }) => said(begins, a, b)],
  ["everything left out", ({ begins }) => said(begins)],
  ["not even begun", () => [done]],
  ["an end that nobody sealed", ({ begins, frames: [a, b, c] }) => said(begins, a, b, emptyFinal(c))],
  ["an end that was sealed as none", ({ begins, frames: [a, b] }) => said(begins, a, flagged(b, 0x0b))],
  ["an interruption that was none", ({ begins, frames: [a, b, c] }) => said(begins, a, b, flagged(c, 0x1b))],
  ["a chunk again, behind itself", ({ begins, frames: [a, b, c] }) => said(begins, a, b, moved(b, c), c)],
  [
    "a chunk of another stream",
    ({ begins, frames: [a, b, c] }, other) => said(begins, a, moved(other.frames[1], b), c),
  ],
  [
    "another stream's chunks under this one's seal",
    ({ begins }, other) => said(begins, ...other.frames.map(as(7))),
  ],
  [
    "another stream's seal before these chunks",
    ({ begins, frames }, other) => said({ ...begins, sealed: other.begins.sealed ?? "" }, ...frames),
  ],
  ["a stream under another id", ({ begins, frames }) => said({ ...begins, stream: 9 }, ...frames.map(as(9)))],
  ["a stream of another pipe", (_, _other, foreign) => honest(foreign)],
  [
    "a chunk of another pipe",
    ({ begins, frames: [a, b, c] }, _other, foreign) => said(begins, a, moved(foreign.frames[1], b), c),
  ],
  [
    "taken back after a chunk",
    ({ begins, frames: [a] }) => [begins, ...present(a), { type: "withdrawn", ref: 1, stream: 7 }, done],
  ],
  [
    "a gap that is none of a tap",
    ({ begins, frames: [a, b, c] }) => [
      begins,
      ...present(a),
      { type: "gap", ref: 1, stream: 7, offset: begins.offset + (a?.length ?? 0) - HEADER_BYTES + size(b) },
      ...present(c),
      done,
    ],
  ],
  [
    "begun again further on",
    ({ begins, frames: [a, b, c] }) => [
      begins,
      ...present(a),
      { ...begins, offset: size(a) + size(b) },
      ...present(c),
      done,
    ],
  ],
  ["a binary stream called text", ({ begins, frames }) => said({ ...begins, kind: "binary" }, ...frames)],
  ["a chunk cut short", ({ begins, frames: [a, b, c] }) => said(begins, a, b?.subarray(0, -1), c)],
  [
    "a chunk that is too short to be sealed",
    ({ begins, frames: [a, b] }) => said(begins, a, b?.subarray(0, 20)),
  ],
  [
    "not sealed at all",
    ({ begins, frames }) => {
      const { sealed: _, ...plain } = begins;
      return said(plain, ...frames);
    },
    "not-sealed",
  ],
];

function present(...frames: (Uint8Array | undefined)[]): Uint8Array[] {
  return frames.filter((frame) => frame !== undefined);
}

function said(begins: Recording["begins"], ...frames: (Uint8Array | undefined)[]): Said[] {
  return [begins, ...present(...frames), done];
}

function size(frame: Uint8Array | undefined): number {
  return (frame?.length ?? 0) - HEADER_BYTES;
}

/** A frame with the header of another. */
function moved(frame: Uint8Array | undefined, to: Uint8Array | undefined): Uint8Array {
  const copy = frame?.slice() ?? new Uint8Array(0);
  copy.set(to?.subarray(2, HEADER_BYTES) ?? [], 2);
  return copy;
}

function flagged(frame: Uint8Array | undefined, flags: number): Uint8Array {
  const copy = frame?.slice() ?? new Uint8Array(0);
  copy[1] = flags;
  return copy;
}

function emptyFinal(frame: Uint8Array | undefined): Uint8Array | undefined {
  return frame?.subarray(0, HEADER_BYTES);
}

function as(stream: number): (frame: Uint8Array) => Uint8Array {
  return (frame) => {
    const copy = frame.slice();
    copy[7] = stream;
    return copy;
  };
}

describe("[Z-9] [Z-11] is caught:", () => {
  it.each(structural)("%s", async (_name, tamper, code = "tampered") => {
    const [recording, other, foreign] = await Promise.all([
      record(),
      record({ texts: ["ONE\n", "TWO\n", "THREE\n"], stream: 8 }),
      record({ pipe: "q" }),
    ]);
    caught(await play(tamper(recording, other, foreign)), recording.texts, [code]);
  });

  it("the start of a binary stream left out", async () => {
    const recording = await record({ flags: 0x04, finalFlags: 0x06 });
    const [first, ...rest] = recording.frames;
    const begins = { ...recording.begins, offset: size(first) };
    caught(await play([begins, ...rest, done]), []);
  });

  it("a clean end told to be an interruption, and the other way round", async () => {
    const interrupted = await record({ finalFlags: 0x1b });
    expect(await play(honest(interrupted))).toMatchObject({ outcome: "done", ends: ["interrupted"] });
    const [a, b, c] = interrupted.frames;
    caught(await play(said(interrupted.begins, a, b, flagged(c, 0x0b))), interrupted.texts);
  });
});

describe("is no tampering:", () => {
  it("[R-6] a chunk that comes twice is delivered once", async () => {
    const { begins, frames } = await record();
    const [a, b, c] = frames;
    expect(await play(said(begins, a, b, a, b, c))).toMatchObject({ outcome: "done", text: whole });
  });

  it("[Z-6] text that is joined in the middle", async () => {
    const { begins, frames } = await record();
    const [a, b, c] = frames;
    const heard = await play(said({ ...begins, offset: size(a) }, b, c));
    expect(heard).toMatchObject({ outcome: "done", text: "two\nthree\n" });
  });

  it("[Z-9] an abort, which needs no proof, and is none of a clean end", async () => {
    const { begins, frames } = await record();
    const aborted: Aborted = { type: "aborted", ref: 1, stream: 7, offset: size(frames[0]), code: "aborted" };
    const heard = await play([begins, ...present(frames[0]), aborted, done]);
    expect(heard).toMatchObject({ outcome: "done", text: "one\n", ends: ["aborted"] });
  });

  it("[Z-9] what a tap or a follower is told to have missed", async () => {
    const { begins, frames } = await record();
    const [a, b, c] = frames;
    const gap: Said = { type: "gap", ref: 1, stream: 7, offset: size(a) + size(b) };
    const missed: Said[] = [begins, ...present(a), gap, ...present(c)];
    const tap = play([...missed, done], { options: { mode: "tap" } });
    expect(await tap).toMatchObject({ text: "one\nthree\n", gaps: 1 });
  });

  it("[Z-5] what the satellite says in clear about a sealed stream does not count", async () => {
    const recording = await record();
    const begins = {
      ...recording.begins,
      name: "evil.sh",
      size: 1,
      contentType: "text/html",
      host: "elsewhere",
    };
    const { streams } = await play(honest({ ...recording, begins }));
    expect(streams).toMatchObject([{ name: "a.txt", host: "h" }]);
    expect(streams[0]).not.toHaveProperty("size");
    expect(streams[0]).not.toHaveProperty("contentType");
  });
});

describe("a reader that can't or may not", () => {
  it("[Z-10] without a key leaves a sealed stream where it is, and says what to do", async () => {
    const heard = await play(honest(await record()), { keyring: null });
    expect(heard).toMatchObject({ outcome: "no-key", text: "", acks: [] });
    expect(heard.message).toMatch(/SKYPIPE_KEY/);
  });

  it("[Z-10] with another key names the one that is missing", async () => {
    const heard = await play(honest(await record()), { keyring: Keyring.parse(makeKey()) });
    expect(heard).toMatchObject({ outcome: "no-key", text: "", acks: [] });
    expect(heard.message).toMatch(/key [0-9a-f]{16}, which is not known here: skypipe keys add/);
  });

  it("[Z-11] with a key takes what is not sealed only when told to", async () => {
    const { begins, frames } = await record();
    const { sealed: _, ...plain } = begins;
    const heard = await play(said(plain, ...frames));
    expect(heard).toMatchObject({ outcome: "not-sealed", text: "", acks: [] });
    expect(heard.message).toMatch(/recv --plain/);
    expect(await play(said(plain, ...frames), { options: { plain: true } })).toMatchObject({
      outcome: "done",
    });
    expect(await play(said(plain, ...frames), { keyring: null })).toMatchObject({ outcome: "done" });
  });

  it("[Z-9] that takes what is not sealed still checks what is", async () => {
    const { begins, frames } = await record();
    const heard = await play(said(begins, frames[0]), { options: { plain: true } });
    expect(heard).toMatchObject({ outcome: "tampered", text: "one\n" });
  });
});
