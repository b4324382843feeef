/**
 * Feeds mutated vectors to the codec for a while: `npm run fuzz -- --seconds 60 --seed 7`. Whatever comes, the codec
 * answers or throws a WireError, and what it accepts encodes to the same bytes again.
 */
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { parseEndMessage, parseSatelliteMessage } from "../../satellite/wire/control.ts";
import { decodeChunk } from "../../satellite/wire/decode.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import { payloadOf } from "../../satellite/wire/frame.ts";
import { dataVectors, endVectors, satelliteVectors } from "./vectors.ts";
import { frameBytes, Told } from "./websocket-reference.ts";

export interface FuzzReport {
  readonly seed: number;
  readonly runs: number;
  readonly accepted: number;
  readonly refused: number;
}

/** Throws what the codec should not have thrown; its message has the seed and the input. */
export function fuzz(durationMs: number, seed: number): FuzzReport {
  const random = randomFrom(seed);
  const frames = dataVectors.map(({ bytes }) => Buffer.from(bytes)).filter(({ length }) => length < 1024);
  const texts = [...endVectors, ...satelliteVectors]
    .map(({ text }) => Buffer.from(text))
    .filter(({ length }) => length < 1024);
  const untilMs = performance.now() + durationMs;
  let runs = 0;
  let accepted = 0;
  while (performance.now() < untilMs) {
    for (let batch = 0; batch < 500; batch += 1) {
      const frame = mutate(pick(frames, random), frames, random);
      const text = mutate(pick(texts, random), texts, random).toString();
      accepted += attempt(() => checkFrame(frame), seed, frame);
      accepted += attempt(() => parseEndMessage(text), seed, text);
      accepted += attempt(() => parseSatelliteMessage(text), seed, text);
      accepted += checkStream(pick(texts, random), pick(frames, random), random, seed);
      runs += 4;
    }
  }
  return { seed, runs, accepted, refused: runs - accepted };
}

function attempt(call: () => unknown, seed: number, input: Uint8Array | string): 0 | 1 {
  try {
    call();
    return 1;
  } catch (cause) {
    if (cause instanceof WireError) return 0;
    const shown = typeof input === "string" ? JSON.stringify(input) : Buffer.from(input).toString("hex");
    throw new Error(`seed ${seed}: the codec failed on ${shown}`, { cause });
  }
}

function checkFrame(frame: Uint8Array): void {
  const chunk = decodeChunk(frame);
  const again = encodeChunk(chunk.stream, chunk.offset, chunk.flags, payloadOf(chunk));
  if (Buffer.compare(again.frame, frame) !== 0)
    throw new Error("what was accepted encodes to something else");
}

/**
 * A WebSocket's bytes, changed somewhere: the parser refuses or reads them, and tells the same however they are split.
 * Returns whether it read them.
 */
function checkStream(text: Buffer, frame: Buffer, random: () => number, seed: number): 0 | 1 {
  const masked = below(2, random) === 1;
  const mask = (): number | null => (masked ? below(2 ** 32, random) : null);
  const half = below(frame.length + 1, random);
  const frames = [
    { opcode: 1, payload: text, mask: mask() },
    { opcode: 2, payload: frame.subarray(0, half), fin: false, mask: mask() },
    { opcode: 9, payload: frame.subarray(0, 9), mask: mask() },
    { opcode: 0, payload: frame.subarray(half), mask: mask() },
    { opcode: 8, payload: Buffer.from([3, 232, 111, 107]), mask: mask() },
  ].map(frameBytes);
  const bytes = mutate(Buffer.concat(frames), frames, random);
  const [whole, split] = [new Told({ masked }), new Told({ masked })];
  whole.push(bytes);
  split.push(bytes, () => 1 + below(40, random));
  if (whole.lines.join() === split.lines.join()) return whole.lines.at(-1)?.startsWith("refused") ? 0 : 1;
  throw new Error(`seed ${seed}: the parser depends on how this is split: ${bytes.toString("hex")}`);
}

/** A few of: a byte changed, a bit turned, a piece removed, doubled or put in from another input. */
function mutate(input: Buffer, others: readonly Buffer[], random: () => number): Buffer {
  let output: Buffer = Buffer.from(input);
  for (let times = below(4, random); times >= 0; times -= 1) {
    const at = below(output.length + 1, random);
    const piece = output.subarray(at, at + below(16, random));
    switch (below(5, random)) {
      case 0:
        if (at < output.length) output[at] = below(256, random);
        break;
      case 1:
        if (at < output.length) output[at] = (output[at] ?? 0) ^ (1 << below(8, random));
        break;
      case 2:
        output = Buffer.concat([output.subarray(0, at), output.subarray(at + piece.length)]);
        break;
      case 3:
        output = Buffer.concat([output.subarray(0, at), piece, output.subarray(at)]);
        break;
      default:
        output = Buffer.concat([output.subarray(0, at), pick(others, random).subarray(at)]);
    }
  }
  return output;
}

function pick<T>(list: readonly T[], random: () => number): T {
  return list[below(list.length, random)] as T;
}

function below(bound: number, random: () => number): number {
  return Math.floor(random() * bound);
}

/** Numbers in [0, 1) that a seed repeats (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "10" },
      seed: { type: "string", default: String(Date.now() % 1e9) },
    },
  });
  console.log(JSON.stringify(fuzz(Number(values.seconds) * 1000, Number(values.seed))));
}
