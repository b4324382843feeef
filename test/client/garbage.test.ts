/** What is no satellite, or a broken one: its connection ends with the registered code, and nothing is tried again. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocketServer } from "ws";
import { connect } from "../../cli/client/index.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { errorTable } from "../../satellite/wire/errors.ts";
import { SUBPROTOCOL } from "../../satellite/wire/limits.ts";

const welcome = {
  type: "welcome",
  protocol: 1,
  software: "fake/1",
  session: "s",
  secret: "x",
  graceMs: 60_000,
  resumed: false,
};

type Answer = string | Uint8Array | object;

/** Answers hello, and what comes next, with these messages; tells how its first connection was closed. */
async function useFake(toHello: Answer[], toNext: Answer[] = []) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, handleProtocols: () => SUBPROTOCOL });
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  let connections = 0;
  const closed = new Promise<number>((resolve) => {
    server.on("connection", (socket) => {
      connections++;
      const answers = [toHello, toNext];
      socket.on("message", () => {
        for (const answer of answers.shift() ?? []) {
          const isRaw = typeof answer === "string" || answer instanceof Uint8Array;
          socket.send(isRaw ? answer : JSON.stringify(answer));
        }
      });
      socket.once("close", resolve);
    });
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, closed, connections: () => connections };
}

describe("a satellite that breaks the protocol", () => {
  it.each([
    ["[C-1] text that is not JSON", "hello?", "protocol"],
    ["[C-1] an unknown type", { type: "tomorrow" }, "protocol"],
    ["[C-1] a field of another type", { ...welcome, graceMs: "long" }, "protocol"],
    ["[S-1] something before welcome", { type: "attached", ref: 1 }, "protocol"],
    ["[F-1] a frame shorter than its header", Uint8Array.of(1, 2, 3), "protocol"],
    ["[V-1] another version", { ...welcome, protocol: 2 }, "version"],
  ])("%s", async (_what, answer, code) => {
    const { url, closed, connections } = await useFake([answer]);
    await expect(connect({ url, connectTimeoutMs: 5_000 })).rejects.toMatchObject({ code });
    expect(await closed).toBe(errorTable[code as "protocol"].close);
    expect(connections()).toBe(1);
  });

  it("[T-2] a message above every limit", async () => {
    const { url, connections } = await useFake(["x".repeat(100_000)]);
    await expect(connect({ url, connectTimeoutMs: 5_000 })).rejects.toMatchObject({ code: "protocol" });
    expect(connections()).toBe(1);
  });

  it("[C-2] ignores fields that it does not know, and types that begin with x-", async () => {
    const { url } = await useFake([
      { type: "x-weather" },
      { ...welcome, mood: "good" },
      { type: "x-later", ref: 1 },
    ]);
    const end = await connect({ url });
    expect(end.software).toBe("fake/1");
    await end.close();
  });

  it("[R-2] a chunk that leaves a gap ends the reader that got it", async () => {
    const { url } = await useFake(
      [welcome],
      [
        { type: "attached", ref: 1 },
        { type: "stream", ref: 1, stream: 5, offset: 0 },
        encodeChunk(5, 3, 9, Buffer.from("x\n")).frame,
      ],
    );
    const end = await connect({ url });
    const receiving = end.receive("a", {}, { chunk: () => {} });
    await expect(receiving.done).rejects.toMatchObject({ code: "protocol", exitCode: 1 });
    await end.close();
  });
});
