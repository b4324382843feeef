/** Reads stdin as the command does. `slowly`: takes nothing for a while; `close`: closes while a read waits. */
import { createHash } from "node:crypto";
import { openInput } from "../../cli/terminal/input.ts";

const [how] = process.argv.slice(2);
const input = openInput({ fd: 0, kind: "stream" });

if (how === "close") {
  const reading = input.read();
  input.close();
  process.stdout.write((await reading) === null ? "closed\n" : "not closed\n");
  process.exit();
}

if (how === "slowly") {
  // As many rounds of the event loop as it takes the kernel to have nothing new.
  for (let round = 0; round < 2000; round++) await new Promise((resolve) => setImmediate(resolve));
  let queued = 0;
  let block = await input.read();
  while (block !== null) {
    queued += block.length;
    const next = input.read();
    block = await Promise.race([next, new Promise<null>((resolve) => process.nextTick(resolve, null))]);
  }
  process.stdout.write(`${queued}\n`);
  process.exit();
}

const hash = createHash("sha256");
let bytes = 0;
for (let block = await input.read(); block !== null; block = await input.read()) {
  hash.update(block);
  bytes += block.length;
  input.giveBack(block);
}
process.stdout.write(`${bytes} ${hash.digest("hex")}\n`);
