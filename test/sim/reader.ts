import type { Notice } from "../../cli/client/effects.ts";
import type { StreamBegins } from "../../satellite/wire/messages.ts";
import { SimEnd } from "./end.ts";
import { Output } from "./output.ts";
import type { ReaderPlan } from "./plan.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

type Outcome = { type: "done"; aborted: boolean } | { type: "failed"; code: string; text: string };

/** A process that reads, and puts out what it gets at its own pace. */
export class ReaderEnd extends SimEnd {
  readonly plan: ReaderPlan;
  readonly output: Output;
  /** What the satellite knows of it. */
  readonly seen: {
    /** When it came, as the witness counts, and in milliseconds. */
    at: number;
    atMs: number;
    session: number;
    begun: Map<number, number>;
    /** It has left, or has been told that it failed. */
    isOver: boolean;
    /** When its connection was lost; null while there is one. */
    lostMs: number | null;
  } = { at: 0, atMs: 0, session: -1, begun: new Map(), isOver: false, lostMs: null };
  readonly isSweeper: boolean;
  outcome: Outcome | null = null;
  isLeaving = false;
  /** When it last had something to put out, in milliseconds. */
  lastPutMs = 0;
  #queue: { notice: Notice; reads: number }[] = [];
  #isBusy = false;
  #chunks = 0;
  readonly #onOver: (end: ReaderEnd) => void;

  constructor(
    world: World,
    plan: ReaderPlan,
    name: string,
    random: Random,
    onOver: (end: ReaderEnd) => void,
  ) {
    super(world, name, random);
    this.plan = plan;
    this.output = new Output(world, this);
    this.isSweeper = name.startsWith("sweeper");
    this.#onOver = onOver;
  }

  get isSpectator(): boolean {
    return this.plan.mode === "tap" || this.plan.mode === "peek";
  }

  get isOver(): boolean {
    return this.isDead || this.outcome !== null;
  }

  get isIdle(): boolean {
    return !this.#isBusy && this.#queue.length === 0;
  }

  override begin(): void {
    super.begin();
    const { pipe, mode, fresh, limitBytes } = this.plan;
    this.do({
      type: "read",
      ref: 1,
      pipe,
      options: { mode, ...(fresh && { fresh }), ...(limitBytes !== null && { limitBytes }) },
    });
  }

  leave(): void {
    this.whenRunning(() => {
      if (this.isOver || this.isLeaving) return;
      this.isLeaving = true;
      this.#queue = [];
      this.do({ type: "leave", ref: 1 });
      this.after(2_000, () => this.exit());
    });
  }

  noticed(notice: Notice): void {
    if (notice.type === "failed") {
      this.#over({ type: "failed", code: notice.error.code, text: notice.error.message });
      return;
    }
    if (this.isLeaving) {
      if (notice.type === "done") this.#over({ type: "done", aborted: notice.aborted });
      return;
    }
    this.#queue.push({ notice, reads: this.reads });
    if (!this.#isBusy) this.#pump();
  }

  gone(): void {
    this.#onOver(this);
  }

  /** Puts out what waits, one after the other. */
  #pump(): void {
    const next = this.#queue.shift();
    this.#isBusy = next !== undefined;
    if (next === undefined) return;
    const { notice, reads } = next;
    const isSlow = notice.type === "chunk" && this.plan.sinkMs > 0 && !this.world.isCalm;
    const act = (): void => {
      if (this.isOver || this.isLeaving) return;
      this.#put(notice, reads);
      if (!this.isOver && !this.isLeaving) this.#pump();
    };
    if (isSlow) this.after(this.random.below(this.plan.sinkMs + 1), act);
    else this.world.clock.after(0, () => this.whenRunning(act));
  }

  #put(notice: Notice, reads: number): void {
    const { output } = this;
    this.lastPutMs = this.world.clock.nowMs;
    switch (notice.type) {
      case "begin":
        return output.begins(notice.stream, reads);
      case "withdrawn":
        return output.withdrawn(notice.stream);
      case "gap":
        return output.gap(notice.stream, notice.from, notice.to);
      case "chunk":
        output.chunk(notice.stream, notice.chunk, reads);
        return this.#consumed(notice.stream, notice.chunk.end, false);
      case "end":
        output.ends(notice.stream, notice.offset, notice.cause);
        return this.#consumed(notice.stream, notice.offset, true);
      case "done":
        return this.#over({ type: "done", aborted: notice.aborted });
      default: // only writers are told of the rest
    }
  }

  /** It may be killed between its output and its ack. */
  #consumed(stream: StreamBegins, offset: number, end: boolean): void {
    const count = ++this.#chunks;
    if (this.plan.diesAfter === count && !this.world.isCalm) {
      if (this.random.chance(0.5)) this.kill();
      else this.after(0, () => this.kill());
      if (this.isDead) return;
    }
    this.do({ type: "consumed", ref: 1, stream, offset, end });
    if (this.plan.leavesAfter === count) this.leave();
  }

  #over(outcome: Outcome): void {
    this.outcome = outcome;
    this.world.log(() => `${this.name}: ${JSON.stringify(outcome)}`);
    this.world.model.readerIsOver(this);
    this.after(0, () => this.exit());
  }
}
