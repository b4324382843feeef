/** `npm run mutations [-- --runs N] [-- --only NAME]`: breaks a copy of the sources on purpose, one way at a time; the simulation has to find each. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Where only one kind of store can show it. */
  readonly store?: "files" | "model";
  /** Where it takes a rare schedule. */
  readonly runs?: number;
}

const mutations: readonly Mutation[] = [
  {
    name: "take a writer's repeats as new",
    file: "satellite/pipe/stream.ts",
    find: "if (chunk.end <= this.head && (!isEmpty || !this.isRunning)) return false;",
    replace: "if (chunk.end <= this.head && !this.isRunning) return false;",
  },
  {
    name: "a reader does not drop what it has already",
    file: "cli/client/inflow.ts",
    find: "const isRepeated = chunk.end <= this.received && !(isFinal && chunk.end === chunk.offset);",
    replace: "const isRepeated = false;",
  },
  {
    name: "safe before it is durable",
    file: "satellite/pipe/flow.ts",
    find: "const durable = stream.stored?.durable ?? 0;",
    replace: "const durable = stream.stored?.to ?? 0;",
  },
  {
    name: "the end is safe before it is durable",
    file: "satellite/pipe/flow.ts",
    find: "if (isReadByAll || stream.stored?.endDurable) {",
    replace: "if (isReadByAll || stream.stored?.end) {",
  },
  {
    name: "forget readers in grace when computing what is safe",
    file: "satellite/pipe/stream.ts",
    find: "for (const cursor of this.cursors) min = Math.min(min, cursor.acked);",
    replace:
      "for (const cursor of this.cursors) if (cursor.reader.lostMs === null) min = Math.min(min, cursor.acked);\n    if (min === Number.POSITIVE_INFINITY) min = this.head;",
  },
  {
    name: "resend from what was acknowledged, whatever was received",
    file: "satellite/pipe/resume.ts",
    find: "else if (!cursor.isSkipping && !cursor.rewind(position?.received ?? cursor.acked, hasEnd)) {",
    replace: "else if (!cursor.isSkipping && !cursor.rewind(cursor.next, hasEnd)) {",
  },
  {
    name: "a writer resends from the wrong offset",
    file: "cli/client/unsafe.ts",
    find: "if (chunk.end > received || chunk.end === chunk.offset) break;",
    replace: "if (chunk.offset > received || chunk.end === chunk.offset) break;",
  },
  {
    name: "do not note that a stream is gone",
    file: "satellite/pipe/endings.ts",
    find: "for (const gone of [stream, stream.writer, ...stream.cursors, ...stream.hadBy.values()])",
    replace: "for (const gone of [stream.writer, ...stream.cursors, ...stream.hadBy.values()])",
  },
  {
    name: "notes after sends",
    file: "satellite/pipe/context.ts",
    find: 'return facts.length === 0 ? effects : [{ type: "note", facts }, ...effects];',
    replace: 'return facts.length === 0 ? effects : [...effects, { type: "note", facts }];',
    store: "model",
    runs: 40_000,
  },
  {
    name: "offer what others leave to nobody who waits",
    file: "satellite/pipe/endings.ts",
    find: "if (!reader.isSpectator) match(ctx, reader.pipe); // a reservation may have ended with it [L-10]",
    replace: "",
  },
  {
    name: "reorder on resume",
    file: "satellite/pipe/chunk-queue.ts",
    find: "if (last?.offset === offset) return last;",
    replace: "if (last !== undefined && last.offset >= offset) return last;",
  },
  {
    name: "lose the FINAL when it is released",
    file: "satellite/pipe/chunk-queue.ts",
    find: "if (hasFlag(next, Flag.final) && !final) break;",
    replace: "",
  },
  {
    name: "ignore that a line is unfinished",
    file: "satellite/pipe/pump.ts",
    find: "const holds = !isFinal && (stream.isBinary || !hasFlag(chunk, Flag.boundary));",
    replace: "const holds = !isFinal && stream.isBinary;",
  },
  {
    name: "take over from what was acknowledged instead of the line's start",
    file: "satellite/pipe/marks.ts",
    find: "if (acked - this.#line <= reachBytes) return this.#line;",
    replace: "if (acked - this.#line <= reachBytes) return acked;",
  },
  {
    name: "let a newcomer take what a reader in grace holds at once",
    file: "satellite/pipe/join.ts",
    find: "return ctx.nowMs >= lastLostMs + ctx.limits.takeoverMs ? Standing.orphaned : Standing.fading;",
    replace: "return Standing.free;",
  },
  {
    name: "deliver what `one` has taken to plain readers too",
    file: "satellite/pipe/offer.ts",
    find: ": standing === Standing.live && stream.isTakenWhole;",
    replace: ": false;",
  },
  {
    name: "text that opens does not join a merge",
    file: "satellite/pipe/reader.ts",
    find: 'return this.#phase === Phase.merge || (this.#phase === Phase.waiting && this.mode === "plain");',
    replace: 'return this.mode === "follow" || (this.#phase === Phase.waiting && this.mode === "plain");',
  },
  {
    name: "store without looking for room",
    file: "satellite/pipe/room.ts",
    find: "return this.#usedBytes + bytes <= this.maxBytes * share;",
    replace: "return this.#usedBytes + bytes <= this.maxBytes * share * 2;",
  },
  {
    name: "tell of an abort as of an end",
    file: "cli/client/incoming.ts",
    find: 'cause: "aborted",',
    replace: 'cause: "eof",',
  },
  {
    name: "forget an expired session",
    file: "satellite/pipe/sessions.ts",
    find: "const known = { ref, stream: stream.id, received: stream.head };",
    replace: "const known = { ref, stream: stream.id, received: 0 };",
  },
  {
    name: "skip the sync of the segment",
    file: "satellite/store/files/commits.ts",
    find: "await file.sync();",
    replace: "",
    store: "files",
  },
  {
    name: "skip the sync of the journal",
    file: "satellite/store/files/journal-file.ts",
    find: "    const { end } = this;\n    await this.#file.sync();\n",
    replace: "    const { end } = this;\n",
    store: "files",
  },
];

const { values } = parseArgs({
  options: { runs: { type: "string", default: "20000" }, only: { type: "string" } },
});
const root = fileURLToPath(new URL("../..", import.meta.url));
const chosen = mutations.filter(({ name }) => values.only === undefined || name.includes(values.only));
let missed = 0;
for (const mutation of chosen) {
  const found = await tryOne(mutation);
  if (found === null) missed++;
  console.log(`${found === null ? "MISSED" : "caught"}  ${mutation.name.padEnd(64)} ${found ?? ""}`);
}
console.log(`${chosen.length - missed} of ${chosen.length} caught`);
if (missed > 0) process.exitCode = 1;

/** What the simulation says of it; null: nothing. */
async function tryOne({ file, find, replace, store, runs }: Mutation): Promise<string | null> {
  const copy = mkdtempSync(path.join(tmpdir(), "skypipe-mutation-"));
  try {
    for (const part of ["satellite", "cli/client", "test/sim", "test/support/sim-disk.ts", "package.json"]) {
      cpSync(path.join(root, part), path.join(copy, part), { recursive: true });
    }
    symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"), "junction");
    const target = path.join(copy, file);
    const source = readFileSync(target, "utf8");
    if (source.split(find).length !== 2) throw new Error(`${file} does not have once: ${find}`);
    writeFileSync(
      target,
      source.replace(find, () => replace),
    );
    const schedules = String(Math.max(Number(values.runs), runs ?? 0));
    const args = ["--runs", schedules, "--quick", ...(store === undefined ? [] : ["--store", store])];
    const child = spawn(process.execPath, ["--import", "tsx", path.join(copy, "test/sim/main.ts"), ...args], {
      cwd: copy,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.on("data", (bytes: Buffer) => {
      text += bytes.toString();
    });
    await once(child, "close");
    const line = text.split("\n").find((each) => each.startsWith("seed "));
    return line === undefined ? null : line.slice(0, 100);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
