/**
 * Takes messages one after the other, where one may have to wait: those behind it wait as well, and nothing more is read.
 * What is held meanwhile is what one read of the socket gave.
 */
export class Turnstile<Message> {
  readonly #take: (message: Message) => Promise<void> | null;
  readonly #flow: { pause(): void; resume(): void };
  #held: Message[] | null = null;

  /** @param take never throws; resolves when the next may come, `null`: at once */
  constructor(take: (message: Message) => Promise<void> | null, flow: { pause(): void; resume(): void }) {
    this.#take = take;
    this.#flow = flow;
  }

  push(message: Message): void {
    if (this.#held !== null) {
      this.#held.push(message);
      return;
    }
    const wait = this.#take(message);
    if (wait !== null) void this.#hold(wait);
  }

  async #hold(first: Promise<void>): Promise<void> {
    const held: Message[] = [];
    this.#held = held;
    this.#flow.pause();
    await first;
    // More may come while these are taken: they are behind them.
    for (const message of held) await this.#take(message);
    this.#held = null;
    this.#flow.resume();
  }
}
