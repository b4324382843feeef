/** The satellite of this computer: one for each user, however many start it and however it was killed. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { localProvider } from "../../deploy/local/local.ts";
import { localSocket, prepareFolder } from "../../deploy/local/place.ts";
import { answers, ownPath, publish, publisher } from "../../deploy/local/publish.ts";
import { startLocal } from "../../deploy/local/start.ts";
import { until } from "../support/until.ts";
import { providerSuite } from "./provider-suite.ts";

const command = [process.execPath, fileURLToPath(new URL("../../dist/skypipe.cjs", import.meta.url))];
let folder: string;
let socket: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "skypipe-local-"));
  socket = localSocket({ SKYPIPE_CONFIG_DIR: folder });
});

afterEach(async () => {
  for (const pid of satellites()) process.kill(pid, "SIGKILL");
  await until("every satellite has gone", () => satellites().length === 0);
  rmSync(folder, { recursive: true, force: true });
});

/** The processes that were told to listen at this test's socket. */
function satellites(): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 1)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return words.includes("satellite") && words.includes(socket);
      } catch {
        return false;
      }
    });
}

async function othersGiveWay(): Promise<void> {
  await until("the others have given way", () => {
    const pids = satellites();
    const files = readdirSync(path.dirname(socket));
    if (pids.length !== 1) throw new Error(`${pids.join()} are there, with ${files.join()}`);
    return true;
  });
}

it("starts one that outlives the starter, in a folder that only its owner enters", async () => {
  await startLocal(command, socket);
  expect(await answers(socket)).toBe(true);
  expect(satellites()).toHaveLength(1);
  expect(statSync(path.dirname(socket)).mode & 0o777).toBe(0o700);
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  expect(satellites()).toEqual([publisher(socket)]);
});

it("twenty starters at once end with one", async () => {
  const starters = Array.from({ length: 20 }, () => startLocal(command, socket));
  await Promise.all(starters);
  await othersGiveWay();
  expect(satellites()).toEqual([publisher(socket)]);
  expect(await answers(socket)).toBe(true);
}, 60_000);

it("what a SIGKILL leaves is cleared by twenty starters at once, and they end with one", async () => {
  await startLocal(command, socket);
  const [killed = 0] = satellites();
  process.kill(killed, "SIGKILL");
  // A process that is being killed has no command line any more while its socket still answers.
  await until("it has gone", async () => !(await answers(socket)));
  expect(lstatSync(socket).isSymbolicLink()).toBe(true);

  await Promise.all(Array.from({ length: 20 }, () => startLocal(command, socket)));
  await othersGiveWay();
  expect(satellites()).toEqual([publisher(socket)]);
  const sockets = readdirSync(path.dirname(socket)).filter((name) =>
    lstatSync(path.join(path.dirname(socket), name)).isSocket(),
  );
  expect(sockets).toHaveLength(1);
}, 60_000);

providerSuite(
  () => ({
    provider: () => localProvider(command, { SKYPIPE_CONFIG_DIR: folder }),
    credentials: {},
    running: () => satellites().map(String),
    leftovers: () => satellites().map(String),
  }),
  { keepsBacklog: false, knowsBundle: false, keepsKeys: false },
);

it("says why it does not start", async () => {
  const broken = [process.execPath, "-e", "console.error('skypipe: it is broken'); process.exit(1)"];
  await expect(startLocal([...broken, "--"], socket)).rejects.toThrow(/did not start \(it is broken\)/);
}, 30_000);

it("two settings folders are two satellites, whose paths are short enough for a socket", () => {
  const long = path.join(folder, "x".repeat(120));
  const sockets = [folder, path.join(folder, "b"), long, `${long}y`].map((config) =>
    localSocket({ SKYPIPE_CONFIG_DIR: config }),
  );
  expect(new Set(sockets).size).toBe(4);
  for (const each of [...sockets, localSocket({})]) {
    expect(Buffer.byteLength(ownPath(each))).toBeLessThan(104);
  }
  expect(localSocket({ XDG_RUNTIME_DIR: folder })).toBe(path.join(folder, "skypipe", "socket"));
  expect(localSocket({ XDG_RUNTIME_DIR: "relative" })).not.toContain("relative");
});

it("a folder that others may enter is closed, and one that is not ours is refused", () => {
  const parent = path.dirname(socket);
  mkdirSync(parent);
  chmodSync(parent, 0o777);
  prepareFolder(socket);
  expect(statSync(parent).mode & 0o777).toBe(0o700);

  const elsewhere = path.join(folder, "link");
  symlinkSync(parent, elsewhere);
  expect(() => prepareFolder(path.join(elsewhere, "socket"))).toThrow(/belongs to somebody else/);
  expect(() => prepareFolder("/dev/null/no/socket")).toThrow(/cannot make the folder/);
});

/** Listens as a satellite would. */
async function listen(at: string): Promise<net.Server> {
  const server = net.createServer((connection) => connection.destroy());
  await new Promise<void>((resolve) => {
    server.listen(at, resolve);
  });
  return server;
}

it("of many that publish at once, one does", async () => {
  prepareFolder(socket);
  for (let round = 1; round <= 5; round++) {
    const own = Array.from({ length: 20 }, () => `${socket}-1-${Math.random().toString(16).slice(2, 8)}`);
    const servers = await Promise.all(own.map(listen));
    const published = await Promise.all(own.map((each) => publish(each, socket)));
    expect(published.filter(Boolean)).toHaveLength(1);
    expect(await answers(socket)).toBe(true);
    for (const server of servers) server.close(); // all gone: the next round begins with what they left
    expect(await answers(socket)).toBe(false);
  }
});

it("whoever is late gives way to a higher number", async () => {
  prepareFolder(socket);
  symlinkSync("socket-1-dead", `${socket}.7`);
  const [first, second] = [`${socket}-1-a`, `${socket}-1-b`];
  const servers = [await listen(first), await listen(second)];
  expect(await publish(first, socket)).toBe(true);
  expect(await publish(second, socket)).toBe(false);
  expect(readdirSync(path.dirname(socket)).filter((name) => /\.\d+$/.test(name))).toEqual(["socket.8"]);
  for (const server of servers) server.close();
});

it("a file that is no socket is not overwritten", async () => {
  prepareFolder(socket);
  writeFileSync(socket, "precious");
  await expect(publish(`${socket}-1-a`, socket)).rejects.toThrow(/is a file and not a socket/);
  expect(readFileSync(socket, "utf8")).toBe("precious");
});

it("leaves when it is idle and empty", async () => {
  prepareFolder(socket);
  const args = [...command.slice(1), "satellite", "--socket", socket, "--memory", "--idle-exit", "100ms"];
  const child: ChildProcess = spawn(command[0] ?? "", args, { stdio: "ignore" });
  await until("it has come and gone", () => child.exitCode !== null);
  expect(child.exitCode).toBe(0);
  expect(existsSync(socket)).toBe(false);
});
