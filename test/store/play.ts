/** Plays the lives of a store on a disk that crashes, and holds it to the model all the time. */
import assert from "node:assert/strict";
import { DOUBT } from "../../satellite/store/files/directory.ts";
import { asError } from "../../satellite/store/files/disk.ts";
import { FilesStore } from "../../satellite/store/files/files.ts";
import type { Sizes } from "../../satellite/store/files/sizes.ts";
import type { Fact } from "../../satellite/wire/fact.ts";
import { Flag } from "../../satellite/wire/frame.ts";
import { failure, type Random, SimDisk } from "../support/sim-disk.ts";
import { randomFrom } from "../wire/fuzz.ts";
import { Model, type ModelStream, plain } from "./model.ts";

export interface Weather {
  /** The computer dies, and not only the process. */
  readonly power: boolean;
  /** The disk fills up and empties, and fails. */
  readonly faults: boolean;
}

/** How a life ends. */
type Ending = "closed" | "stopped" | "crashed";

export class Play {
  readonly disk: SimDisk;
  readonly #random: Random;
  readonly #model: Model = new Model();
  readonly #weather: Weather;
  readonly #sizes: Sizes;
  /** In this life, or in one before it that has not recovered. */
  #hadTrouble = false;
  #hadPowerLoss = false;
  #problem: Error | null = null;
  #life = 0;

  constructor(seed: number, weather: Weather) {
    this.#random = randomFrom(seed);
    this.disk = new SimDisk({ random: this.#random });
    this.#weather = weather;
    this.#sizes = smallSizes((bound) => this.#below(bound));
  }

  async run(): Promise<void> {
    for (let lives = 2 + this.#below(4); lives > 0; lives--) {
      const crash = new Promise<Ending>((resolve) => {
        this.disk.onCrash = () => resolve("crashed");
      });
      if (lives > 1) this.disk.operationsLeft = this.#below(this.#below(2) === 0 ? 40 : 600);
      const ending = await Promise.race([this.#live(lives === 1), crash]);
      if (this.#problem !== null) throw this.#problem;
      if (ending === "closed") this.#model.closed();
      // Whoever comes after a failed sync and a kill knows only from a file that what it reads may not be on disk.
      const isUntold = this.disk.hasFailedToSync && !this.disk.sizes().has(DOUBT);
      const power = (this.#weather.power && this.#below(3) > 0) || isUntold;
      this.#hadPowerLoss ||= power;
      this.disk.crash(power);
      this.#life++;
    }
  }

  async #live(isLast: boolean): Promise<Ending> {
    this.#clear();
    const store = new FilesStore(this.disk.open(), this.#sizes);
    const life = this.#life;
    store.onDurable = (stream, offset, end) => {
      if (life === this.#life) this.#check(() => this.#model.durable(stream, offset, end));
    };
    store.onTrouble = (trouble) => {
      this.#hadTrouble ||= trouble !== null;
    };
    const recovered = await store.recover();
    await this.#model.recovered(store, recovered, !this.#hadPowerLoss && !this.#hadTrouble);
    this.#hadTrouble = false;
    this.#hadPowerLoss = false;
    for (let steps = this.#below(150); steps > 0; steps--) {
      if (life !== this.#life || this.disk.isCrashed) return "crashed";
      this.#step(store);
      for (let hops = this.#below(30); hops > 0; hops--) await Promise.resolve();
      if (this.#problem !== null) throw this.#problem;
    }
    if (!isLast && this.#below(3) > 0) return "stopped";
    this.#clear();
    await store.close();
    return "closed";
  }

  #step(store: FilesStore): void {
    const alive = this.#model.alive;
    const stream = alive[this.#below(alive.length)];
    const dice = this.#below(20);
    if (stream === undefined || dice === 0) this.#create(store);
    else if (dice < 8) this.#append(store, stream);
    else if (dice < 11) this.#release(store, stream);
    else if (dice === 11) this.#remove(store, stream);
    else if (dice < 15) this.#note(store);
    else if (dice < 18) this.#read(store, stream);
    else if (this.#weather.faults) this.#changeWeather();
  }

  #create(store: FilesStore): void {
    store.create({ id: this.#model.create(), pipe: "", openedMs: 0 });
  }

  #append(store: FilesStore, stream: ModelStream): void {
    for (let count = 1 + this.#below(4); count > 0 && !stream.isFinal; count--) {
      const isFinal = this.#below(12) === 0;
      const bytes = Buffer.alloc(this.#below(120) + (isFinal ? 0 : 1), this.#below(256));
      const hasNothing = stream.chunks.length === 0 || stream.released >= stream.to;
      const gap = hasNothing && this.#below(3) === 0 ? this.#below(1_000) : 0;
      store.append(this.#model.append(stream, isFinal ? Flag.final : this.#below(2), bytes, gap));
    }
  }

  #release(store: FilesStore, stream: ModelStream): void {
    const all = this.#below(4) === 0;
    const offset = all ? stream.to : this.#below(stream.to + 1);
    stream.released = Math.max(stream.released, offset);
    store.release(stream.id, offset);
  }

  #remove(store: FilesStore, stream: ModelStream): void {
    this.#model.remove(stream);
    store.remove(stream.id);
    if (!this.disk.isCrashed) this.#model.returned();
  }

  #note(store: FilesStore): void {
    const facts: Fact[] = [];
    for (let count = this.#below(4); count > 0; count--) {
      const value = this.#below(3) === 0 ? null : { text: "é\n".repeat(this.#below(20)), n: this.#below(9) };
      facts.push({ key: `key ${this.#below(8)}`, value });
    }
    store.note(this.#model.note(facts));
    if (!this.disk.isCrashed) this.#model.returned();
  }

  /** A read may see what comes later, and may miss what is let go meanwhile. */
  #read(store: FilesStore, stream: ModelStream): void {
    const readable = this.#model.readable(stream);
    const from = this.#below(readable.length + 1);
    const offset = (readable[from]?.offset ?? stream.to) + (this.#below(10) === 0 ? 1 : 0);
    const bytesMax = this.#below(500);
    const fits = (end: number, index: number): boolean => index === 0 || end - offset <= bytesMax;
    const now =
      readable[from]?.offset === offset ? readable.slice(from).filter(({ end }, i) => fits(end, i)) : [];
    const { released } = stream;
    store.read(stream.id, offset, bytesMax).then(
      (chunks) =>
        this.#check(() => {
          const given = stream.chunks.map(({ chunk }) => chunk);
          const start = given.findIndex((chunk) => chunk.offset === offset);
          const later = start === -1 ? [] : given.slice(start).filter(({ end }, i) => fits(end, i));
          assert.deepEqual(plain(chunks), plain(later.slice(0, chunks.length)));
          const isSame = stream.removed === null && stream.released === released && !this.#weather.faults;
          if (isSame) assert.ok(chunks.length >= now.length, `stream ${stream.id}: a read missed a chunk`);
        }),
      (error: unknown) => {
        if (!this.#weather.faults || !String(error).includes("EIO")) this.#problem ??= asError(error);
      },
    );
  }

  #changeWeather(): void {
    this.#clear();
    const used = [...this.disk.sizes().values()].reduce((sum, bytes) => sum + bytes, 0);
    if (this.#below(2) === 0) this.disk.spaceBytes = used + this.#below(400);
    if (this.#below(2) === 0) {
      const parts = 2 + this.#below(10);
      this.disk.fault = () => (this.#below(parts) === 0 ? failure("EIO", "the disk fails") : null);
    }
  }

  #clear(): void {
    this.disk.spaceBytes = Number.POSITIVE_INFINITY;
    this.disk.fault = () => null;
  }

  /** What fails in a callback of the store must not be taken for a failure of the disk. */
  #check(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#problem ??= asError(error);
    }
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }
}

/** Small, so that segments, journals and batches end all the time. */
function smallSizes(below: (bound: number) => number): Sizes {
  return {
    segmentBytes: 200 + below(2_000),
    batchBytes: 100 + below(1_000),
    turnBytes: 50 + below(500),
    extentBytes: 30 + below(600),
    gapBytes: below(200),
    journalBytes: 100 + below(2_000),
    journalStepBytes: below(300),
    deadBytes: below(2_000),
    moveBytes: 50 + below(500),
    reserveBytes: below(500),
    openFiles: 1 + below(4),
  };
}
