/** One organization at Fly, in which a satellite is looked for and kept. */
import type { Tell } from "../provider.ts";
import type { FlyApi } from "./api.ts";
import { explained } from "./explain.ts";
import { isFailure } from "./failure.ts";

export interface Site {
  readonly api: FlyApi;
  readonly org: string;
  readonly env: NodeJS.ProcessEnv;
  readonly tell: Tell;
}

/** What was just made is not known everywhere at once. */
const PROPAGATION_MS = 30_000;
const LOOK_AGAIN_MS = 1_000;

/** What was thrown while `doing`, as an error for people. */
export function reason({ api, org }: Site, doing: string, error: unknown): Error {
  return explained(error, { doing, host: api.host, org });
}

/** Runs a request and says of its failure what it means to people. */
export async function trying<Answer>(
  site: Site,
  doing: string,
  request: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await request();
  } catch (error) {
    throw reason(site, doing, error);
  }
}

/** Repeats a request that is answered by 404, for as long as that may pass. */
export async function onceKnown<Answer>({ api }: Site, request: () => Promise<Answer>): Promise<Answer> {
  const deadlineMs = api.clock.nowMs() + PROPAGATION_MS;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (!isFailure(error, 404) || api.clock.nowMs() >= deadlineMs) throw error;
      await api.clock.sleep(LOOK_AGAIN_MS);
    }
  }
}

export interface Making<Thing> {
  /** What is there already; `null` if nothing is. */
  readonly look: () => Promise<Thing | null>;
  readonly make: () => Promise<Thing>;
  /** Whether a failure says that it is there after all: another computer was faster, or an answer was lost. */
  readonly isThere: (error: unknown) => boolean;
}

/** Makes a thing of which there shall be one, whoever else makes it, and whatever answers are lost. */
export async function makeOne<Thing>({ api }: Site, { look, make, isThere }: Making<Thing>): Promise<Thing> {
  const deadlineMs = api.clock.nowMs() + PROPAGATION_MS;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    try {
      return await make();
    } catch (error) {
      const mayBeThere = isThere(error) || (isFailure(error) && error.isUncertain);
      if (!mayBeThere || api.clock.nowMs() >= deadlineMs) throw error;
      await api.clock.sleep(LOOK_AGAIN_MS);
    }
  }
}
