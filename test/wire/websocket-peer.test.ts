/** Our side of a WebSocket against another implementation, `ws`, over real sockets: we as the client, and as the server. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { readInto } from "../../satellite/doors/read-into.ts";
import { Blocks } from "../../satellite/wire/blocks.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import type { WireError } from "../../satellite/wire/errors.ts";
import { SUBPROTOCOL } from "../../satellite/wire/limits.ts";
import { WebSocketPeer } from "../../satellite/wire/websocket.ts";
import type { WsClose } from "../../satellite/wire/websocket-frame.ts";
import {
  ACCEPT_GUID,
  AnswerReader,
  acceptanceText,
  refusalOf,
  requestText,
} from "../../satellite/wire/websocket-handshake.ts";
import { until, within } from "../support/until.ts";

const key = "dGhlIHNhbXBsZSBub25jZQ==";
const accept = createHash("sha1").update(`${key}${ACCEPT_GUID}`).digest("base64");

/** What our side has heard. */
class Ours {
  readonly socket: Socket;
  readonly peer: WebSocketPeer;
  readonly messages: (string | Buffer)[] = [];
  readonly pongs: string[] = [];
  pings = 0;
  closed: WsClose | null = null;
  refused: WireError | null = null;

  constructor(socket: Socket, mask: (() => number) | null) {
    this.socket = socket;
    this.peer = new WebSocketPeer(
      {
        channel: socket,
        messageBytesMax: 200_000,
        later: (flush) => process.nextTick(flush),
        mask,
        blocks: new Blocks(),
      },
      {
        text: (text) => this.messages.push(text),
        binary: (message, block) => {
          this.messages.push(Buffer.from(message));
          block?.letGo();
        },
        pinged: () => this.pings++,
        ponged: (payload) => this.pongs.push(Buffer.from(payload).toString()),
        closed: (close) => {
          this.closed = close;
          if (mask === null) socket.end();
        },
        refused: (error) => {
          this.refused = error;
          this.peer.close({ code: 1002, reason: error.code });
          socket.end();
        },
        flushed: () => {},
      },
    );
    socket.on("error", () => {});
  }
}

interface Pair {
  readonly ours: Ours;
  readonly theirs: WebSocket;
  /** Resolves when their side is closed. */
  readonly theirClose: Promise<{ code: number; reason: string }>;
  readonly heard: (string | Buffer)[];
  readonly theirPings: string[];
  readonly theirPongs: string[];
}

function pair(ours: Ours, theirs: WebSocket): Pair {
  const [heard, theirPings, theirPongs]: [(string | Buffer)[], string[], string[]] = [[], [], []];
  theirs.on("message", (data: Buffer, isBinary) => heard.push(isBinary ? data : data.toString()));
  theirs.on("ping", (data: Buffer) => theirPings.push(data.toString()));
  theirs.on("pong", (data: Buffer) => theirPongs.push(data.toString()));
  theirs.on("error", () => {});
  const theirClose = once(theirs, "close").then(([code, reason]) => ({
    code: code as number,
    reason: (reason as Buffer).toString(),
  }));
  onTestFinished(() => {
    theirs.terminate();
    ours.socket.destroy();
  });
  return { ours, theirs, theirClose, heard, theirPings, theirPongs };
}

async function asClient(mask: () => number): Promise<Pair> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, handleProtocols: () => SUBPROTOCOL });
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const accepted = once(server, "connection");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const ours = new Ours(socket, mask);
  const reader = new AnswerReader();
  let isOpen = false;
  const opened = new Promise<void>((resolve, reject) => {
    socket.on("data", (bytes: Buffer) => {
      if (isOpen) {
        ours.peer.receive(bytes);
        return;
      }
      const answer = reader.push(bytes);
      if (answer === null) return;
      if (typeof answer === "string") reject(new Error(answer));
      else {
        expect(refusalOf(answer, accept)).toBeNull();
        isOpen = true;
        resolve();
        ours.peer.receive(answer.rest);
      }
    });
  });
  socket.write(requestText({ host: "127.0.0.1", path: "/ws", key, token: undefined }));
  const [theirs] = (await accepted) as [WebSocket];
  const made = pair(ours, theirs);
  await within("our handshake", opened);
  return made;
}

async function asServer(): Promise<Pair> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const upgraded = once(server, "upgrade");
  const theirs = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, SUBPROTOCOL);
  const [, socket, head] = (await upgraded) as [unknown, Socket, Buffer];
  // The key is the client's: its own handshake is checked by it.
  const [request] = (await upgraded) as [{ headers: Record<string, string> }];
  const theirKey = request.headers["sec-websocket-key"] ?? "";
  socket.write(acceptanceText(createHash("sha1").update(`${theirKey}${ACCEPT_GUID}`).digest("base64")));
  const ours = new Ours(socket, null);
  readInto(socket, (bytes) => ours.peer.receive(bytes));
  socket.on("end", () => socket.end());
  ours.peer.receive(head);
  const made = pair(ours, theirs);
  await within("their handshake", once(theirs, "open"));
  return made;
}

const sides: [string, () => Promise<Pair>][] = [
  ["the client", async () => asClient(() => 0x1234_5678)],
  ["the client without masks", async () => asClient(() => 0)],
  ["the server", asServer],
];

describe.each(sides)("[T-2] ours is %s", (_side, make) => {
  it("says and hears texts and frames of every length", async () => {
    const { ours, theirs, heard } = await make();
    const sizes = [1, 109, 110, 125, 126, 127, 4_096, 65_519, 65_520, 65_536, 65_537, 100_000];
    const frames = sizes.map((size) => randomBytes(size));
    const texts = ["", "a", "äöü€😀", "x".repeat(125), "é".repeat(63), "x".repeat(126), "€".repeat(30_000)];
    for (const [index, frame] of frames.entries()) {
      ours.peer.sendChunk(encodeChunk(1, 0, 0, frame));
      ours.peer.sendText(texts[index % texts.length] as string);
      theirs.send(frame);
      theirs.send(texts[index % texts.length] as string);
    }
    await until(
      "all of both",
      () => heard.length === sizes.length * 2 && ours.messages.length === sizes.length * 2,
    );
    for (const [index, frame] of frames.entries()) {
      expect((heard[index * 2] as Buffer).subarray(16).equals(frame)).toBe(true);
      expect((ours.messages[index * 2] as Buffer).equals(frame)).toBe(true);
      expect(heard[index * 2 + 1]).toBe(texts[index % texts.length]);
      expect(ours.messages[index * 2 + 1]).toBe(texts[index % texts.length]);
    }
  });

  it("says nothing at all, where that is a message", async () => {
    const { ours, heard } = await make();
    ours.peer.sendText("");
    await until("the empty text", () => heard.length === 1);
    expect(heard).toEqual([""]);
  });

  it("hears fragments, and pings between them", async () => {
    const { ours, theirs, theirPongs } = await make();
    const frame = randomBytes(90_000);
    theirs.send(frame.subarray(0, 1), { fin: false, binary: true });
    theirs.ping("one");
    theirs.send(frame.subarray(1, 70_000), { fin: false });
    theirs.send("", { fin: false });
    theirs.pong("unasked");
    theirs.send(frame.subarray(70_000), { fin: true });
    theirs.send("tex", { fin: false });
    theirs.ping("two");
    theirs.send("t", { fin: true });
    await until("both messages", () => ours.messages.length === 2);
    expect((ours.messages[0] as Buffer).equals(frame)).toBe(true);
    expect(ours.messages[1]).toBe("text");
    await until("both pongs", () => theirPongs.length === 2);
    expect(theirPongs).toEqual(["one", "two"]);
    expect([ours.pings, ours.pongs]).toEqual([2, ["unasked"]]);
  });

  it("asks for a sign of life, and gets it", async () => {
    const { ours, theirPings } = await make();
    ours.peer.ping(Buffer.from("7"));
    ours.peer.ping(new Uint8Array(0));
    await until("both pongs", () => ours.pongs.length === 2);
    expect([theirPings, ours.pongs]).toEqual([
      ["7", ""],
      ["7", ""],
    ]);
  });

  it.each([
    [1000, "bye"],
    [4409, "aborted"],
    [3000, ""],
    [1012, "€".repeat(41)],
  ])("closes with %i, after what was sent", async (code, reason) => {
    const { ours, theirClose, heard } = await make();
    ours.peer.sendText("last words");
    ours.peer.close({ code, reason });
    ours.peer.sendText("too late");
    ours.peer.ping(new Uint8Array(0));
    ours.peer.close({ code: 1000, reason: "again" });
    expect(await within("their close", theirClose)).toEqual({ code, reason });
    await until("the answer", () => ours.closed !== null);
    expect(ours.closed?.code).toBe(code);
    expect(heard).toEqual(["last words"]);
  });

  it.each([
    [1000, "bye"],
    [4999, "x".repeat(123)],
    [undefined, ""],
  ])("is closed with %s, and answers", async (code, reason) => {
    const { ours, theirs, theirClose } = await make();
    theirs.send("last words");
    theirs.close(code, reason);
    expect(await within("their close", theirClose)).toMatchObject({ code: code ?? 1005 });
    await until("ours", () => ours.closed !== null);
    expect(ours.closed).toEqual({ code: code ?? null, reason });
    expect(ours.messages).toEqual(["last words"]);
    expect(ours.refused).toBeNull();
  });

  it("closes when both do at once", async () => {
    const { ours, theirs, theirClose } = await make();
    ours.peer.close({ code: 4400, reason: "ours" });
    theirs.close(4401, "theirs");
    await within("their close", theirClose);
    await until("ours", () => ours.closed !== null);
    expect(ours.closed).toEqual({ code: 4401, reason: "theirs" });
  });

  it("refuses a message above the limit, and says so", async () => {
    const { ours, theirs, theirClose } = await make();
    theirs.send(randomBytes(200_001));
    expect(await within("their close", theirClose)).toEqual({ code: 1002, reason: "too-large" });
    expect(ours.refused?.code).toBe("too-large");
    expect(ours.messages).toEqual([]);
  });
});

it("a server's socket is read into memory that is used again", async () => {
  const { ours, theirs } = await asServer();
  theirs.send("x");
  await until("it", () => ours.messages.length === 1);
  expect(ours.socket.listenerCount("data")).toBe(0);
});

it("a socket that Node keeps otherwise is read by its events", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const connected = once(server, "connection");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [socket] = (await connected) as [Socket];
  socket.removeAllListeners("data");
  Object.defineProperty(socket, "encrypted", { value: true }); // as a TLS socket has it
  const heard: Buffer[] = [];
  readInto(socket, (bytes) => heard.push(Buffer.from(bytes)));
  expect(socket.listenerCount("data")).toBe(1);
  client.destroy();
  socket.destroy();
});
