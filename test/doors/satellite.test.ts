/** A satellite's life: where it listens, how it stops, when it leaves, what it survives. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startSatellite } from "../../satellite/satellite.ts";
import { MemoryStore } from "../../satellite/store/memory.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { type Chunk, Flag } from "../../satellite/wire/frame.ts";
import { handshakeStatus, RawEnd } from "../support/raw-end.ts";
import { until, within } from "../support/until.ts";
import { ask, bareSocket, handshake } from "./ask.ts";
import { ScriptedBroker, useSatellite, useScripted } from "./use-satellite.ts";

function useFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "skypipe-doors-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe("where a satellite listens", () => {
  it("is 127.0.0.1 and a free port, unless told otherwise", async () => {
    const { url } = await useSatellite();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  });

  it("[T-3] is a Unix socket that only its owner opens, for every Host without a dot, gone after the stop", async () => {
    const socketPath = path.join(useFolder(), "s");
    const umask = process.umask();
    const { url, stop } = await useSatellite({ socketPath });
    expect(url).toBe(`unix:${socketPath}`);
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    expect(process.umask()).toBe(umask);
    expect(await ask(url, "/healthz", { headers: { host: "whatever" } })).toMatchObject({ status: 200 });
    expect(await ask(url, "/healthz", { headers: { host: "evil.example" } })).toMatchObject({ status: 403 });
    expect(await handshakeStatus(url)).toBe(101);
    const end = await RawEnd.greet(url);
    expect(await end.list()).toEqual([]);
    await end.close();
    await stop();
    expect(existsSync(socketPath)).toBe(false);
  });

  it("takes the place of a socket that a killed satellite has left", async () => {
    const socketPath = path.join(useFolder(), "s");
    const left = spawnSync(process.execPath, [
      "-e",
      `require("node:net").createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, "SIGKILL"))`,
    ]);
    expect(left.signal).toBe("SIGKILL");
    expect(statSync(socketPath).isSocket()).toBe(true);
    const { url } = await useSatellite({ socketPath });
    expect(await ask(url, "/healthz")).toMatchObject({ status: 200 });
  });

  it("is refused, in one sentence, where another satellite is", async () => {
    const first = await useSatellite();
    const port = Number(new URL(first.url).port);
    const second = startSatellite({ port });
    await expect(second).rejects.toMatchObject({
      code: "usage",
      message: `cannot listen on 127.0.0.1:${port}: something else listens there already`,
    });
    const socketPath = path.join(useFolder(), "s");
    const third = await useSatellite({ socketPath });
    await expect(startSatellite({ socketPath })).rejects.toMatchObject({
      code: "usage",
      message: `cannot listen on ${socketPath}: something else listens there already`,
    });
    for (const { url } of [first, third]) expect((await ask(url, "/healthz")).status).toBe(200);
  });

  it("is never a file that is no socket", async () => {
    const socketPath = path.join(useFolder(), "precious");
    writeFileSync(socketPath, "precious");
    await expect(startSatellite({ socketPath })).rejects.toMatchObject({ code: "usage" });
    expect(statSync(socketPath).size).toBe(8);
  });

  it.each([
    [{ socketPath: "/nowhere/at/all" }, /cannot listen on \/nowhere\/at\/all: its folder is not there/],
    [{ socketPath: `/tmp/${"x".repeat(200)}` }, /a socket's path is at most 103 bytes/],
    [{ host: "192.0.2.1", token: "t" }, /cannot listen on 192.0.2.1:0: this computer does not have/],
    [{ token: "" }, /the token is not usable/],
    [{ answersTo: ["a b"] }, /'a b' is not the name of a host/],
  ])("with %o fails with one sentence", async (options, message) => {
    const started = startSatellite(options);
    await expect(started).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(message) as string,
    });
  });

  it.each(["0.0.0.0", "::", "192.168.1.1", "pipes.example"])("is not %s without a token", async (host) => {
    await expect(startSatellite({ host })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/needs a token.*SKYPIPE_TOKEN/) as string,
    });
  });

  it("[T-3] may be every address, with a token, and then answers to every Host", async () => {
    const { url } = await useSatellite({ host: "0.0.0.0", token: "t" });
    const here = url.replace("0.0.0.0", "127.0.0.1");
    expect(await ask(here, "/healthz", { headers: { host: "pipes.example" } })).toMatchObject({
      status: 200,
    });
    expect(await ask(here, "/p", { headers: { host: "pipes.example" } })).toMatchObject({ status: 401 });
  });
});

describe("how a satellite stops", () => {
  it("[S-8] says goaway, closes with 1012, and is gone", async () => {
    const { url, stop, closed } = await useSatellite();
    const [greeted, silent] = [await RawEnd.greet(url), await RawEnd.dial(url)];
    await greeted.read("p");
    const stopped = stop("for a test");
    expect(await greeted.next("goaway")).toEqual({ type: "goaway", reason: "for a test" });
    expect(await greeted.closedBy()).toMatchObject({ code: 1012 });
    expect(await silent.closedBy()).toMatchObject({ code: 1012 });
    await within("the stop", Promise.all([stopped, closed, stop("again")]));
    await expect(ask(url, "/healthz")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("[S-8] does not wait for those who do not answer", async () => {
    const { url, stop } = await useSatellite();
    const sockets = [bareSocket(url), bareSocket(url), bareSocket(url)];
    sockets[0]?.socket.write(handshake());
    sockets[1]?.socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n");
    await until("the handshake is answered", () => (sockets[0]?.socket.bytesRead ?? 0) > 0);
    await within("the stop", stop());
    await within("the ends", Promise.all(sockets.map(({ closed }) => closed)));
  });

  it("closes its store when everybody is gone, and tells who stops it when that fails", async () => {
    const store = new MemoryStore();
    store.close = () => Promise.reject(new Error("the disk is gone"));
    const { stop, closed } = await startSatellite({ store });
    await expect(stop()).rejects.toThrow("the disk is gone");
    await expect(closed).rejects.toThrow("the disk is gone");
  });

  it("writes a log of what happened, without tokens and secrets", async () => {
    const { url, stop, log } = await useSatellite({ token: "hush-hush" });
    const end = await RawEnd.greet(url, "hush-hush");
    const writer = await end.open("p");
    writer.finish("payload-of-this-test");
    await writer.untilEndSafe();
    await end.close();
    const stranger = await RawEnd.dial(url);
    stranger.sendText('{"type":"hello","protocol":1,"software":"x","token":"guess-guess"}');
    await stranger.closedBy();
    await stop();
    const events = log.map(({ event }) => event);
    expect(events[0]).toBe("satellite.start");
    expect(events).toEqual(expect.arrayContaining(["connection.open", "connection.close", "satellite.stop"]));
    for (const { time, level } of log) {
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      expect(level).toMatch(/^(debug|info|warn|error)$/);
    }
    const text = JSON.stringify(log);
    for (const secret of ["hush-hush", "guess-guess", "payload", end.welcome?.secret ?? "none"]) {
      expect(text).not.toContain(secret);
    }
  });
});

describe("when a satellite leaves", () => {
  it("leaves when it is idle and empty for so long", async () => {
    const { url, closed, log } = await useSatellite({ idleExitMs: 50 });
    await within("it leaves", closed);
    await expect(ask(url, "/healthz")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(log.find(({ event }) => event === "satellite.stop")?.reason).toBe("nobody uses it");
  });

  it("stays while somebody is connected or something is kept, and leaves after", async () => {
    let isClosed = false;
    // Long enough to connect on a machine that is at other things as well.
    const idleExitMs = 1_000;
    const { url, closed } = await useSatellite({ idleExitMs });
    void closed.then(() => (isClosed = true));
    const end = await RawEnd.greet(url);
    const watch = await useSatellite({ idleExitMs });
    await within("the other one leaves", watch.closed);
    expect(isClosed).toBe(false);
    const writer = await end.open("p");
    writer.finish("kept\n");
    await writer.untilEndSafe();
    await end.close();
    const another = await useSatellite({ idleExitMs: 2 * idleExitMs });
    await within("yet another one leaves", another.closed);
    expect(isClosed).toBe(false);
    const reading = await RawEnd.greet(url);
    await (await reading.read("p")).untilDone();
    await reading.close();
    await within("it leaves", closed);
  });
});

describe("what a satellite survives", () => {
  const hello = '{"type":"hello","protocol":1,"software":"raw/0"}';

  it("a defect of the broker: it costs the connection that met it, and is logged", async () => {
    const broker = new ScriptedBroker();
    broker.answer = (event) => {
      if (event.type === "message") throw new TypeError("a defect");
      return [];
    };
    const { url, log } = await useScripted(broker);
    const [culprit, bystander] = [await RawEnd.dial(url), await RawEnd.dial(url)];
    for (const end of [culprit, bystander]) end.sendText(hello);
    culprit.send({ type: "list", ref: 1 });
    expect(await culprit.closedBy()).toMatchObject({
      code: 1011,
      reason: "internal",
      error: { code: "internal" },
    });
    await until("the broker knows", () => broker.of("lost").length === 1);
    expect(bystander.link.isOpen).toBe(true);
    expect(log.find(({ event }) => event === "satellite.defect")?.stack).toContain("a defect");
    await bystander.cut();
  });

  it("a store that fails: nothing is told to be durable, and a read is tried again", async () => {
    const store = new MemoryStore();
    store.append = () => {
      throw new Error("the disk is full");
    };
    store.read = () => Promise.reject(new Error("the disk is gone"));
    const broker = new ScriptedBroker();
    broker.answer = (event) =>
      event.type === "message"
        ? [
            { type: "append", chunk: encodeChunk(1, 0, Flag.final, new Uint8Array(3)) },
            { type: "load", load: 1, stream: 1, offset: 0, bytesMax: 10 },
            { type: "send", connection: event.connection, message: { type: "done", ref: 1 } },
          ]
        : [];
    const { url, log } = await useScripted(broker, { store });
    const end = await RawEnd.dial(url);
    end.sendText(hello);
    end.send({ type: "list", ref: 1 });
    await end.next("done");
    await until("the read is answered", () => broker.of("loaded").length === 1);
    expect(broker.of("loaded")).toEqual([{ type: "loaded", load: 1, chunks: [] }]);
    expect(broker.of("durable")).toEqual([]);
    expect(log.filter(({ level }) => level === "error").map(({ event }) => event)).toEqual([
      "satellite.defect",
      "store.read",
    ]);
    await end.cut();
  });

  it("events inside effects: they wait until the effects before them are done", async () => {
    const order: string[] = [];
    const broker = new ScriptedBroker();
    broker.answer = (event) => {
      order.push(event.type === "durable" ? `durable ${event.offset}` : event.type);
      if (event.type !== "message") return [];
      return [
        { type: "create", stream: 1, pipe: "", openedMs: 0, info: {} },
        ...[0, 1].map((offset) => ({ type: "append", chunk: byteAt(offset) }) as const),
        { type: "load", load: 5, stream: 1, offset: 0, bytesMax: 10 },
        { type: "drop", stream: 1 },
      ];
    };
    const { url } = await useScripted(broker);
    const end = await RawEnd.dial(url);
    end.sendText(hello);
    end.send({ type: "list", ref: 1 });
    await until("the read is answered", () => broker.of("loaded").length === 1);
    expect(order).toEqual(["hello", "message", "durable 1", "durable 2", "loaded"]);
    expect(broker.of("loaded")[0]?.chunks).toHaveLength(2);
    await end.cut();
  });

  it("a wake that is replaced: one tick, at the last time that was asked for", async () => {
    const broker = new ScriptedBroker();
    broker.answer = (event) => {
      if (event.type !== "message") return [];
      const nowMs = performance.timeOrigin + performance.now();
      return [
        { type: "wake", atMs: nowMs + 1 },
        { type: "wake", atMs: null },
        { type: "wake", atMs: nowMs + 2 ** 40 },
        { type: "wake", atMs: nowMs - 5 },
      ];
    };
    const { url } = await useScripted(broker);
    const end = await RawEnd.dial(url);
    end.sendText(hello);
    end.send({ type: "list", ref: 1 });
    await until("the tick", () => broker.of("tick").length === 1);
    await end.cut();
    await until("the loss", () => broker.of("lost").length === 1);
    expect(broker.of("tick")).toHaveLength(1);
  });

  it("a port that somebody else frees later", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    await expect(startSatellite({ port })).rejects.toMatchObject({ code: "usage" });
    other.close();
    await once(other, "close");
    const { url } = await useSatellite({ port });
    expect(url).toBe(`http://127.0.0.1:${port}`);
  });
});

function byteAt(offset: number): Chunk {
  return encodeChunk(1, offset, 0, new Uint8Array(1));
}
