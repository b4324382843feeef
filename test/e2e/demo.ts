/**
 * `npm start`: the four lines of DESIGN.md as real processes on this computer, through a satellite that lives as
 * long as the demonstration. Everything is verified; it exits 0 only if all of it was as it should be.
 */
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Bed, command } from "../support/bed.ts";
import { MiB, numberedLines, sha256 } from "../support/bytes.ts";
import type { Proc } from "../support/proc.ts";
import { until, within } from "../support/until.ts";

const boundMs = 60_000;
const colours = process.stdout.isTTY && !process.env.NO_COLOR;

const bold = (text: string): string => (colours ? `\u001B[1m${text}\u001B[0m` : text);
const green = (text: string): string => (colours ? `\u001B[32m${text}\u001B[0m` : text);
const red = (text: string): string => (colours ? `\u001B[31m${text}\u001B[0m` : text);

function say(text = ""): void {
  process.stdout.write(`${text}\n`);
}

function ok(text: string): void {
  say(`   ${green("ok")}      ${text}`);
}

function check(what: string, holds: boolean): void {
  if (!holds) throw new Error(`This does not hold: ${what}`);
}

function mib(bytes: number): string {
  return `${(bytes / MiB).toFixed(1)} MiB`;
}

/** Runs a line as a person would type it, and shows it. */
function type(bed: Bed, place: string, line: string, folder = "."): Proc {
  say(`   ${place.padEnd(7)} ${bold(`$ ${line}`)}`);
  return bed.shell(line, { cwd: bed.path(folder) });
}

async function fileAcross(bed: Bed): Promise<void> {
  say("\n1. A file, compressed where it arrives. The reader comes first, but need not.");
  const content = readFileSync(process.execPath).subarray(0, 12 * MiB);
  writeFileSync(bed.path("there/file"), content);

  const here = type(bed, "here", "skypipe | gzip -9 -c > out.gz", "here");
  await bed.pipe("", { readers: 1 });
  const there = type(bed, "there", "cat file | skypipe", "there");
  await there.exits(0);
  await here.exits(0);

  const packed = readFileSync(bed.path("here/out.gz"));
  const hash = sha256(gunzipSync(packed));
  check("out.gz holds the file", hash === sha256(content));
  ok(`${mib(content.length)} arrived as ${mib(packed.length)} of gzip; unpacked, SHA-256 is the file's:`);
  say(`           ${hash}`);
}

async function logsTogether(bed: Bed): Promise<void> {
  say("\n2. Logs of many machines in one place, each line whole, and on a laptop at the same time.");
  const hosts = ["web", "db", "mail"];
  for (const host of hosts) writeFileSync(bed.path(`${host}/x.log`), `${host} is up\n`);
  const text = (): string => readFileSync(bed.path("here/aggregate"), "utf8");

  const aggregate = type(bed, "here", "skypipe logs > aggregate", "here");
  await bed.pipe("logs", { readers: 1 });
  const tails = hosts.map((host) => type(bed, host, "tail -f x.log | skypipe logs", host));
  await until("the first line of each is there", () =>
    hosts.every((host) => text().includes(`${host} is up\n`)),
  );
  const laptop = type(bed, "laptop", "skypipe logs", "laptop");
  await bed.pipe("logs", { readers: 2 });

  const lines = hosts.map((host) => numberedLines(host, 3_000));
  for (let from = 0; from < 3_000; from += 300) {
    for (const [index, host] of hosts.entries()) {
      appendFileSync(bed.path(`${host}/x.log`), lines[index]?.slice(from, from + 300).join("") ?? "");
    }
  }
  const bytes = lines.flat().join("").length;
  await laptop.putsBytes(bytes);
  await until("the aggregate is complete", () => text().length >= bytes);
  for (const tail of tails) process.kill(-tail.pid, "SIGINT");
  say(`   ${"all".padEnd(7)} Ctrl-C`);
  await aggregate.exits(0);
  await laptop.exits(0);

  const got = laptop.out.match(/.*\n/g) ?? [];
  for (const [index, host] of hosts.entries()) {
    const own = got.filter((line) => line.startsWith(`${host} `));
    check(`every line of ${host} arrived once, whole and in order`, own.join("") === lines[index]?.join(""));
  }
  check("both readers have the same", text().endsWith(laptop.out));
  ok(`${got.length} lines of ${hosts.length} machines: none broken, lost, doubled or out of order`);
}

async function filesInTurn(bed: Bed): Promise<void> {
  say("\n3. A queue of files. Nobody has to be there when they are put in.");
  copyFileSync(command, bed.path("there/a"));
  writeFileSync(bed.path("there/b"), readFileSync(process.execPath).subarray(-3 * MiB));

  await type(bed, "there", "cat a | skypipe files; cat b | skypipe files", "there").exits(0);
  await type(bed, "here", "skypipe files > a; skypipe files > b", "here").exits(0);

  for (const name of ["a", "b"]) {
    const [sent, got] = ["there", "here"].map((place) => readFileSync(bed.path(`${place}/${name}`)));
    check(`file ${name} is the same`, sent !== undefined && got !== undefined && sent.equals(got));
    ok(`${name}: ${got?.length} bytes, SHA-256 ${sha256(got ?? "").slice(0, 16)}… on both sides`);
  }
}

async function trigger(bed: Bed): Promise<void> {
  say("\n4. A trigger. It waits until somebody, somewhere, lets it go.");
  const here = type(bed, "here", "skypipe trigger; echo go", "here");
  await bed.pipe("trigger", { readers: 1 });
  check("it waits", here.running && here.out === "");
  await type(bed, "there", "echo | skypipe trigger", "there").exits(0);

  check("it was released", (await here.exits(0)).out === "\ngo\n");
  ok('it waited, and said "go" when it was told');
}

function whatNext(): void {
  say(`
${bold("What to type next")}, in two terminals of this folder:
     npx skypipe                     waits for the other end; the first time it asks where the satellite
                                     is to live: "local" is this computer
     echo hello | npx skypipe        says hello to it
     npx skypipe --help              everything else`);
}

async function demonstrate(bed: Bed): Promise<void> {
  for (const place of ["here", "there", "laptop", "web", "db", "mail"]) mkdirSync(bed.path(place));
  const { proc, url } = await bed.satellite();
  say(`skypipe: the four lines, with real processes and files, through a satellite at ${url}`);
  await fileAcross(bed);
  await logsTogether(bed);
  await filesInTurn(bed);
  await trigger(bed);
  await bed.pipe("", { streams: 0, readers: 0, writers: 0 });
  check("nothing is left in any pipe", (await bed.list()).length === 0);
  proc.kill("SIGTERM");
  await proc.exits(0);
}

const beganMs = performance.now();
const bed = new Bed();
process.once("SIGINT", () => {
  void bed.close().finally(() => process.exit(130));
});
try {
  await within("the end of the demonstration", demonstrate(bed), boundMs);
  say(
    `\n${green("All four lines did what they say")}, in ${((performance.now() - beganMs) / 1_000).toFixed(1)} s.`,
  );
  whatNext();
} catch (error) {
  say(`\n   ${red("failed")}  ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await bed.close();
}
