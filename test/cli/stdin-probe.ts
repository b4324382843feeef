/** Prints, as JSON, what this process sees of its stdin. */
import { roleOfStdin, sourceOf } from "../../cli/terminal/stdin.ts";

process.stdout.write(`${JSON.stringify({ role: roleOfStdin(), ...sourceOf(0) })}\n`);
