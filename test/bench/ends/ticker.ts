/** A line every millisecond, `COUNT` of them, each with the time at which it was written: the clock of all processes here. */
import { writeSync } from "node:fs";

const count = Number(process.argv[2]);
const still = new Int32Array(new SharedArrayBuffer(4));
const padding = "x".repeat(80);

for (let tick = 0; tick < count; tick++) {
  Atomics.wait(still, 0, 0, 1);
  writeSync(1, `${String(process.hrtime.bigint()).padStart(19, "0")}${padding}\n`);
}
