/** Keeps the satellite running where there is no systemd: a small shell script that starts it again. */
import { spawn } from "node:child_process";
import path from "node:path";
import { readIfThere, writeWhole } from "./folder.ts";
import { endAll, processesWith } from "./processes.ts";
import { quoted, run } from "./run.ts";

/** How a line of the crontab ends that is ours. */
const CRON_MARK = "# skypipe satellite";

/**
 * Makes sure that a supervisor is there and runs what is there now.
 *
 * @param command of the satellite
 * @param boot the file in it that only the satellite has among its words
 */
export async function superviseAnew(root: string, command: readonly string[], boot: string): Promise<void> {
  const script = scriptIn(root);
  const text = scriptText(root, command);
  const isOther = readIfThere(script) !== text;
  if (isOther) writeWhole(script, text, 0o700);
  // A shell reads its script as it goes: one that runs another text is ended first.
  if (isOther) await endAll(processesWith(script));
  await endAll(processesWith(boot));
  if (processesWith(script).length > 0) return; // it starts the satellite again
  const options = { cwd: "/", detached: true, stdio: "ignore" } as const; // its own session outlives the login's
  spawn("/bin/sh", [script], options).unref();
}

/** Whether there was a supervisor or a satellite. */
export async function endSupervised(root: string, boot: string): Promise<boolean> {
  const supervisors = processesWith(scriptIn(root));
  await endAll(supervisors); // each ends its satellite
  const satellites = processesWith(boot);
  await endAll(satellites);
  return supervisors.length + satellites.length > 0;
}

export function supervisedLog(root: string): string {
  return readIfThere(path.join(root, "log")) ?? "";
}

export function hasCrontab(): boolean {
  return run("sh", ["-c", "command -v crontab"]).ok;
}

export function startsAtBoot(): boolean {
  return crontab().some(isOurs);
}

export function startAtBoot(root: string, isWanted: boolean): void {
  const lines = crontab();
  const others = lines.filter((line) => !isOurs(line));
  const ours = `@reboot /bin/sh ${quoted(scriptIn(root)).replaceAll("%", "\\%")} ${CRON_MARK}`;
  const next = isWanted ? [...others, ours] : others;
  if (next.join("\n") === lines.join("\n")) return;
  const text = next.map((line) => `${line}\n`).join("");
  const { ok, complaint } = next.length === 0 ? run("crontab", ["-r"]) : run("crontab", ["-"], text);
  if (!ok) throw new Error(`crontab refuses: ${complaint}`);
}

/** Its lines; none where there is no crontab. */
function crontab(): string[] {
  const { ok, out } = run("crontab", ["-l"]);
  const lines = ok ? out.split("\n") : [];
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function isOurs(line: string): boolean {
  return line.endsWith(CRON_MARK);
}

function scriptIn(root: string): string {
  return path.join(root, "supervise.sh");
}

/**
 * TERM ends it with its satellite. Exit 2 is what a satellite says that cannot be as it is, as when another one has its
 * folder: then there is nothing to supervise. The log is begun anew when it is a megabyte long.
 */
function scriptText(root: string, command: readonly string[]): string {
  return `#!/bin/sh
# Keeps a skypipe satellite running. skypipe reset removes it.
cd ${quoted(root)} || exit 1
umask 077
child=
trap '' HUP
touch log
sh -c 'while kill -0 "$1" 2>/dev/null; do
  sleep 10
  [ "$(wc -c <log)" -gt 1000000 ] && cp log log.old && : >log
done' skypipe-log "$$" &
stop() {
  trap '' TERM INT
  [ -n "$child" ] && kill "$child" 2>/dev/null && wait "$child"
  exit 0
}
trap stop TERM INT
while :; do
  ${command.map(quoted).join(" ")} >/dev/null 2>>log &
  child=$!
  wait "$child"
  status=$?
  child=
  [ "$status" -eq 2 ] && exit 2
  sleep 1 &
  wait "$!"
done
`;
}
