/**
 * Writes so many bytes of noise to stdout as the command does, and prints to stderr how that went. In between, a timer
 * ticks, unless the event loop is held up: after a while it makes the file TICKING.
 */
import { writeFileSync } from "node:fs";
import { exitCodeOf, sentenceOf } from "../../cli/commands/common/failure.ts";
import { openOutput } from "../../cli/terminal/output.ts";
import { noise } from "../support/bytes.ts";

const bytes = noise(Number(process.argv[2]), 1);
const output = openOutput(1);
const { TICKING } = process.env;
let ticks = 0;
setInterval(() => {
  if (++ticks === 25 && TICKING !== undefined) writeFileSync(TICKING, "");
}, 1);

try {
  for (let at = 0; at < bytes.length; at += 65_536) await output.write(bytes.subarray(at, at + 65_536));
  process.stderr.write(`${JSON.stringify({ exitCode: 0 })}\n`);
  process.exit();
} catch (error) {
  process.stderr.write(`${JSON.stringify({ exitCode: exitCodeOf(error), sentence: sentenceOf(error) })}\n`);
  process.exit();
}
