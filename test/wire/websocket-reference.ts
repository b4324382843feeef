/** A second, slower writing of RFC 6455 for the tests: frames as the standard draws them, and what they mean. */
import { Blocks } from "../../satellite/wire/blocks.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import { WebSocketParser } from "../../satellite/wire/websocket-parser.ts";

export interface Frame {
  readonly opcode: number;
  readonly payload: Uint8Array;
  readonly fin?: boolean;
  readonly reserved?: number;
  readonly mask?: number | null;
  /** Bytes of the extended length, where they are not to be what fits. */
  readonly lengthBytes?: 0 | 2 | 8;
}

/** Bit by bit as in §5.2. */
export function frameBytes({
  opcode,
  payload,
  fin = true,
  reserved = 0,
  mask = null,
  ...rest
}: Frame): Buffer {
  const { length } = payload;
  const lengthBytes = rest.lengthBytes ?? (length < 126 ? 0 : length < 65_536 ? 2 : 8);
  const extended = Buffer.alloc(lengthBytes);
  if (lengthBytes === 2) extended.writeUInt16BE(length);
  if (lengthBytes === 8) extended.writeBigUInt64BE(BigInt(length));
  const short = lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127;
  const head = Buffer.from([(fin ? 0x80 : 0) | (reserved << 4) | opcode, (mask === null ? 0 : 0x80) | short]);
  if (mask === null) return Buffer.concat([head, extended, payload]);
  const key = Buffer.alloc(4);
  key.writeUInt32BE(mask);
  const masked = payload.map((byte, index) => byte ^ (key[index % 4] as number));
  return Buffer.concat([head, extended, key, masked]);
}

/** What a parser has told, a line each. */
export class Told {
  readonly lines: string[] = [];
  readonly parser: WebSocketParser;

  constructor(options: { masked?: boolean; messageBytesMax?: number; blocks?: Blocks } = {}) {
    const { masked = false, messageBytesMax = 200_000, blocks = new Blocks() } = options;
    const tell = (what: string, bytes: Uint8Array): void =>
      void this.lines.push(`${what} ${Buffer.from(bytes).toString("hex")}`);
    this.parser = new WebSocketParser(
      { masked, messageBytesMax, blocks },
      {
        text: (text) => tell("text", Buffer.from(text)),
        binary: (message, block) => {
          tell("binary", message);
          message.fill(0xdd); // it is ours
          block?.letGo();
        },
      },
      {
        pinged: (payload) => tell("ping", payload),
        ponged: (payload) => tell("pong", payload),
        closed: ({ code, reason }) => void this.lines.push(`close ${code} ${reason}`),
      },
    );
  }

  /** Pushes copies, in pieces whose sizes `next` gives; a refusal ends it. */
  push(bytes: Uint8Array, next: () => number = () => bytes.length): this {
    try {
      for (let at = 0; at < bytes.length; ) {
        const size = Math.max(1, next());
        this.parser.push(Uint8Array.from(bytes.subarray(at, at + size)));
        at += size;
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.lines.push(`refused ${error.code}`);
    }
    return this;
  }
}
