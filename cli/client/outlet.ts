import type { Chunk } from "../../satellite/wire/frame.ts";
import { limits } from "../../satellite/wire/limits.ts";
import type { EndMessage } from "../../satellite/wire/messages.ts";
import type { ConnectionId, Notice, Port, SessionEffect } from "./effects.ts";
import { Heartbeat } from "./liveness.ts";

/** Where the effects of a session come together: what goes out on the present connection, and to the application. */
export class Outlet implements Port {
  readonly address: string;
  readonly heartbeat: Heartbeat = new Heartbeat();
  /** The present connection, or the last one. */
  connection: ConnectionId = 0;
  ready = false;
  /** Time of the event that is being handled. */
  nowMs = 0;
  #effects: SessionEffect[] = [];
  /** Bytes given to the socket since it was last known to be drained. */
  #sentBytes = 0;
  #isWatched = false;

  constructor(address: string) {
    this.address = address;
  }

  get hasRoom(): boolean {
    return this.#sentBytes < limits.sendQueueBytesMax;
  }

  get pings(): number {
    return this.heartbeat.pings;
  }

  /** Takes what has come together. */
  take(): readonly SessionEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  add(effect: SessionEffect): void {
    this.#effects.push(effect);
  }

  /** Nothing waits in the socket, which may be a new one. */
  drained(): void {
    this.#sentBytes = 0;
    this.#isWatched = false;
  }

  send(message: EndMessage): void {
    if (this.ready) this.say(message);
  }

  /** Sends while hello is not yet answered, too. */
  say(message: EndMessage): void {
    this.add({ type: "send", connection: this.connection, message });
  }

  forward(chunk: Chunk): void {
    this.add({ type: "forward", connection: this.connection, chunk });
    this.#sentBytes += chunk.frame.length;
    if (this.hasRoom || this.#isWatched) return;
    this.#isWatched = true;
    this.add({ type: "watch", connection: this.connection });
  }

  ping(): number {
    const ping = ++this.heartbeat.pings;
    this.add({ type: "ping", connection: this.connection, ping });
    return ping;
  }

  hurry(): void {
    this.heartbeat.hurry(this.nowMs);
  }

  tell(notice: Notice): void {
    this.add({ type: "notice", notice });
  }
}
