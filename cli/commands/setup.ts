/** `skypipe setup [WHERE]`: brings a satellite to where it shall live, and remembers it. */
import { WireError } from "../../satellite/wire/errors.ts";
import { hasTerminal } from "../terminal/stdin.ts";
import { Teller } from "../terminal/teller.ts";
import { chooseAndDeploy, deployAndRemember } from "./common/first-use.ts";
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
  const name = where ?? (await choosePlace(options));
  if (where !== undefined) await deployAndRemember(where);
  if (options.json === true) {
    await print(`${JSON.stringify({ where: name })}\n`);
    return 0;
  }
  const teller = new Teller(options);
  if (process.env.SKYPIPE_SATELLITE) {
    teller.note("SKYPIPE_SATELLITE is set, and goes before what setup remembers");
  }
  teller.note(
    `the satellite is ready (${name}): try skypipe here, and echo hello | skypipe in another terminal`,
  );
  return 0;
}

async function choosePlace(options: SetupOptions): Promise<string> {
  if (options.yes === true || !hasTerminal()) {
    throw new WireError(
      "usage",
      `say where the satellite shall live (${providerNames.join(", ")}), for example skypipe setup local`,
    );
  }
  return chooseAndDeploy();
}
