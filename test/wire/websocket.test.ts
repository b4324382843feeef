/** The codec of RFC 6455: what the standard shows, what it forbids, and whatever can be split. */
import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Blocks } from "../../satellite/wire/blocks.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { applyMask, closePayload, Opcode, readClose } from "../../satellite/wire/websocket-frame.ts";
import {
  AnswerReader,
  acceptanceText,
  refusalOf,
  requestText,
} from "../../satellite/wire/websocket-handshake.ts";
import { type Channel, Outbox } from "../../satellite/wire/websocket-outbox.ts";
import { type Frame, frameBytes, Told } from "./websocket-reference.ts";

const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const hex = (text: string): string => Buffer.from(text).toString("hex");

/** RFC 6455 §5.7. */
const shown: readonly [what: string, bytes: string, masked: boolean, told: string[]][] = [
  ["an unmasked text", "810548656c6c6f", false, [`text ${hex("Hello")}`]],
  ["a masked text", "818537fa213d7f9f4d5158", true, [`text ${hex("Hello")}`]],
  ["a fragmented text", "010348656c80026c6f", false, [`text ${hex("Hello")}`]],
  ["an unmasked ping", "890548656c6c6f", false, [`ping ${hex("Hello")}`]],
  ["a masked pong", "8a8537fa213d7f9f4d5158", true, [`pong ${hex("Hello")}`]],
  ["256 bytes", `827e0100${"07".repeat(256)}`, false, [`binary ${"07".repeat(256)}`]],
  ["64 KiB", `827f0000000000010000${"09".repeat(65_536)}`, false, [`binary ${"09".repeat(65_536)}`]],
  ["nothing", "8200", false, ["binary "]],
  ["a close without a code", "8800", false, ["close null "]],
  ["a close with a reason", `880503e8${hex("bye")}`, false, ["close 1000 bye"]],
];

describe.each(shown)("[T-2] the standard's %s", (_what, bytes, masked, told) => {
  const buffer = Buffer.from(bytes, "hex");
  it("is read whole", () => {
    expect(new Told({ masked }).push(buffer).lines).toEqual(told);
  });
  it("is read byte by byte", () => {
    expect(new Told({ masked }).push(buffer, () => 1).lines).toEqual(told);
  });
});

const payload = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0x61);
const { text, binary, continuation, close, ping, pong } = Opcode;

const refused: readonly [what: string, frames: Frame[], code: string, masked?: boolean][] = [
  ["a reserved opcode", [{ opcode: 3, payload: payload(1) }], "protocol"],
  ["a reserved opcode of a control frame", [{ opcode: 11, payload: payload(1) }], "protocol"],
  ["the first reserved bit", [{ opcode: binary, payload: payload(1), reserved: 4 }], "protocol"],
  ["the last reserved bit", [{ opcode: binary, payload: payload(1), reserved: 1 }], "protocol"],
  ["a server's frame with a mask", [{ opcode: text, payload: payload(1), mask: 0 }], "protocol"],
  ["a client's frame without a mask", [{ opcode: text, payload: payload(1) }], "protocol", true],
  ["a control frame without a mask", [{ opcode: ping, payload: payload(1) }], "protocol", true],
  ["a continuation of nothing", [{ opcode: continuation, payload: payload(1) }], "protocol"],
  [
    "a continuation after the last one",
    [
      { opcode: text, payload: payload(1), fin: false },
      { opcode: continuation, payload: payload(1) },
      { opcode: continuation, payload: payload(1) },
    ],
    "protocol",
  ],
  [
    "a message inside another",
    [
      { opcode: text, payload: payload(1), fin: false },
      { opcode: text, payload: payload(1) },
    ],
    "protocol",
  ],
  ["a fragmented ping", [{ opcode: ping, payload: payload(1), fin: false }], "protocol"],
  ["a fragmented close", [{ opcode: close, payload: new Uint8Array(0), fin: false }], "protocol"],
  ["a ping of 126 bytes", [{ opcode: ping, payload: payload(126) }], "protocol"],
  ["a pong of 126 bytes", [{ opcode: pong, payload: payload(126) }], "protocol"],
  ["a length of 125 in 16 bits", [{ opcode: binary, payload: payload(125), lengthBytes: 2 }], "protocol"],
  [
    "a length of 65,535 in 64 bits",
    [{ opcode: binary, payload: payload(65_535), lengthBytes: 8 }],
    "protocol",
  ],
  ["text that is no UTF-8", [{ opcode: text, payload: Uint8Array.of(0xc3, 0x28) }], "protocol"],
  ["text that ends in half a letter", [{ opcode: text, payload: Uint8Array.of(0xe2, 0x82) }], "protocol"],
  ["half a close code", [{ opcode: close, payload: Uint8Array.of(3) }], "protocol"],
  ["close code 1005", [{ opcode: close, payload: Uint8Array.of(3, 0xed) }], "protocol"],
  ["close code 1006", [{ opcode: close, payload: Uint8Array.of(3, 0xee) }], "protocol"],
  ["close code 999", [{ opcode: close, payload: Uint8Array.of(3, 0xe7) }], "protocol"],
  ["close code 2999", [{ opcode: close, payload: Uint8Array.of(0x0b, 0xb7) }], "protocol"],
  ["close code 5000", [{ opcode: close, payload: Uint8Array.of(0x13, 0x88) }], "protocol"],
  ["a close reason that is no UTF-8", [{ opcode: close, payload: Uint8Array.of(3, 0xe8, 0xff) }], "protocol"],
  ["a message above the limit", [{ opcode: binary, payload: payload(1_001) }], "too-large"],
  [
    "fragments above the limit",
    [
      { opcode: binary, payload: payload(1_000), fin: false },
      { opcode: continuation, payload: payload(1) },
    ],
    "too-large",
  ],
];

describe.each(refused)("[T-2] [E-1] %s", (_what, frames, code, masked = false) => {
  const bytes = Buffer.concat(frames.map(frameBytes));
  it("is refused, and nothing is read after it", () => {
    const after = frameBytes({ opcode: text, payload: payload(1), mask: masked ? 7 : null });
    const told = new Told({ masked, messageBytesMax: 1_000 }).push(Buffer.concat([bytes, after]), () => 3);
    expect(told.lines.at(-1)).toBe(`refused ${code}`);
    expect(told.push(after).lines.at(-1)).toBe(`refused ${code}`);
    expect(told.parser.isOver).toBe(true);
  });
});

it("[T-2] a length of 2^63 is refused before a byte of it is read", () => {
  const head = Buffer.from("827f8000000000000000", "hex");
  expect(new Told().push(head).lines).toEqual(["refused too-large"]);
});

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.integer({ min: 0, max: 70_000 }).map((length) => new Uint8Array(length).fill(length & 0xff)),
);
const mask = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff_ffff }));
const control = fc.record({
  opcode: fc.constantFrom<Opcode>(ping, pong),
  payload: fc.uint8Array({ maxLength: 125 }),
});
/** A message in fragments, control frames between them. */
const message = fc.record({
  isText: fc.boolean(),
  parts: fc.array(bytes, { minLength: 1, maxLength: 4 }),
  between: fc.array(control, { maxLength: 3 }),
});

it("[T-2] reads whatever can be sent, however it is split", () => {
  const blocks = new Blocks();
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 6 }),
      fc.boolean(),
      mask,
      fc.infiniteStream(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 100_000 }))),
      (messages, masked, key, sizes) => {
        const frames: Frame[] = [];
        const expected: string[] = [];
        const ask = { mask: masked ? key : null };
        for (const { isText, parts, between } of messages) {
          const clean = isText ? parts.map((part) => part.map((byte) => byte & 0x7f)) : parts;
          clean.forEach((part, index) => {
            const fin = index === clean.length - 1;
            const opcode = index > 0 ? continuation : isText ? text : binary;
            frames.push({ opcode, payload: part, fin, ...ask });
            const inside = between[index];
            if (fin || inside === undefined) return;
            frames.push({ ...inside, ...ask });
            expected.push(
              `${inside.opcode === ping ? "ping" : "pong"} ${Buffer.from(inside.payload).toString("hex")}`,
            );
          });
          expected.push(`${isText ? "text" : "binary"} ${Buffer.concat(clean).toString("hex")}`);
        }
        const stream = Buffer.concat(frames.map(frameBytes));
        const told = new Told({ masked, blocks, messageBytesMax: 400_000 }).push(
          stream,
          () => sizes.next().value as number,
        );
        expect(told.lines).toEqual(expected);
      },
    ),
    { numRuns: 300 },
  );
});

it("masks as the standard does, at every alignment and phase", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.nat(8),
      fc.nat(20),
      mask,
      (plain, before, phase, key) => {
        const memory = new Uint8Array(before + plain.length + 5);
        memory.set(plain, before);
        applyMask(memory, before, plain.length, key, phase);
        const keys = Buffer.alloc(4);
        keys.writeUInt32BE(key);
        const naive = plain.map((byte, index) => byte ^ (keys[(index + phase) % 4] as number));
        expect(memory.subarray(before, before + plain.length)).toEqual(naive);
        expect(memory.subarray(before + plain.length)).toEqual(new Uint8Array(5));
      },
    ),
  );
});

it("a close says what it was told to, as much of it as there is room for", () => {
  expect(readClose(closePayload({ code: 4409, reason: "aborted" }))).toEqual({
    code: 4409,
    reason: "aborted",
  });
  expect(readClose(closePayload({ code: null, reason: "" }))).toEqual({ code: null, reason: "" });
  expect(closePayload({ code: 1000, reason: "x".repeat(200) })).toHaveLength(125);
  // A letter that the end would cut is left out.
  expect(readClose(closePayload({ code: 1000, reason: `x${"€".repeat(60)}` })).reason).toBe(
    `x${"€".repeat(40)}`,
  );
});

/** A socket that takes nothing until it is told to, or everything at once. */
class FakeChannel implements Channel {
  writableLength = 0;
  isSlow: boolean;
  readonly written: Uint8Array[] = [];
  readonly callbacks: (() => void)[] = [];

  constructor(isSlow: boolean) {
    this.isSlow = isSlow;
  }

  cork(): void {}
  uncork(): void {}

  write(piece: Uint8Array, done?: () => void): void {
    // What is taken at once was copied by the system; what waits is read later.
    this.written.push(this.isSlow ? piece : Uint8Array.from(piece));
    if (this.isSlow) this.writableLength += piece.length;
    if (done !== undefined) this.callbacks.push(done);
  }

  take(): void {
    this.writableLength = 0;
    for (const done of this.callbacks.splice(0)) done();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.written);
  }
}

describe("the outbox", () => {
  it.each([
    ["a server's", null],
    ["a client's, masked with nothing", 0],
    ["a client's, masked", 0x37fa213d],
  ])("[F-4] %s messages are what the parser reads", (_what, key) => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string({ unit: "grapheme", maxLength: 400 }), bytes), { maxLength: 20 }),
        fc.boolean(),
        (messages, isSlow) => {
          const channel = new FakeChannel(isSlow);
          // Another outbox uses the same memory in between.
          const other = new FakeChannel(isSlow);
          const [outbox, neighbour] = [channel, other].map(
            (to) => new Outbox(to, key === null ? null : () => key, { flushed: () => {} }),
          ) as [Outbox, Outbox];
          const expected: string[] = [];
          for (const [index, one] of messages.entries()) {
            neighbour.text("neighbour");
            neighbour.flush();
            if (typeof one === "string") {
              outbox.text(one);
              expected.push(`text ${hex(one)}`);
            } else {
              const chunk = encodeChunk(1, 0, 0, one);
              outbox.chunk(chunk);
              expected.push(`binary ${Buffer.from(chunk.frame).toString("hex")}`);
            }
            if (index % 3 === 0) outbox.flush();
          }
          outbox.flush();
          expect(new Told({ masked: key !== null }).push(channel.bytes).lines).toEqual(expected);
          expect(new Told({ masked: key !== null }).push(other.bytes).lines).toEqual(
            messages.map(() => `text ${hex("neighbour")}`),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  it("lets go of a block when the system has it, and not before", () => {
    const channel = new FakeChannel(true);
    const outbox = new Outbox(channel, null, { flushed: () => {} });
    const chunk = encodeChunk(1, 0, 0, payload(50_000));
    chunk.block?.letGo(); // by whom it was made
    chunk.block?.hold();
    outbox.chunk(chunk);
    outbox.flush();
    expect(() => chunk.block?.letGo()).not.toThrow();
    chunk.block?.hold();
    channel.take();
    expect(() => chunk.block?.letGo()).toThrow("nobody holds");
  });

  it("tells what waits, and when it has left", () => {
    const channel = new FakeChannel(true);
    let flushed = 0;
    const outbox = new Outbox(channel, null, { flushed: () => flushed++ });
    outbox.text("x");
    expect(outbox.waitingBytes).toBeGreaterThan(0);
    outbox.flush();
    expect(outbox.waitingBytes).toBe(3);
    expect(flushed).toBe(0);
    channel.take();
    expect([outbox.waitingBytes, flushed]).toEqual([0, 1]);
  });
});

describe("blocks", () => {
  it("are used again when nobody holds them", () => {
    const blocks = new Blocks();
    const first = blocks.place(60_000);
    const second = blocks.place(60_000);
    expect(second.frame.buffer).not.toBe(first.frame.buffer);
    first.block?.letGo();
    expect(blocks.place(40_000).frame.buffer).toBe(first.frame.buffer);
    second.block?.hold();
    second.block?.letGo();
    expect(blocks.place(40_000).frame.buffer).not.toBe(second.frame.buffer);
  });

  it("may be held again until the next frame is placed", () => {
    const blocks = new Blocks();
    const { block, frame } = blocks.place(60_000);
    block?.letGo();
    block?.hold();
    expect(blocks.place(60_000).frame.buffer).not.toBe(frame.buffer);
    block?.letGo();
    expect(blocks.place(60_000).frame.buffer).toBe(frame.buffer);
  });

  it("are given up when they are not needed", () => {
    const blocks = new Blocks();
    const { block, frame } = blocks.place(60_000);
    block?.letGo();
    blocks.shrink(); // it was needed a moment ago
    blocks.shrink();
    expect(blocks.place(60_000).frame.buffer).not.toBe(frame.buffer);
  });

  it("leave room before every frame", () => {
    const blocks = new Blocks();
    for (const size of [1, 100, 4_096, 4_097, 8_208, 8_209, 65_552, 65_553, 200_000]) {
      const { frame } = blocks.place(size);
      expect(frame.byteOffset).toBeGreaterThanOrEqual(14);
      expect(frame).toHaveLength(size);
    }
  });
});

/** A satellite's answer, its lines changed. */
function answer(change: (lines: string[]) => string[] = (lines) => lines): Buffer {
  return Buffer.from(change(acceptanceText(accept).split("\r\n")).join("\r\n"));
}

function read(head: Buffer, size = head.length): ReturnType<AnswerReader["push"]> {
  const reader = new AnswerReader();
  for (let at = 0; at < head.length; at += size) {
    const result = reader.push(head.subarray(at, at + size));
    if (result !== null) return result;
  }
  return null;
}

function refusal(head: Buffer): string | null {
  const result = read(head);
  return typeof result === "object" && result !== null ? refusalOf(result, accept) : result;
}

describe("the handshake", () => {
  it("[T-1] [T-4] asks for version 13, the subprotocol, and shows the token", () => {
    const asked = requestText({ host: "h:1", path: "/base/ws", key: "k", token: "t" });
    expect(asked.startsWith("GET /base/ws HTTP/1.1\r\nHost: h:1\r\n")).toBe(true);
    expect(asked.endsWith("Sec-WebSocket-Protocol: skypipe.v1\r\nAuthorization: Bearer t\r\n\r\n")).toBe(
      true,
    );
    expect(requestText({ host: "h", path: "/", key: "k", token: undefined })).not.toContain("Authorization");
  });

  it("[T-1] takes the answer of a satellite, whole and byte by byte, and keeps what follows", () => {
    for (const size of [1_000, 1, 7]) {
      const result = read(Buffer.concat([answer(), randomBytes(0)]), size);
      expect(result).toMatchObject({ status: 101 });
    }
    const result = read(Buffer.concat([answer(), Buffer.from("rest")]));
    expect(Buffer.from((result as { rest: Uint8Array }).rest).toString()).toBe("rest");
    expect(refusal(answer())).toBeNull();
  });

  it.each([
    ["no upgrade", "Upgrade: websocket", "X: y"],
    ["no connection", "Connection: Upgrade", "Connection: close"],
    ["another key", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "Sec-WebSocket-Accept: x"],
    ["no subprotocol", "Sec-WebSocket-Protocol: skypipe.v1", "X: y"],
    ["another subprotocol", "Sec-WebSocket-Protocol: skypipe.v1", "Sec-WebSocket-Protocol: mqtt"],
    [
      "an extension",
      "Upgrade: websocket",
      "Upgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate",
    ],
  ])("[T-1] [T-2] refuses %s", (_what, before, after) => {
    expect(refusal(answer((lines) => lines.map((line) => (line === before ? after : line))))).not.toBeNull();
  });

  it.each([
    ["what is no HTTP", "SSH-2.0-OpenSSH\r\n"],
    ["HTTP/2", "HTTP/2 200\r\n\r\n"],
    ["a broken header", "HTTP/1.1 101 x\r\nbroken\r\n\r\n"],
    ["an answer without an end", `HTTP/1.1 101 x\r\n${"a".repeat(20_000)}`],
  ])("refuses %s", (_what, head) => {
    expect(read(Buffer.from(head))).toBeTypeOf("string");
  });

  it("reads other statuses", () => {
    expect(read(Buffer.from("HTTP/1.1 401 Unauthorized\r\nA: b\r\na: c\r\n\r\nbody"))).toMatchObject({
      status: 401,
      headers: new Map([["a", "b, c"]]),
    });
  });
});
