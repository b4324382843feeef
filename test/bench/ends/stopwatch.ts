/** Reads the ticker's lines; puts out, as JSON, the microseconds that each was on its way, but for the first `SKIP`. */
import { readSync } from "node:fs";

const skip = Number(process.argv[2]);
const block = Buffer.alloc(65_536);
const timeBytes = 19;
const newline = 10;
const tookUs: number[] = [];
let rest: Uint8Array = Buffer.alloc(0);

for (let size = readSync(0, block); size > 0; size = readSync(0, block)) {
  const now = process.hrtime.bigint();
  const bytes = Buffer.concat([rest, block.subarray(0, size)]);
  let from = 0;
  for (let to = bytes.indexOf(newline); to >= 0; to = bytes.indexOf(newline, from)) {
    tookUs.push(Number(now - BigInt(bytes.toString("latin1", from, from + timeBytes))) / 1_000);
    from = to + 1;
  }
  rest = bytes.subarray(from);
}
process.stdout.write(JSON.stringify(tookUs.slice(skip)));
