/** Connects a verb to its satellite, and tells of the connection what a person must know. */
import { WireError } from "../../../satellite/wire/errors.ts";
import { connect, type Satellite } from "../../client/connect.ts";
import type { Teller } from "../../terminal/teller.ts";
import { loadProvider } from "./providers.ts";
import { findTarget, type Target } from "./target.ts";

/** DESIGN.md §5: how long the first connect is tried. */
const CONNECT_MS = 10_000;
/** A shorter loss is nobody's business. */
const LOST_MS = 2000;

/** Throws SkypipeError `unreachable`, `unauthorized`, …; Exit, where nothing is known or chosen. */
export async function openSatellite(teller: Teller, target?: Target): Promise<Satellite> {
  const satellite = await connectTo(target ?? (await findTarget(teller)));
  watchConnection(satellite, teller);
  return satellite;
}

async function connectTo(target: Target): Promise<Satellite> {
  if (target.url !== undefined) return connect({ url: target.url, connectTimeoutMs: CONNECT_MS });
  const provider = await loadProvider(target.where);
  const deadlineMs = performance.now() + CONNECT_MS;
  for (;;) {
    const reach = await provider.reach({}, null);
    try {
      return await connect({
        url: reach.url,
        token: reach.token ?? "", // SKYPIPE_TOKEN is for the satellite that SKYPIPE_SATELLITE names
        connectTimeoutMs: reach.attemptMs ?? CONNECT_MS,
      });
    } catch (error) {
      const isAway = error instanceof WireError && error.code === "unreachable";
      if (!isAway || performance.now() > deadlineMs) throw error;
    }
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
