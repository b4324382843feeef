/** Reads stdin at so many bytes a second; says at the end how many there were. */
import { readSync } from "node:fs";

const bytesPerS = Number(process.argv[2]);
const block = Buffer.alloc(65_536);
const still = new Int32Array(new SharedArrayBuffer(4));
const startedMs = performance.now();
let total = 0;

for (let size = readSync(0, block); size > 0; size = readSync(0, block)) {
  total += size;
  const aheadMs = (total / bytesPerS) * 1_000 - (performance.now() - startedMs);
  if (aheadMs > 0) Atomics.wait(still, 0, 0, aheadMs);
}
process.stderr.write(`${total} bytes\n`);
