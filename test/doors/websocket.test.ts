/** What a misbehaving peer costs: its own connection, and nobody else anything. */
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { Flag } from "../../satellite/wire/frame.ts";
import { limits } from "../../satellite/wire/limits.ts";
import { KiB } from "../support/bytes.ts";
import { RawEnd } from "../support/raw-end.ts";
import { until, within } from "../support/until.ts";
import { bareSocket, handshake } from "./ask.ts";
import { ScriptedBroker, useSatellite, useScripted } from "./use-satellite.ts";

const hello = '{"type":"hello","protocol":1,"software":"bare/0"}';

/** A WebSocket frame as a client sends it, masked with zeros. */
function wsFrame(opcode: number, payload: Uint8Array | string, firstByte = 0x80): Buffer {
  const body = Buffer.from(payload);
  const length =
    body.length < 126
      ? Buffer.from([0x80 | body.length])
      : Buffer.from([0xfe, body.length >> 8, body.length]);
  return Buffer.concat([Buffer.from([firstByte | opcode]), length, Buffer.alloc(4), body]);
}

/** The close frame that ends what a bare socket got: code and reason. */
function closeIn(received: Buffer): { code: number; reason: string } {
  const at = received.lastIndexOf(0x88);
  const length = received[at + 1] ?? 0;
  return {
    code: received.readUInt16BE(at + 2),
    reason: received.subarray(at + 4, at + 2 + length).toString(),
  };
}

describe("websocket", () => {
  it.each([
    ["text that is no JSON", "garbage", 1002, "protocol"],
    ["a list", "[]", 1002, "protocol"],
    ["an unknown type", '{"type":"surprise"}', 1002, "protocol"],
    ["a message without its fields", '{"type":"open"}', 1002, "protocol"],
    ["a second hello", hello, 1002, "protocol"],
    [
      "a control message above its limit",
      `{"type":"x-${"x".repeat(limits.controlBytesMax - 12)}"}`,
      1009,
      "too-large",
    ],
    ["a control message far above its limit", "x".repeat(300 * KiB), 1009, "too-large"],
    ["random bytes", randomBytes(100), 1002, "protocol"],
    ["no bytes", new Uint8Array(0), 1002, "protocol"],
    ["a frame of an unknown kind", Buffer.concat([Buffer.from([9]), Buffer.alloc(20)]), 1002, "protocol"],
    ["a stream of somebody else", encodeChunk(1, 0, Flag.final, Buffer.from("x")).frame, 1002, "protocol"],
    ["a chunk above its limit", encodeChunk(1, 0, 0, new Uint8Array(64 * KiB + 1)).frame, 1009, "too-large"],
    ["a chunk far above its limit", encodeChunk(1, 0, 0, new Uint8Array(300 * KiB)).frame, 1009, "too-large"],
  ] as const)("[C-1] [F-1] [E-1] %s closes that connection alone", async (_, sent, code, reason) => {
    const { url } = await useSatellite();
    const [bystander, culprit] = [await RawEnd.greet(url), await RawEnd.greet(url)];
    const reader = await bystander.read("p");
    const writer = await bystander.open("p");
    writer.write("before\n");
    await reader.untilText("before\n");
    if (typeof sent === "string") culprit.sendText(sent);
    else culprit.sendBytes(sent);
    expect(await culprit.closedBy()).toMatchObject({ code, reason, error: { code: reason } });
    writer.finish("after\n");
    await reader.untilText("before\nafter\n");
    await bystander.close();
    expect(bystander.breaches).toEqual([]);
  });

  it.each([
    ["a reserved opcode", wsFrame(0x3, "x"), 1002, "protocol"],
    ["reserved bits", wsFrame(0x2, "x", 0xf0), 1002, "protocol"],
    ["a frame without a mask", Buffer.from([0x81, 0x01, 0x78]), 1002, "protocol"],
    ["a continuation of nothing", wsFrame(0x0, "x"), 1002, "protocol"],
    ["a ping of 126 bytes", wsFrame(0x9, "x".repeat(126)), 1002, "protocol"],
    ["text that is no UTF-8", wsFrame(0x1, Buffer.from([0xc3, 0x28])), 1002, "protocol"],
    [
      "a frame that announces 2^40 bytes",
      Buffer.from([0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      1009,
      "too-large",
    ],
  ] as const)("[T-2] [E-1] %s closes that connection with a reason", async (_, sent, code, reason) => {
    const { url } = await useSatellite();
    const bystander = await RawEnd.greet(url);
    const { socket, closed } = bareSocket(url);
    socket.write(handshake());
    socket.write(wsFrame(0x1, hello));
    socket.write(sent);
    const received = await within("the close", closed);
    expect(received.toString()).toContain(`{"type":"error","code":"${reason}"`);
    expect(closeIn(received)).toEqual({ code, reason });
    expect((await bystander.inspect()).sessions).toBe(1);
    await bystander.close();
  });

  it("[S-1] gives a connection so long to say hello, and closes it with timeout", async () => {
    const { url } = await useSatellite({ limits: { helloMs: 60 } });
    const [quiet, silent] = [await RawEnd.greet(url), await RawEnd.dial(url)];
    expect(await silent.closedBy()).toMatchObject({
      code: 4408,
      reason: "timeout",
      error: { code: "timeout" },
    });
    expect((await quiet.inspect()).sessions).toBe(1);
    await quiet.close();
  });

  it("[S-1] does not let a dribble of ignored messages count as hello", async () => {
    const { url } = await useSatellite({ limits: { helloMs: 60 } });
    const end = await RawEnd.dial(url);
    end.sendText('{"type":"x-hello"}');
    expect(await end.closedBy()).toMatchObject({ code: 4408 });
  });

  it("[C-2] ignores types that begin with x-, also before hello", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.dial(url);
    end.sendText('{"type":"x-hello"}');
    expect((await end.hello()).resumed).toBe(false);
    await end.close();
  });

  it("ignores what comes after the message that closed the connection", async () => {
    const broker = new ScriptedBroker();
    const { url } = await useScripted(broker);
    const { socket, closed } = bareSocket(url);
    const frames = [hello, "garbage", '{"type":"list","ref":1}', hello].map((text) => wsFrame(0x1, text));
    socket.write(Buffer.concat([Buffer.from(handshake()), ...frames]));
    await within("the close", closed);
    expect(broker.events.map(({ type }) => type)).toEqual(["hello", "lost"]);
  });

  it("[S-2] gives every hello a secret of its own, of 128 bits", async () => {
    const broker = new ScriptedBroker();
    const { url } = await useScripted(broker);
    const ends = await Promise.all(Array.from({ length: 20 }, () => RawEnd.dial(url)));
    for (const end of ends) end.sendText(hello);
    await until("twenty hellos", () => broker.of("hello").length === 20);
    const secrets = new Set(broker.of("hello").map(({ secret }) => secret));
    expect(secrets.size).toBe(20);
    for (const secret of secrets) expect(Buffer.from(secret, "base64url")).toHaveLength(16);
    await Promise.all(ends.map((end) => end.cut()));
    await until("twenty losses", () => broker.of("lost").length === 20);
  });

  it("[F-4] hands on the very bytes of a frame", async () => {
    const broker = new ScriptedBroker();
    broker.answer = (event) =>
      event.type === "chunk" ? [{ type: "forward", connection: event.connection, chunk: event.chunk }] : [];
    const { url } = await useScripted(broker);
    const { socket, closed } = bareSocket(url);
    const { frame } = encodeChunk(7, 5, Flag.boundary | Flag.line, randomBytes(20_000));
    socket.write(Buffer.concat([Buffer.from(handshake()), wsFrame(0x1, hello), wsFrame(0x2, frame)]));
    await until("the chunk", () => broker.of("chunk").length === 1);
    socket.end(wsFrame(0x8, ""));
    expect((await within("the close", closed)).includes(Buffer.from(frame))).toBe(true);
  });
});

describe("signs of life", () => {
  const steady = { pingMs: 30, pingBusyMs: 30 };

  it("[T-5] gives up a peer that answers no ping: two missed, and it is lost", async () => {
    const broker = new ScriptedBroker();
    const { url, log } = await useScripted(broker, { limits: { ...limits, ...steady } });
    const { socket, closed } = bareSocket(url);
    socket.write(Buffer.concat([Buffer.from(handshake()), wsFrame(0x1, hello)]));
    const received = await within("the end of the connection", closed);
    const pings = received.toString("latin1").split("\u0089\u0000").length - 1;
    expect(pings).toBe(2);
    await until("the loss", () => broker.of("lost").length === 1);
    expect(broker.events.map(({ type }) => type)).toEqual(["hello", "lost"]);
    expect(log.map(({ event }) => event)).toContain("connection.silent");
  });

  it("[T-5] keeps a peer that only answers pings, and one that only sends", async () => {
    const broker = new ScriptedBroker();
    const { url } = await useScripted(broker, { limits: { ...limits, ...steady } });
    const answering = await RawEnd.dial(url);
    answering.sendText(hello);
    const sending = await RawEnd.dial(url, { autoPong: false });
    sending.sendText(hello);
    const dribble = setInterval(() => sending.sendText('{"type":"x-alive"}'), 5);
    await until("ten pings to both", () => answering.link.pings >= 10 && sending.link.pings >= 10);
    clearInterval(dribble);
    await until("the silent one is lost", () => broker.of("lost").length === 1);
    expect(answering.link.isOpen).toBe(true);
    await answering.cut();
  });

  it("[T-5] asks more often while bytes are unacknowledged", async () => {
    const { url } = await useSatellite({ limits: { pingMs: 600_000, pingBusyMs: 20 } });
    const [busy, idle] = [await RawEnd.greet(url), await RawEnd.greet(url)];
    const reader = await busy.read("p", "follow", { autoAck: false });
    await idle.read("other");
    const writer = await idle.open("p");
    writer.write("not acknowledged\n");
    await reader.untilText("not acknowledged\n");
    await until("five pings", () => busy.link.pings >= 5);
    await Promise.all([busy.close(), idle.close()]);
  });

  it("[T-5] does not ask a connection at rest before its time", async () => {
    const { url } = await useSatellite({ limits: { pingMs: 600_000, pingBusyMs: 20 } });
    const [resting, busy] = [await RawEnd.greet(url), await RawEnd.greet(url)];
    const done = await resting.open("p");
    done.finish("all safe\n");
    await done.untilEndSafe();
    await busy.read("q", "follow", { autoAck: false });
    (await busy.open("q")).write("not acknowledged\n");
    await until("ten pings to the other", () => busy.link.pings >= 10);
    expect(resting.link.pings).toBe(0);
    await Promise.all([busy.close(), resting.close()]);
  });
});

describe("full sockets", () => {
  it("tells when a socket is full, and when it is half empty again", async () => {
    const broker = new ScriptedBroker();
    const { url } = await useScripted(broker, { limits: { ...limits, sendQueueBytesMax: 256 * KiB } });
    const chunk = encodeChunk(1, 0, 0, new Uint8Array(64 * KiB));
    broker.answer = (event) =>
      event.type === "message"
        ? Array.from(
            { length: 200 },
            () => ({ type: "forward", connection: event.connection, chunk }) as const,
          )
        : [];
    const { socket, closed } = bareSocket(url);
    socket.write(Buffer.concat([Buffer.from(handshake()), wsFrame(0x1, hello)]));
    await until("hello", () => broker.of("hello").length === 1);
    socket.pause();
    socket.write(wsFrame(0x1, '{"type":"list","ref":1}'));
    await until("congestion", () => broker.of("congested").length === 1);
    expect(broker.of("drained")).toEqual([]);
    socket.resume();
    await until("drained", () => broker.of("drained").length === 1);
    expect(broker.events.map(({ type }) => type)).toEqual(["hello", "message", "congested", "drained"]);
    socket.end(wsFrame(0x8, ""));
    expect((await within("all of it", closed)).length).toBeGreaterThan(200 * 64 * KiB);
  });

  it("cuts a peer that asks on and on and never reads", async () => {
    const broker = new ScriptedBroker();
    const { url, log } = await useScripted(broker, { limits: { ...limits, sendQueueBytesMax: 16 * KiB } });
    const chunk = encodeChunk(1, 0, 0, new Uint8Array(64 * KiB));
    broker.answer = (event) =>
      event.type === "message" ? [{ type: "forward", connection: event.connection, chunk }] : [];
    const { socket, closed } = bareSocket(url);
    socket.write(Buffer.concat([Buffer.from(handshake()), wsFrame(0x1, hello)]));
    await until("hello", () => broker.of("hello").length === 1);
    socket.pause();
    for (let asked = 0; asked < 400; asked++) socket.write(wsFrame(0x1, `{"type":"list","ref":${asked}}`));
    await until("it is lost", () => broker.of("lost").length === 1);
    expect(log.map(({ event }) => event)).toContain("connection.overrun");
    socket.destroy();
    await closed;
  });
});
