/**
 * Many readers in one process that do as little as can be: they count what comes. `PROTOCOL PORT READERS BYTES PAYLOAD [PIPES] [REST_MS]`:
 * how much each reader gets and in messages of which size, over how many pipes they are spread, and how long each rests after
 * every read.
 *
 * Says `ready` on stderr when all of them wait. A first byte on stdout lets a publisher begin, and then one for each step that
 * everybody has, so that it is never further ahead than a broker without flow control bears. At the end it puts out, on stderr,
 * the seconds from the first byte to the last.
 */

import { writeSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { mqttBytes, mqttConnect, mqttSubscribe, natsBytes } from "./messages.ts";
import { SkypipeReader } from "./skypipe-reader.ts";

/** What one connection does with what comes. Answers how many bytes of payload that brought. */
export interface Reader {
  take: (bytes: Buffer) => number;
  isReady: boolean;
}

const stepBytes = 262_144;
const [protocol = "", port, readersText, bytesText, payloadText, pipesText = "1", restText = "0"] =
  process.argv.slice(2);
const readers = Number(readersText);
const bytesEach = Number(bytesText);
const payload = Number(payloadText);
const pipes = Number(pipesText);
const restMs = Number(restText);
const received = new Float64Array(readers);
/** Read events of all sockets come one after the other and keep nothing. */
const shared = Buffer.alloc(1_048_576);
let ready = 0;
let complete = 0;
let steps = 0;
let firstMs = 0;

/** Whatever all messages of a protocol have in common is counted by size, as they are all of one size. */
class Counting implements Reader {
  isReady = false;
  readonly #socket: Socket;
  readonly #messageBytes: number;
  readonly #answers: readonly { after: string; send: string | Buffer }[];
  #answered = 0;
  #head = "";
  #wireBytes = 0;

  constructor(
    socket: Socket,
    messageBytes: number,
    answers: readonly { after: string; send: string | Buffer }[],
  ) {
    this.#socket = socket;
    this.#messageBytes = messageBytes;
    this.#answers = answers;
  }

  take(bytes: Buffer): number {
    if (this.isReady) {
      const before = Math.floor(this.#wireBytes / this.#messageBytes);
      this.#wireBytes += bytes.length;
      return (Math.floor(this.#wireBytes / this.#messageBytes) - before) * payload;
    }
    this.#head += bytes.toString("latin1");
    for (let next = this.#answers[this.#answered]; next !== undefined; next = this.#answers[this.#answered]) {
      const at = this.#head.indexOf(next.after);
      if (at < 0) return 0;
      this.#head = this.#head.slice(at + next.after.length);
      this.#answered++;
      this.#socket.write(next.send);
    }
    this.isReady = true;
    return 0;
  }
}

function readerOn(socket: Socket, index: number): Reader {
  switch (protocol) {
    case "skypipe":
      return new SkypipeReader(socket, pipes === 1 ? "bench" : `bench-${index % pipes}`);
    case "nats":
      return new Counting(socket, natsBytes(payload), [
        { after: "\r\n", send: 'CONNECT {"verbose":false}\r\nSUB bench 1\r\nPING\r\n' },
        { after: "PONG\r\n", send: "" },
      ]);
    case "mqtt": {
      socket.write(mqttConnect(`reader-${index}`));
      return new Counting(socket, mqttBytes(payload), [
        { after: "\x20\x02\x00\x00", send: mqttSubscribe() },
        { after: "\x90\x03\x00\x01\x00", send: "" },
      ]);
    }
    default:
      throw new Error(`no protocol '${protocol}'`);
  }
}

function open(index: number): void {
  const socket = connect({
    host: "127.0.0.1",
    port: Number(port),
    noDelay: true,
    onread: {
      buffer: shared,
      callback: (size, bytes) => {
        take(index, reader, Buffer.from(bytes.buffer, bytes.byteOffset, size));
        if (restMs === 0) return true;
        setTimeout(() => socket.resume(), restMs);
        return false;
      },
    },
  });
  socket.on("error", fail).on("close", () => fail(new Error(`reader ${index} was cut`)));
  const reader = readerOn(socket, index);
  // A few at a time, so that no queue of connections overflows.
  socket.once("connect", () => {
    if (index + opening < readers) open(index + opening);
  });
}

const opening = 50;

function take(index: number, reader: Reader, bytes: Buffer): void {
  const wasReady = reader.isReady;
  const got = reader.take(bytes);
  if (!wasReady && reader.isReady && ++ready === readers) {
    process.stderr.write("ready\n");
    writeSync(1, "g");
  }
  if (got === 0) return;
  if (firstMs === 0) firstMs = performance.now();
  const before = received[index] ?? 0;
  received[index] = before + got;
  if (Math.floor((before + got) / stepBytes) > Math.floor(before / stepBytes)) step();
  if (before < bytesEach && before + got >= bytesEach && ++complete === readers) done();
}

function step(): void {
  const reached = Math.floor(received.reduce((least, bytes) => Math.min(least, bytes)) / stepBytes);
  if (reached <= steps) return;
  writeSync(1, "s".repeat(reached - steps));
  steps = reached;
}

function done(): void {
  process.stderr.write(`${(performance.now() - firstMs) / 1_000} s\n`);
  setTimeout(() => process.exit(0), 200); // the last acknowledgements shall arrive
}

function fail(error: Error): void {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

process.stdout.on("error", () => undefined); // the publisher has sent all there is
for (let index = 0; index < Math.min(opening, readers); index++) open(index);
