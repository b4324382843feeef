/** Loaded before a program under test: at SIGUSR2 it collects garbage and leaves in SKYPIPE_TEST_HEAP what is in use, as JSON. */
import { renameSync, writeFileSync } from "node:fs";

const file = process.env.SKYPIPE_TEST_HEAP ?? "";

function tell(): void {
  writeFileSync(`${file}.new`, JSON.stringify(process.memoryUsage()));
  renameSync(`${file}.new`, file); // never half of it
}

// What the first collection frees beside the heap is given back behind its back.
process.on("SIGUSR2", () => {
  globalThis.gc?.();
  setTimeout(() => {
    globalThis.gc?.();
    tell();
  }, 100);
});
tell(); // from now on the signal does not end it
