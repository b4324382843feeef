/** `skypipe setup [WHERE]`: brings a satellite to where it shall live, and remembers it. */
import type { Talk } from "../../deploy/provider.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import { Teller } from "../terminal/teller.ts";
import { chooseAndDeploy, deployAndRemember, talkOn } from "./common/first-use.ts";
import { print } from "./common/print.ts";
import { loadProvider, providerNames } from "./common/providers.ts";
import { recall } from "./common/remembered.ts";

export interface SetupOptions {
  yes?: boolean;
  quiet?: boolean;
  json?: boolean;
}

export async function setup(where: string | undefined, options: SetupOptions): Promise<number> {
  if (where !== undefined) await loadProvider(where);
  recall(); // settings that can't be understood are told of before anything is done
  const teller = new Teller(options);
  const talk = talkOn(teller, options);
  const name = where ?? (await choosePlace(talk));
  if (where !== undefined) await deployAndRemember(where, talk);
  if (options.json === true) {
    await print(`${JSON.stringify({ where: name })}\n`);
    return 0;
  }
  if (process.env.SKYPIPE_SATELLITE) {
    teller.note("SKYPIPE_SATELLITE is set, and goes before what setup remembers");
  }
  teller.note(
    `the satellite is ready (${name}): try skypipe here, and echo hello | skypipe in another terminal`,
  );
  return 0;
}

async function choosePlace(talk: Talk): Promise<string> {
  if (talk.ask === null) {
    throw new WireError(
      "usage",
      `say where the satellite shall live (${providerNames.join(", ")}), for example skypipe setup local`,
    );
  }
  return chooseAndDeploy(talk);
}
