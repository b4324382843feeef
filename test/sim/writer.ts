import type { Notice, SessionEvent } from "../../cli/client/effects.ts";
import { type Cut, LineCutter } from "../../satellite/wire/cutter.ts";
import { Flag } from "../../satellite/wire/frame.ts";
import { SimEnd } from "./end.ts";
import type { WriterPlan } from "./plan.ts";
import { Random } from "./random.ts";
import type { Wire } from "./wire.ts";
import type { World } from "./world.ts";

export const TOKEN_BYTES = 8;
const NEWLINE = 0x0a;

/** A process that writes. What it writes says, every eight bytes, whose it is and where it stands. */
export class WriterEnd extends SimEnd {
  readonly plan: WriterPlan;
  readonly #cutter: LineCutter = new LineCutter();
  #input: Buffer = Buffer.alloc(256);
  writtenBytes = 0;
  hasFinished = false;
  isInterrupted = false;
  hasAborted = false;
  safeBytes = 0;
  isPaused = false;
  outcome: { type: "finished" } | { type: "failed"; code: string; text: string } | null = null;
  outcomeMs = 0;
  /** It sends again all that is not safe, also what the satellite says that it has [W-1]. */
  readonly #sendsTwice: boolean;
  #outbox: Cut[] = [];
  #isAccepted = true;
  #at = 0;
  #unfinishedTokens = 0;
  #isThrough = false;
  /** What was written last is accepted: then comes the next. */
  #wantsNext = false;
  #isEnding = false;

  constructor(world: World, plan: WriterPlan, random: Random) {
    super(world, `w${plan.id}`, random);
    this.plan = plan;
    this.#sendsTwice = new Random(world.plan.seed, 500 + plan.id).chance(0.2);
  }

  /** What says no kind and has no bytes is text. */
  get isBinary(): boolean {
    return this.plan.kind === "binary" && (this.plan.tellsKind || this.plan.writes.length > 0);
  }

  get input(): Buffer {
    return this.#input.subarray(0, this.writtenBytes);
  }

  get isOver(): boolean {
    return this.isDead || this.outcome !== null || this.hasAborted;
  }

  override begin(): void {
    super.begin();
    const { pipe, kind, tellsKind, sync, ttlMs } = this.plan;
    this.do({
      type: "open",
      ref: 1,
      pipe,
      options: {
        name: this.name,
        ...(tellsKind && { kind }),
        ...(sync && { sync }),
        ...(ttlMs !== null && { ttlMs }),
      },
    });
    this.#next();
  }

  /** It has hung around: now it ends. */
  conclude(): void {
    this.whenRunning(() => {
      if (this.#isThrough) this.#finish(false);
      else this.#isEnding = true;
    });
  }

  noticed(notice: Notice): void {
    switch (notice.type) {
      case "accepted":
        this.#isAccepted = true;
        this.#flush();
        break;
      case "safe":
        if (notice.bytes > this.writtenBytes)
          this.world.model.violate("W-4", `${this.name}: more is safe than was written`);
        this.safeBytes = Math.max(this.safeBytes, notice.bytes);
        break;
      case "paused":
        this.isPaused = true;
        break;
      case "continued":
        this.isPaused = false;
        break;
      case "finished":
        this.#over({ type: "finished" });
        break;
      case "failed":
        this.#over({ type: "failed", code: notice.error.code, text: notice.error.message });
        break;
      default: // only readers are told of the rest
    }
  }

  gone(): void {
    this.world.log(() => `${this.name} is gone`);
  }

  override arrive(wire: Wire, event: SessionEvent): void {
    if (this.#sendsTwice && event.type === "message" && event.message.type === "opened") {
      const { safe } = event.message;
      super.arrive(wire, { ...event, message: { ...event.message, received: safe } });
    } else super.arrive(wire, event);
  }

  #over(outcome: NonNullable<WriterEnd["outcome"]>): void {
    this.outcome = outcome;
    this.outcomeMs = this.world.clock.nowMs;
    this.world.log(() => `${this.name}: ${JSON.stringify(outcome)} of ${this.writtenBytes} bytes`);
    this.world.model.writerIsOver(this);
    this.after(0, () => this.exit());
  }

  #next(): void {
    if (this.isOver) return;
    this.#wantsNext = false;
    const write = this.plan.writes[this.#at++];
    if (write === undefined) this.#through();
    else this.after(write.delayMs, () => this.#write(write.tokens, write.endsLine));
  }

  #write(tokens: number, endsLine: boolean): void {
    if (this.isOver) return;
    // A chunk must fit into the smallest window, also when the cutter puts some together.
    const tokensMax = this.world.plan.limits.windowBytesMin / TOKEN_BYTES / 2;
    const ends = endsLine || this.#unfinishedTokens + tokens >= tokensMax;
    this.#unfinishedTokens = ends ? 0 : this.#unfinishedTokens + tokens;
    const bytes = this.#compose(tokens, ends);
    if (this.isBinary) this.#outbox.push({ payload: bytes, flags: Flag.binary });
    else if (this.plan.isRaw) {
      const flags = ends ? Flag.boundary | Flag.line : this.random.chance(0.3) ? Flag.boundary : 0;
      this.#outbox.push({ payload: bytes, flags });
    } else {
      this.#outbox.push(...this.#cutter.push(bytes, this.world.clock.nowMs));
      this.#watchSilence();
    }
    this.#wantsNext = true;
    this.#flush();
  }

  #watchSilence(): void {
    const { deadlineMs } = this.#cutter;
    if (deadlineMs === null) return;
    this.after(deadlineMs - this.world.clock.nowMs, () => {
      if (this.isOver || this.hasFinished) return;
      this.#outbox.push(...this.#cutter.tick(this.world.clock.nowMs));
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#isAccepted || this.isOver) return;
    if (this.#outbox.length === 0) {
      if (this.#wantsNext) this.#next();
      return;
    }
    const cuts = this.#outbox;
    this.#outbox = [];
    this.#isAccepted = false;
    this.do({ type: "write", ref: 1, cuts });
  }

  #through(): void {
    if (this.#isThrough) return;
    this.#isThrough = true;
    switch (this.plan.ending) {
      case "eof":
        return this.#finish(false);
      case "interrupt":
        return this.isBinary ? this.#abort() : this.#finish(true);
      case "abort":
        return this.#abort();
      case "kill":
        return this.kill();
      case "hang":
        if (this.#isEnding) this.#finish(false);
    }
  }

  #finish(interrupted: boolean): void {
    if (this.isOver || this.hasFinished) return;
    this.hasFinished = true;
    this.isInterrupted = interrupted;
    const rest = [...this.#outbox, ...this.#cutter.end()];
    this.#outbox = [];
    if (rest.length > 0) this.do({ type: "write", ref: 1, cuts: rest });
    this.do({ type: "finish", ref: 1, interrupted });
  }

  #abort(): void {
    if (this.isOver) return;
    this.hasAborted = true;
    this.do({ type: "abort", ref: 1, reason: "it gave up" });
    this.after(this.random.below(100), () => this.exit());
  }

  #compose(tokens: number, endsLine: boolean): Buffer {
    const at = this.writtenBytes;
    const end = at + tokens * TOKEN_BYTES;
    if (end > this.#input.length) {
      const larger = Buffer.alloc(end * 2);
      this.#input.copy(larger);
      this.#input = larger;
    }
    for (let token = at; token < end; token += TOKEN_BYTES) {
      const index = (token / TOKEN_BYTES).toString(36).padStart(5, "0");
      this.#input.write(`${this.plan.id.toString(36).padStart(2, "0")}${index} `, token, "latin1");
    }
    if (endsLine) this.#input[end - 1] = NEWLINE;
    this.writtenBytes = end;
    return Buffer.from(this.#input.subarray(at, end));
  }
}
