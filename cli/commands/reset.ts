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
import { forget, recall } from "./common/remembered.ts";

export interface ResetOptions {
  yes?: boolean;
  quiet?: boolean;
  json?: boolean;
}

export async function reset(options: ResetOptions): Promise<number> {
  const teller = new Teller(options);
  const name = recall()?.provider ?? (process.env.SKYPIPE_SATELLITE === "local" ? "local" : null);
  if (name === null) {
    teller.note("no satellite was set up here, so there is nothing to reset");
    if (options.json === true) await print(`${JSON.stringify({ where: null, stopped: false })}\n`);
    return 0;
  }
  const provider = await loadProvider(name);
  if (options.yes !== true && !(await isConfirmed(provider))) {
    teller.note("nothing was changed");
    return 0;
  }
  const stopped = await provider.destroy({}, talkOn(teller, options));
  forget();
  if (options.json === true) await print(`${JSON.stringify({ where: name, stopped })}\n`);
  teller.note(
    stopped ? `the satellite (${name}) has ended, and is forgotten` : `the satellite (${name}) is forgotten`,
  );
  return 0;
}

async function isConfirmed(provider: Provider): Promise<boolean> {
  if (!hasTerminal()) {
    throw new WireError("usage", "reset asks first, and there is no terminal: say skypipe reset --yes");
  }
  return confirm(`End the satellite (${provider.name})? ${await losses(provider)}`);
}

/** What is lost, in a sentence. */
async function losses(provider: Provider): Promise<string> {
  const place = await provider.find({});
  if (place === null) return "It is not running, so nothing is lost.";
  const satellite = await connect({ url: place.url, token: place.token ?? "" });
  try {
    const { streams, usedBytes } = await satellite.inspect();
    if (streams === 0) return "It holds nothing.";
    return `What it holds is lost: ${formatBytes(usedBytes)} in ${streams === 1 ? "1 stream" : `${streams} streams`}.`;
  } finally {
    await satellite.close();
  }
}
