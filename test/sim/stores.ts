import { FilesStore } from "../../satellite/store/files/files.ts";
import type { Sizes } from "../../satellite/store/files/sizes.ts";
import { MemoryStore } from "../../satellite/store/memory.ts";
import type { Store, Trouble } from "../../satellite/store/store.ts";
import { failure, SimDisk } from "../support/sim-disk.ts";
import type { Clock } from "./clock.ts";
import { Medium, ModelStore } from "./model-store.ts";
import type { StoreKind } from "./plan.ts";
import type { Random } from "./random.ts";

/** What stays of a store when its process goes, and opens it again. */
export interface StoreHost {
  /** Its answers come by promises: whoever calls it lets them run. */
  readonly isAsync: boolean;
  readonly hasTrouble: boolean;
  open(): Store;
  kill(power: boolean): void;
  /** It was closed in order. */
  closed(): void;
  trouble(trouble: Trouble | null): void;
}

export function hostOf(kind: StoreKind, clock: Clock, random: Random, onTurn: () => void): StoreHost {
  if (kind === "model") return new ModelHost(clock, random);
  return kind === "files" ? new FilesHost(clock, random, onTurn) : new MemoryHost();
}

class MemoryHost implements StoreHost {
  readonly isAsync = false;
  readonly hasTrouble = false;

  open(): Store {
    return new MemoryStore();
  }

  kill(): void {}
  closed(): void {}
  trouble(): void {}
}

class ModelHost implements StoreHost {
  readonly isAsync = false;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #medium: Medium = new Medium();
  #store: ModelStore | null = null;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  get hasTrouble(): boolean {
    return this.#medium.trouble !== null;
  }

  open(): Store {
    this.#store?.kill(); // it was still being closed
    this.#store = new ModelStore(this.#medium, this.#clock, this.#random);
    return this.#store;
  }

  kill(power: boolean): void {
    this.#store?.kill();
    this.#store = null;
    if (power) this.#medium.losePower(this.#random);
  }

  closed(): void {
    this.#store = null;
  }

  trouble(trouble: Trouble | null): void {
    this.#medium.trouble = trouble;
  }
}

/** Everything small, so that segments are sealed, moved and deleted all the time. */
const SMALL = [
  { segmentBytes: 512, batchBytes: 256, turnBytes: 64, extentBytes: 256, gapBytes: 64, journalBytes: 1_024 },
  {
    segmentBytes: 4_096,
    batchBytes: 4_096,
    turnBytes: 1_024,
    extentBytes: 1_024,
    gapBytes: 256,
    journalBytes: 8_192,
  },
];
const REST_MS = 100;

class FilesHost implements StoreHost {
  readonly isAsync = true;
  readonly #random: Random;
  readonly #disk: SimDisk;
  readonly #sizes: Sizes;
  #trouble: Trouble | null = null;

  constructor(clock: Clock, random: Random, onTurn: () => void) {
    this.#random = random;
    const slownessMs = random.pick([0, 1, 4]);
    this.#sizes = {
      journalStepBytes: 1_024,
      deadBytes: random.pick([256, 8_192]),
      moveBytes: 512,
      reserveBytes: 512,
      openFiles: 4,
      ...random.pick(SMALL),
    };
    this.#disk = new SimDisk({
      random: () => random.next(),
      later: () =>
        new Promise((resolve) => {
          const restMs = this.#trouble === null ? 0 : REST_MS; // what is tried again is not tried at once
          clock.after(random.below(slownessMs + 1) + restMs, () => {
            onTurn();
            resolve();
          });
        }),
    });
    this.#disk.fault = (operation) => {
      const isHit = operation === "write" || operation === "sync" || operation === "write now";
      if (this.#trouble !== "failing" || !isHit) return null;
      return this.#random.chance(0.7) ? failure("EIO", "simulated") : null;
    };
  }

  get hasTrouble(): boolean {
    return this.#trouble !== null;
  }

  open(): Store {
    if (!this.#disk.isCrashed) this.#disk.crash(false); // it may be still being closed
    return new FilesStore(this.#disk.open(), this.#sizes);
  }

  kill(power: boolean): void {
    this.#disk.crash(power);
  }

  closed(): void {}

  trouble(trouble: Trouble | null): void {
    this.#trouble = trouble;
    const usedBytes = [...this.#disk.sizes().values()].reduce((sum, bytes) => sum + bytes, 0);
    this.#disk.spaceBytes =
      trouble === "full" ? usedBytes + this.#random.below(512) : Number.POSITIVE_INFINITY;
  }
}
