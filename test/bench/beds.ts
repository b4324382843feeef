/** The beds that are in use, so that a bench which is told to stop leaves nothing that runs, and no folder. */
import { constants } from "node:os";
import { Bed } from "../support/bed.ts";

const open = new Set<Bed>();

/** A bed for this long. */
export async function withBed<T>(work: (bed: Bed) => Promise<T>): Promise<T> {
  const bed = new Bed();
  open.add(bed);
  try {
    return await work(bed);
  } finally {
    await bed.close();
    open.delete(bed);
  }
}

/** From now on these signals end the process as they would, but what it has started goes first. */
export function clearOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      const closing = [...open].map(async (bed) => bed.close());
      void Promise.allSettled(closing).then(() => process.exit(128 + constants.signals[signal]));
    });
  }
}
