/** Puts the satellite on this host, and takes it away. */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Lock, tryLock } from "../../../satellite/store/files/lock.ts";
import type { Installation, Installed, Keeping, Listen } from "../messages.ts";
import {
  type Folder,
  makePrivate,
  readInstalled,
  readKeys,
  thisMachine,
  writeInstalled,
  writeKeys,
  writeWhole,
} from "./folder.ts";
import { isListening, listenerOf } from "./listening.ts";
import { endSupervised, startAtBoot, startsAtBoot, superviseAnew, supervisedLog } from "./supervisor.ts";
import { hasSystemd, lingers, removeUnit, startUnit, tryToLinger, unitLog } from "./systemd.ts";

/** Another computer may be at it: what it does takes less. */
const LOCK_MS = 90_000;
const LOCK_PAUSE_MS = 200;
const START_MS = 20_000;
const POLL_MS = 50;
/** Something else may be a satellite too, which slows down who comes with a wrong token. */
const OTHERS_POLL_MS = 1_000;

/** Makes sure that this bundle runs. What is buffered and the sessions are in its folder, and stay. */
export async function install(folder: Folder, wanted: Installation): Promise<void> {
  await locked(folder, async () => {
    const there = readInstalled(folder);
    if (there !== null && isSame(there, wanted) && (await isListening(folder, there.listen))) return;
    makePrivate(folder.root);
    makePrivate(path.dirname(folder.socket));
    putBundle(folder, wanted);
    if (wanted.listen !== null) makeToken(folder);
    const keeper = hasSystemd() ? "systemd" : "supervisor";
    const { version, sha256, listen } = wanted;
    const installed = {
      version,
      sha256,
      keeper,
      listen,
      machine: thisMachine(),
      hostname: os.hostname(),
    } as const;
    // From here on, whoever looks knows that there is something to go on with, or to take away.
    writeInstalled(folder, installed);
    const command = commandOf(folder, listen);
    if (keeper === "systemd") {
      await endSupervised(folder.root, bootIn(folder));
      startUnit(command);
      if (!lingers()) tryToLinger();
    } else {
      await superviseAnew(folder.root, command, bootIn(folder));
      if (wanted.usesCrontab) startAtBoot(folder.root, true);
    }
    await started(folder, installed);
    removeOldBundles(folder, wanted);
  });
}

/** Where another computer was faster, nothing is changed. */
export async function keep(folder: Folder, { keys, before }: Keeping): Promise<void> {
  await locked(folder, async () => {
    if (readInstalled(folder) === null)
      throw new Error("there is no satellite that the key could be kept with");
    const now = readKeys(folder);
    if (now === null || now === before) writeKeys(folder, keys);
  });
}

/** Whether there was anything. */
export async function destroy(folder: Folder): Promise<boolean> {
  if (!fs.existsSync(folder.root)) return removeUnit();
  await locked(folder, async () => {
    readInstalled(folder); // not that of another host
    removeUnit();
    await endSupervised(folder.root, bootIn(folder));
    if (startsAtBoot()) startAtBoot(folder.root, false);
    fs.rmSync(folder.socket, { force: true });
    fs.rmSync(folder.root, { recursive: true, force: true, maxRetries: 3 });
  });
  removeIfEmpty(folder.base);
  if (!folder.socket.startsWith(folder.base)) removeIfEmpty(path.dirname(folder.socket));
  return true;
}

/** One computer at a time. Whoever waits finds what the other one has made. */
async function locked(folder: Folder, change: () => Promise<void>): Promise<void> {
  const deadlineMs = performance.now() + LOCK_MS;
  let lock: Lock | null = null;
  while (lock === null) {
    makePrivate(folder.base); // whoever takes everything away takes it too
    lock = await tryLock(folder.base).catch(() => null);
    if (lock !== null) break;
    if (performance.now() > deadlineMs) throw new Error("another computer is setting it up: try again later");
    await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS * (0.5 + Math.random())));
  }
  try {
    await change();
  } finally {
    await lock.release();
  }
}

function isSame(there: Installed, wanted: Installation): boolean {
  return there.sha256 === wanted.sha256 && JSON.stringify(there.listen) === JSON.stringify(wanted.listen);
}

function bootIn({ root }: Folder): string {
  return path.join(root, "current", "boot.cjs");
}

function bundleIn({ root }: Folder, sha256: string): string {
  return path.join(root, "bundles", sha256.slice(0, 16));
}

function putBundle(folder: Folder, { sha256, files }: Installation): void {
  const bundle = bundleIn(folder, sha256);
  fs.mkdirSync(bundle, { recursive: true, mode: 0o700 });
  for (const { name, base64 } of files) {
    writeWhole(path.join(bundle, path.basename(name)), Buffer.from(base64, "base64"));
  }
  const current = path.join(folder.root, "current");
  const next = `${current}.${process.pid}~`;
  fs.rmSync(next, { force: true });
  fs.symlinkSync(path.relative(folder.root, bundle), next);
  fs.renameSync(next, current);
}

function removeOldBundles(folder: Folder, { sha256 }: Installation): void {
  const bundles = path.join(folder.root, "bundles");
  for (const name of fs.readdirSync(bundles)) {
    const other = path.join(bundles, name);
    if (other !== bundleIn(folder, sha256)) fs.rmSync(other, { recursive: true, force: true });
  }
}

function makeToken({ root }: Folder): void {
  const file = path.join(root, "token");
  if (!fs.existsSync(file)) writeWhole(file, `${randomBytes(32).toString("base64url")}\n`);
}

function commandOf(folder: Folder, listen: Listen | null): string[] {
  const data = ["--data", path.join(folder.root, "data")];
  const where =
    listen === null
      ? ["--socket", folder.socket]
      : ["--port", String(listen.port), "--token-file", path.join(folder.root, "token")];
  const name = listen === null ? [] : ["--answer-to", new URL(listen.url).hostname];
  return [process.execPath, bootIn(folder), ...where, ...name, ...data];
}

async function started(folder: Folder, { keeper, listen }: Installed): Promise<void> {
  const deadlineMs = performance.now() + START_MS;
  for (;;) {
    const listener = await listenerOf(folder, listen);
    if (listener === "ours") return;
    if (performance.now() > deadlineMs) {
      const log = keeper === "systemd" ? unitLog() : supervisedLog(folder.root);
      throw new Error(`the satellite does not start there: ${complaintIn(log)}`);
    }
    const pauseMs = listener === "others" ? OTHERS_POLL_MS : POLL_MS;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** The last line that is for people. */
function complaintIn(log: string): string {
  const lines = log.split("\n").filter((line) => line.startsWith("skypipe: "));
  return lines.at(-1)?.replace(/^skypipe: /, "") ?? "it gave no reason";
}

function removeIfEmpty(folder: string): void {
  try {
    fs.rmdirSync(folder);
  } catch {
    // somebody else has something in it
  }
}
