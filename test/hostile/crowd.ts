/** Bare connections by the thousand, from as many addresses as it takes: the whole of 127.0.0.0/8 is this computer. */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** The nth address. The one that everybody else uses, 127.0.0.1, is none of them. */
export function address(n: number): string {
  return `127.${1 + ((n >> 16) & 0x7f)}.${(n >> 8) & 0xff}.${n & 0xff}`;
}

/** One connection and what has become of it. */
export class Caller {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  heard = "";
  isOpen = false;
  isClosed = false;
  readonly #opened: Promise<void>;

  constructor(target: Target, from: string) {
    this.socket = connect({ ...target, localAddress: from });
    this.socket.on("error", () => undefined); // to be cut off is what is expected
    this.socket.on("data", (part: Buffer) => {
      this.heard = (this.heard + part.toString("latin1")).slice(-4_096);
    });
    this.closed = new Promise((resolve) => {
      this.socket.once("close", () => {
        this.isClosed = true;
        resolve();
      });
    });
    this.#opened = new Promise((resolve) => {
      this.socket.once("connect", () => {
        this.isOpen = true;
        resolve();
      });
      this.socket.once("close", () => resolve());
    });
  }

  /** Resolves when it is connected, or could not be. */
  opened(): Promise<void> {
    return this.#opened;
  }

  /** Writes, and waits where the other side does not read, or until it has closed. */
  async write(bytes: string | Uint8Array): Promise<void> {
    if (this.socket.destroyed || this.socket.write(bytes)) return;
    await Promise.race([new Promise((resolve) => this.socket.once("drain", resolve)), this.closed]);
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** Opens many at once, `perAddress` from each address, and waits until each is open or refused. */
export async function crowd(target: Target, count: number, perAddress: number, first = 1): Promise<Caller[]> {
  const callers = Array.from(
    { length: count },
    (_, n) => new Caller(target, address(first + Math.floor(n / perAddress))),
  );
  await Promise.all(callers.map((caller) => caller.opened()));
  return callers;
}

/**
 * How many connections the satellite has, as the system counts them. (Who was not accepted in time may believe to be
 * connected all the same.)
 */
export function connectionsAt({ port }: Target): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const established = "01";
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, from, , state]) => from?.endsWith(local) === true && state === established).length;
}

export function handshake(headers: Record<string, string> = {}): string {
  const all = {
    host: "127.0.0.1",
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-protocol": "skypipe.v1",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return ["GET /ws HTTP/1.1", ...lines, "", ""].join("\r\n");
}

/** A frame of a WebSocket, masked with zeros. `first` is its first byte: FIN, RSV and opcode. */
export function frame(first: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 6 : length < 65_536 ? 8 : 14);
  head[0] = first;
  if (length < 126) head[1] = 0x80 | length;
  else if (length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}

export function textFrame(text: string): Buffer {
  return frame(0x81, Buffer.from(text));
}

export const HELLO: Buffer = textFrame('{"type":"hello","protocol":1,"software":"hostile/1"}');
