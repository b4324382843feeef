/** `skypipe reset`: ends the satellite that setup made, with all that it holds, and forgets it. */
import type { Provider } from "../../deploy/provider.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import { connect } from "../client/connect.ts";
import { confirm } from "../terminal/prompt.ts";
import { hasTerminal } from "../terminal/stdin.ts";
import { Teller } from "../terminal/teller.ts";
import { formatBytes } from "../terminal/units.ts";
import { talkOn } from "./common/first-use.ts";
import { print } from "./common/print.ts";
import { loadProvider } from "./common/providers.ts";
import { forget, type Remembered } from "./common/remembered.ts";
import { knownTarget, rememberedTarget } from "./common/target.ts";

export interface ResetOptions {
  satellite?: string;
  /** Forget it, and leave it running. */
  forget?: boolean;
  yes?: boolean;
  quiet?: boolean;
  json?: boolean;
}

export async function reset(options: ResetOptions): Promise<number> {
  const teller = new Teller(options);
  const satellite = await toReset(options.satellite);
  if (satellite === null) {
    teller.note("no satellite was set up here, so there is nothing to reset");
    if (options.json === true) await print(`${JSON.stringify({ where: null, stopped: false })}\n`);
    return 0;
  }
  const { name, provider: where } = satellite;
  const stopped = options.forget === true ? false : await end(satellite, teller, options);
  if (stopped === null) {
    teller.note("nothing was changed");
    return 0;
  }
  forget(name);
  if (options.json === true) await print(`${JSON.stringify({ where, name, stopped })}\n`);
  teller.note(
    stopped ? `the satellite (${name}) has ended, and is forgotten` : `the satellite (${name}) is forgotten`,
  );
  return 0;
}

/** Only what a provider has brought to its place. */
async function toReset(chosen: string | undefined): Promise<Remembered | null> {
  const remembered = await rememberedTarget(chosen);
  if (remembered !== null) {
    if (chosen === undefined) refuseWhereAnotherIsUsed(remembered);
    return remembered;
  }
  const known = await knownTarget();
  return known === null || "url" in known ? null : known;
}

/** All other verbs are about the satellite that SKYPIPE_SATELLITE names, which is not the one that would end. */
function refuseWhereAnotherIsUsed({ name, provider }: Remembered): void {
  const { SKYPIPE_SATELLITE: used = "" } = process.env;
  if (used === "" || used === provider) return;
  throw new WireError(
    "usage",
    `SKYPIPE_SATELLITE names another satellite than the one that setup made (${name}): unset it, or say skypipe reset ` +
      `--satellite ${name}`,
  );
}

/** Whether there was one; `null`: it shall stay. */
async function end(satellite: Remembered, teller: Teller, options: ResetOptions): Promise<boolean | null> {
  const provider = await loadProvider(satellite.provider);
  try {
    if (options.yes !== true && !(await isConfirmed(provider, satellite))) return null;
    return await provider.destroy(satellite.credentials, talkOn(teller, { yes: true }));
  } catch (error) {
    if (!(error instanceof WireError) || error.code !== "unreachable") throw error;
    const message = `${error.message}; skypipe reset --forget leaves it as it is, and forgets it here`;
    throw new WireError(error.code, message, { cause: error });
  }
}

async function isConfirmed(provider: Provider, satellite: Remembered): Promise<boolean> {
  if (!hasTerminal()) {
    throw new WireError("usage", "reset asks first, and there is no terminal: say skypipe reset --yes");
  }
  const { name } = satellite;
  const called = name === provider.name ? name : `${name}, ${provider.name}`;
  return confirm(`End the satellite (${called})? ${await losses(provider, satellite)}`);
}

/** What is lost, in a sentence. */
async function losses(provider: Provider, { credentials }: Remembered): Promise<string> {
  const place = await provider.find(credentials);
  if (place === null) return "It is not running, so nothing is lost.";
  try {
    const reach = await provider.reach(credentials, place);
    const satellite = await connect({ url: reach.url, token: reach.token ?? "" });
    try {
      const { streams, usedBytes } = await satellite.inspect();
      if (streams === 0) return "It holds nothing.";
      return `What it holds is lost: ${formatBytes(usedBytes)} in ${streams === 1 ? "1 stream" : `${streams} streams`}.`;
    } finally {
      await satellite.close();
    }
  } catch {
    return "It does not answer; what it holds is lost.";
  }
}
