import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { type Address, parseAddress } from "../../cli/client/address.ts";
import { dial } from "../../cli/client/dial.ts";

async function useServer(listen: { port: number; host: string } | { path: string }): Promise<Server> {
  const server = createServer((socket) => socket.end("hello").on("error", () => {}));
  server.listen(listen);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return server;
}

async function read(address: Address): Promise<string> {
  const parts: string[] = [];
  const socket: Socket = await dial(address, (bytes) => parts.push(Buffer.from(bytes).toString())).channel;
  await once(socket, "close");
  return parts.join("");
}

it("opens a channel over TCP, whose end is told", async () => {
  const server = await useServer({ port: 0, host: "127.0.0.1" });
  const { port } = server.address() as { port: number };
  expect(await read(parseAddress(`ws://127.0.0.1:${port}`))).toBe("hello");
  expect(await read(parseAddress(`ws://localhost:${port}`))).toBe("hello");
});

it("opens a channel over a Unix socket", async () => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), "skypipe-")), "s");
  await useServer({ path: file });
  expect(await read(parseAddress(`unix:${file}`))).toBe("hello");
});

it("says why there is none", async () => {
  const server = await useServer({ port: 0, host: "127.0.0.1" });
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  await expect(dial(parseAddress(`ws://127.0.0.1:${port}`), () => {}).channel).rejects.toMatchObject({
    code: "ECONNREFUSED",
  });
});

it("fails in TLS where the other side speaks none", async () => {
  const server = await useServer({ port: 0, host: "127.0.0.1" });
  const { port } = server.address() as { port: number };
  await expect(dial(parseAddress(`wss://127.0.0.1:${port}`), () => {}).channel).rejects.toThrow(/SSL|TLS/i);
});

it.each(["ws", "wss"])("can be given up: %s", async (scheme) => {
  const server = await useServer({ port: 0, host: "127.0.0.1" });
  const { port } = server.address() as { port: number };
  const dialling = dial(parseAddress(`${scheme}://127.0.0.1:${port}`), () => {});
  dialling.cancel();
  await expect(dialling.channel).rejects.toThrow(/given up|closed/);
});
