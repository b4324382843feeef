/** A reader of PROTOCOL.md that keeps nothing of what comes: it counts, and acknowledges once for all that a read gave. */
import type { Socket } from "node:net";
import { Flag, HEADER_BYTES } from "../../../satellite/wire/frame.ts";
import { PROTOCOL_VERSION, SUBPROTOCOL, WEBSOCKET_PATH } from "../../../satellite/wire/limits.ts";
import type { EndMessage, SatelliteMessage } from "../../../satellite/wire/messages.ts";
import type { Reader } from "./readers.ts";

const headEnd = "\r\n\r\n";
const Opcode = { text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;
const ref = 1;

export class SkypipeReader implements Reader {
  isReady = false;
  readonly #socket: Socket;
  readonly #pipe: string;
  #isUpgraded = false;
  /** The start of a frame of which more must come before anything can be made of it. */
  #rest: Buffer = Buffer.alloc(0);
  /** Of the data frame that is coming. */
  #left = 0;
  #stream = 0;
  #end = 0;
  #isFinal = false;

  constructor(socket: Socket, pipe: string) {
    this.#socket = socket;
    this.#pipe = pipe;
    const lines = [
      `GET ${WEBSOCKET_PATH} HTTP/1.1`,
      "Host: 127.0.0.1",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
      `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`,
    ];
    socket.write(lines.join("\r\n") + headEnd);
    this.#send({ type: "hello", protocol: PROTOCOL_VERSION, software: "bench" });
    this.#send({ type: "read", ref, pipe: this.#pipe, mode: "plain" });
  }

  take(bytes: Buffer): number {
    let at = 0;
    let got = 0;
    let isAckDue = false;
    const input = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = Buffer.alloc(0);
    if (!this.#isUpgraded) {
      at = input.indexOf(headEnd) + headEnd.length;
      if (at < headEnd.length) return this.#keep(input);
      this.#isUpgraded = true;
    }
    while (at < input.length) {
      if (this.#left > 0) {
        const size = Math.min(this.#left, input.length - at);
        at += size;
        got += size;
        this.#left -= size;
        isAckDue ||= this.#left === 0;
        continue;
      }
      const used = this.#frame(input, at);
      if (used === 0) {
        this.#keep(input.subarray(at));
        break;
      }
      isAckDue ||= this.#left === 0 && this.#isFinal;
      at += used;
    }
    if (isAckDue) this.#acknowledge();
    return got;
  }

  /** Reads the start of a frame: for data all but the chunk, for others the whole. 0 if there is too little of it. */
  #frame(input: Buffer, at: number): number {
    if (input.length < at + 2) return 0;
    const opcode = (input[at] ?? 0) & 0x0f;
    const short = (input[at + 1] ?? 0) & 0x7f;
    const head = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (input.length < at + head) return 0;
    const length =
      short === 127 ? input.readUInt32BE(at + 6) : short === 126 ? input.readUInt16BE(at + 2) : short;
    const body = at + head;
    if (opcode === Opcode.binary) {
      if (input.length < body + HEADER_BYTES) return 0;
      this.#data(input.subarray(body, body + HEADER_BYTES), length - HEADER_BYTES);
      return head + HEADER_BYTES;
    }
    if (input.length < body + length) return 0;
    this.#control(opcode, input.subarray(body, body + length));
    return head + length;
  }

  #data(header: Buffer, chunkBytes: number): void {
    this.#isFinal = ((header[1] ?? 0) & Flag.final) !== 0;
    this.#stream = header.readUIntBE(2, 6);
    this.#end = header.readUInt32BE(8) * 2 ** 32 + header.readUInt32BE(12) + chunkBytes;
    this.#left = chunkBytes;
  }

  #control(opcode: number, body: Buffer): void {
    if (opcode === Opcode.ping) this.#write(Opcode.pong, body);
    if (opcode === Opcode.close) this.#socket.destroy();
    if (opcode !== Opcode.text) return;
    const message = JSON.parse(body.toString()) as SatelliteMessage;
    if (message.type === "attached") this.isReady = true;
    if (message.type === "error") this.#socket.destroy(new Error(message.message));
  }

  /** Chunks that are there as a whole, up to the last one. */
  #acknowledge(): void {
    const isWhole = this.#left === 0;
    const offset = isWhole ? this.#end : this.#end - this.#left;
    this.#send({
      type: "ack",
      ref,
      stream: this.#stream,
      offset,
      ...(isWhole && this.#isFinal && { end: true }),
    });
  }

  #send(message: EndMessage): void {
    this.#write(Opcode.text, Buffer.from(JSON.stringify(message)));
  }

  /** With a mask of zeros: nobody is between on loopback. */
  #write(opcode: number, body: Buffer): void {
    const size = body.length < 126 ? [0x80 | body.length] : [0xfe, body.length >> 8, body.length & 0xff];
    this.#socket.write(Buffer.concat([Buffer.from([0x80 | opcode, ...size, 0, 0, 0, 0]), body]));
  }

  #keep(rest: Buffer): number {
    this.#rest = Buffer.from(rest); // what was read into is read into again
    return 0;
  }
}
