/**
 * What runs on the host, under its Node, from stdin: `build.ts` makes one file of it, and `program.ts` puts the request
 * behind it. It answers with one line, and leaves nothing of itself.
 */
import { statfsSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { ANSWER_MARK, type Answer, type HostReport, type Request } from "../messages.ts";
import { type Folder, folderOf, readInstalled, readKeys, readToken } from "./folder.ts";
import { destroy, install, keep } from "./install.ts";
import { isListening } from "./listening.ts";
import { hasCrontab, startsAtBoot } from "./supervisor.ts";
import { hasSystemd, lingers } from "./systemd.ts";

export async function answer(request: Request): Promise<void> {
  const said = await carryOut(request).catch(
    (error: unknown): Answer => ({
      ok: false,
      sentence: error instanceof Error ? error.message : String(error),
    }),
  );
  process.stdout.write(`\n${ANSWER_MARK}${JSON.stringify(said)}\n`, () => process.exit(0));
}

async function carryOut(request: Request): Promise<Answer> {
  const folder = folderOf(process.env);
  if (request.op === "install") await install(folder, request);
  if (request.op === "keep") await keep(folder, request);
  const existed = request.op === "destroy" && (await destroy(folder));
  return { ok: true, existed, report: await look(folder) };
}

async function look(folder: Folder): Promise<HostReport> {
  const installed = readInstalled(folder);
  const keeper = installed?.keeper ?? (hasSystemd() ? "systemd" : "supervisor");
  const listen = installed?.listen ?? null;
  const isSupervised = keeper === "supervisor";
  return {
    os: os.type(),
    arch: process.arch,
    node: process.version,
    user: os.userInfo().username,
    folder: folder.root,
    freeBytes: freeBytes(folder.base),
    keeper,
    lingers: !isSupervised && lingers(),
    hasCrontab: isSupervised && hasCrontab(),
    startsAtBoot: isSupervised && startsAtBoot(),
    socket: folder.socket,
    installed,
    listen,
    isRunning: installed !== null && (await isListening(folder, listen)),
    token: listen === null ? null : readToken(folder),
    keys: installed === null ? null : readKeys(folder),
  };
}

/** Of the file system in which the folder is or would be. */
function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    const parent = path.dirname(folder);
    return parent === folder ? 0 : freeBytes(parent);
  }
}
