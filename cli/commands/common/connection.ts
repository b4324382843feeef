/** Connects a verb to its satellite, and tells of the connection what a person must know. */
import type { Place, Reach } from "../../../deploy/provider.ts";
import { WireError } from "../../../satellite/wire/errors.ts";
import { connect, type Satellite } from "../../client/connect.ts";
import type { Teller } from "../../terminal/teller.ts";
import { loadProvider } from "./providers.ts";
import type { Remembered } from "./remembered.ts";
import { findTarget, type Target } from "./target.ts";

/** DESIGN.md §5: how long the first connect is tried. */
const CONNECT_MS = 10_000;
/** A shorter loss is nobody's business. */
const LOST_MS = 2000;
/** Between attempts to open the way again; it doubles up to the second figure. */
const MEND_MS_MIN = 200;
const MEND_MS_MAX = 10_000;

/**
 * @param chosen what `--satellite` says
 * @throws SkypipeError `unreachable`, `unauthorized`, …; Exit, where nothing is known or chosen
 */
export async function openSatellite(teller: Teller, chosen: string | undefined): Promise<Satellite> {
  return openTarget(teller, await findTarget(teller, chosen));
}

export async function openTarget(teller: Teller, target: Target): Promise<Satellite> {
  const { satellite, mend } = await connectTo(target);
  watchConnection(satellite, teller);
  if (mend !== undefined) new Mender(satellite, mend).watch();
  return satellite;
}

interface Connected {
  readonly satellite: Satellite;
  readonly mend?: (() => Promise<void>) | undefined;
}

async function connectTo(target: Target): Promise<Connected> {
  if ("url" in target) return { satellite: await connect({ ...target, connectTimeoutMs: CONNECT_MS }) };
  const provider = await loadProvider(target.provider);
  const deadlineMs = performance.now() + CONNECT_MS;
  for (let { place } = target; ; ) {
    const reach = await provider.reach(target.credentials, place);
    try {
      const satellite = await connect({
        url: reach.url,
        token: reach.token ?? "", // SKYPIPE_TOKEN is for the satellite that SKYPIPE_SATELLITE names
        key: process.env.SKYPIPE_KEY || (target.keys ?? ""),
        connectTimeoutMs: reach.attemptMs ?? CONNECT_MS,
      });
      return { satellite, mend: reach.mend };
    } catch (error) {
      const isAway = error instanceof WireError && error.code === "unreachable";
      const other = place === target.place && isStale(error) ? await sought(reach) : null;
      if (other !== null) {
        place = other;
        await remember({ ...target, place });
        continue;
      }
      if (isAway && reach.attemptMs !== undefined && performance.now() < deadlineMs) continue;
      throw isAway && reach.explain !== undefined ? await reach.explain(error) : error;
    }
  }
}

/** What is remembered may have been replaced: by a reset and a setup on another computer. */
function isStale(error: unknown): boolean {
  return error instanceof WireError && ["unreachable", "unauthorized"].includes(error.code);
}

/** Where it is by now; `null`: where it was. */
async function sought({ seek, url, token }: Reach): Promise<Place | null> {
  const place = seek === undefined ? null : await seek();
  return place === null || (place.url === url && place.token === token) ? null : place;
}

async function remember(satellite: Remembered): Promise<void> {
  const { renew } = await import("./remembered.ts");
  renew(satellite);
}

/** Opens the way to the satellite again and again while it is lost. */
class Mender {
  readonly #mend: () => Promise<void>;
  readonly #satellite: Satellite;
  #isLost = false;
  #isMending = false;

  constructor(satellite: Satellite, mend: () => Promise<void>) {
    this.#satellite = satellite;
    this.#mend = mend;
  }

  watch(): void {
    this.#satellite.on("disconnect", () => {
      this.#isLost = true;
      if (!this.#isMending) void this.#run();
    });
    this.#satellite.on("reconnect", () => {
      this.#isLost = false;
    });
  }

  async #run(): Promise<void> {
    this.#isMending = true;
    let pauseMs = MEND_MS_MIN;
    while (this.#isLost) {
      await this.#mend().catch(() => undefined); // the session says that it is lost, and for how long it may be
      await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())));
      pauseMs = Math.min(pauseMs * 2, MEND_MS_MAX);
    }
    this.#isMending = false;
  }
}

function watchConnection(satellite: Satellite, teller: Teller): void {
  let timer: NodeJS.Timeout | undefined;
  let isTold = false;
  satellite.on("disconnect", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      isTold = true;
      teller.note(`connection to ${satellite.address} lost, trying again …`);
    }, LOST_MS);
    timer.unref();
  });
  satellite.on("reconnect", () => {
    clearTimeout(timer);
    if (isTold) teller.note("connected again");
    isTold = false;
  });
}
