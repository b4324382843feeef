/** The list of pipes as events, for whoever watches it [H-18]. */
import type { ServerResponse } from "node:http";
import { WireError } from "../wire/errors.ts";
import type { Limits } from "../wire/limits.ts";
import type { PipeRow } from "../wire/messages.ts";
import { HEADERS } from "./answer.ts";
import { dataOf, EVENT_HEADERS, NO_EVENT } from "./events.ts";
import type { Log } from "./log.ts";

/** A list may take a tenth of the time. */
const REST_FACTOR = 10;
/** What a proxy on the way takes for dead is silent for longer. */
const SILENT_MS = 15_000;

/** What the feed needs of a response. */
export type FeedResponse = Pick<
  ServerResponse,
  "once" | "writeHead" | "flushHeaders" | "write" | "end" | "writableNeedDrain"
>;

/** A list as it is told, and without what changes by itself. */
interface Told {
  readonly state: string;
  readonly event: string;
}

interface Watcher {
  readonly response: FeedResponse;
  /** The state that it was told last. */
  seen: string;
  saidMs: number;
}

export interface FeedParts {
  readonly list: () => Promise<PipeRow[]>;
  readonly limits: Pick<Limits, "feedsMax" | "feedMs">;
  readonly log: Log;
  /** `false` when the satellite is about to stop. */
  readonly isOpen: () => boolean;
}

/** One list for all of them, as often as one may be made, while there is somebody. */
export class ListFeed {
  readonly #parts: FeedParts;
  readonly #watchers: Set<Watcher> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #isTurning = false;
  /** The newest list, while somebody watches. */
  #newest: Told | null = null;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** Tells `response` what is there, and what changes, until its client goes. Throws WireError `limit`. */
  watch(response: FeedResponse): void {
    const { feedsMax } = this.#parts.limits;
    if (this.#watchers.size >= feedsMax) {
      throw new WireError("limit", `${feedsMax} clients watch the list already`);
    }
    const watcher: Watcher = { response, seen: "", saidMs: performance.now() };
    this.#watchers.add(watcher);
    response.once("close", () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#newest = null;
    });
    response.writeHead(200, { ...HEADERS, ...EVENT_HEADERS, "x-accel-buffering": "no" });
    response.flushHeaders();
    if (this.#newest !== null) this.#tell(watcher, this.#newest, watcher.saidMs);
    else if (!this.#isTurning) void this.#turn();
  }

  async #turn(): Promise<void> {
    const beganMs = performance.now();
    clearTimeout(this.#timer);
    this.#isTurning = true;
    try {
      const told = toldOf(await this.#parts.list());
      for (const watcher of this.#watchers) this.#tell(watcher, told, beganMs);
      this.#newest = this.#watchers.size > 0 ? told : null;
    } catch (error) {
      this.#parts.log("warn", "feed.error", { error: String(error) });
    }
    this.#isTurning = false;
    if (!this.#parts.isOpen()) for (const { response } of this.#watchers) response.end();
    if (this.#watchers.size === 0) return;
    const restMs = Math.max(this.#parts.limits.feedMs, (performance.now() - beganMs) * REST_FACTOR);
    this.#timer = setTimeout(() => void this.#turn(), restMs);
  }

  /** Passes over who has not taken what it was told last: the next list is newer. */
  #tell(watcher: Watcher, { state, event }: Told, nowMs: number): void {
    const { response } = watcher;
    if (response.writableNeedDrain) return;
    if (watcher.seen !== state) response.write(event);
    else if (nowMs - watcher.saidMs >= SILENT_MS) response.write(NO_EVENT);
    else return;
    watcher.seen = state;
    watcher.saidMs = nowMs;
  }
}

function toldOf(rows: readonly PipeRow[]): Told {
  return {
    state: JSON.stringify(rows.map((row) => ({ ...row, oldestAgeS: 0 }))),
    event: dataOf(JSON.stringify(rows)),
  };
}
