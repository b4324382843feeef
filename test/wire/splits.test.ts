/**
 * The vectors over a real connection. What a client puts on the wire (handshake and masked messages) is recorded
 * once, then written to a WebSocket server byte by byte and in random pieces: the codec must see the same each time.
 */
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { parseEndMessage } from "../../satellite/wire/control.ts";
import { decodeChunk } from "../../satellite/wire/decode.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import { HEADER_BYTES } from "../../satellite/wire/frame.ts";
import { limits, SUBPROTOCOL, WEBSOCKET_PATH } from "../../satellite/wire/limits.ts";
import { randomFrom } from "./fuzz.ts";
import { dataVectors, endVectors } from "./vectors.ts";

/** Alternating, as a connection carries both kinds. */
const all: readonly (string | Uint8Array)[] = Array.from(
  { length: Math.max(dataVectors.length, endVectors.length) },
  (_, index) => [dataVectors[index]?.bytes, endVectors[index]?.text],
)
  .flat()
  .filter((message) => message !== undefined);
const small = all.filter(({ length }) => length <= 2048);

let server: HttpServer;
let wss: WebSocketServer;
let outcomes: string[] = [];
let closed: Promise<void> = Promise.resolve();

/** What the codec makes of one WebSocket message, as one line. */
function outcome(message: string | Uint8Array): string {
  try {
    if (typeof message === "string") return JSON.stringify(parseEndMessage(message));
    const { stream, offset, end, flags, frame } = decodeChunk(message);
    const payload = Buffer.from(frame.subarray(HEADER_BYTES)).toString("base64");
    return `${stream} ${offset} ${end} ${flags} ${payload}`;
  } catch (error) {
    if (error instanceof WireError) return `refused: ${error.code}`;
    throw error;
  }
}

function listen(target: Server): Promise<number> {
  return new Promise((resolve) => {
    target.listen(0, "127.0.0.1", () => resolve((target.address() as AddressInfo).port));
  });
}

function portOf(target: Server): number {
  return (target.address() as AddressInfo).port;
}

/** The bytes that a client sends for `messages`, taken between it and the server. */
async function record(messages: readonly (string | Uint8Array)[]): Promise<Buffer> {
  const recorded: Buffer[] = [];
  const tap = createServer((client) => {
    const upstream = connect(portOf(server), "127.0.0.1");
    client.on("data", (bytes: Buffer) => recorded.push(bytes));
    client.pipe(upstream).pipe(client);
  });
  const port = await listen(tap);
  const client = new WebSocket(`ws://127.0.0.1:${port}${WEBSOCKET_PATH}`, SUBPROTOCOL, {
    perMessageDeflate: false,
  });
  await new Promise<void>((resolve, reject) => {
    client.once("open", resolve).once("error", reject);
  });
  for (const message of messages) client.send(message);
  const gone = new Promise<void>((resolve) => void client.once("close", () => resolve()));
  client.close(1000);
  await gone;
  await new Promise<void>((resolve) => void tap.close(() => resolve()));
  return Buffer.concat(recorded);
}

/** Writes `bytes` in pieces, each in a write of its own; what the codec made of them when the server has closed. */
async function replay(bytes: Buffer, nextSize: () => number): Promise<string[]> {
  outcomes = [];
  const socket: Socket = connect({ port: portOf(server), host: "127.0.0.1", noDelay: true });
  const ended = new Promise<void>((resolve, reject) => {
    socket.once("error", reject).once("close", () => resolve());
  });
  socket.resume();
  for (let at = 0; at < bytes.length; ) {
    const size = nextSize();
    socket.write(bytes.subarray(at, at + size));
    at += size;
    await setImmediate();
  }
  await ended;
  await closed;
  return outcomes;
}

beforeAll(async () => {
  server = createHttpServer();
  wss = new WebSocketServer({
    server,
    path: WEBSOCKET_PATH,
    perMessageDeflate: false,
    maxPayload: 8 * limits.chunkBytesMax,
  });
  wss.on("connection", (socket) => {
    closed = new Promise((resolve) => void socket.once("close", () => resolve()));
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      outcomes.push(outcome(isBinary ? data : data.toString()));
    });
  });
  await listen(server);
});

afterAll(async () => {
  wss.close();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
});

it("[T-2] every vector survives a connection whole", async () => {
  const bytes = await record(all);
  expect(await replay(bytes, () => bytes.length)).toEqual(all.map(outcome));
});

it("[T-2] every vector survives a connection that gives one byte at a time", async () => {
  expect(await replay(await record(small), () => 1)).toEqual(small.map(outcome));
});

it("[T-2] every vector survives a connection that splits at random", async () => {
  const bytes = await record(all);
  for (let run = 0; run < 5; run += 1) {
    const seed = (Date.now() + run) % 1e9;
    const random = randomFrom(seed);
    const split = await replay(bytes, () => 1 + Math.floor(random() ** 4 * 4000));
    expect(split, `seed ${seed}`).toEqual(all.map(outcome));
  }
});
