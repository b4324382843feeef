/**
 * Writes so many bytes of noise to stdout as the command does, and prints to stderr how that went. In between, a timer
 * ticks: its longest pause says whether the event loop was held up.
 */
import { exitCodeOf, sentenceOf } from "../../cli/commands/common/failure.ts";
import { openOutput } from "../../cli/terminal/output.ts";
import { noise } from "../support/bytes.ts";

const bytes = noise(Number(process.argv[2]), 1);
const output = openOutput(1);
let ticks = 0;
setInterval(() => ticks++, 1);

try {
  for (let at = 0; at < bytes.length; at += 65_536) await output.write(bytes.subarray(at, at + 65_536));
  process.stderr.write(`${JSON.stringify({ ticks })}\n`);
  process.exit();
} catch (error) {
  process.stderr.write(`${JSON.stringify({ exitCode: exitCodeOf(error), sentence: sentenceOf(error) })}\n`);
  process.exit();
}
