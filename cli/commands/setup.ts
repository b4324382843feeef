/** `skypipe setup [WHERE]`: brings a satellite to where it shall live, and remembers it. */
import type { Talk, Wishes } from "../../deploy/provider.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import { Teller } from "../terminal/teller.ts";
import { chooseAndDeploy, deployAndRemember, type Naming, talkOn } from "./common/first-use.ts";
import { print } from "./common/print.ts";
import { loadProvider, providerNames } from "./common/providers.ts";
import { type Remembered, recall, satelliteName } from "./common/remembered.ts";

export interface SetupOptions extends Omit<Wishes, "host"> {
  default?: boolean;
  quiet?: boolean;
  json?: boolean;
}

export async function setup(
  where: string | undefined,
  host: string | undefined,
  options: SetupOptions,
): Promise<number> {
  if (where !== undefined) await loadProvider(where);
  if (host !== undefined && where !== "ssh") {
    throw new WireError("usage", `${where} takes no host: that is for skypipe setup ssh me@example.com`);
  }
  const { satellites } = recall(); // settings that can't be understood are told of before anything is done
  const name = options.name === undefined ? undefined : satelliteName(options.name);
  const teller = new Teller(options);
  const talk = talkOn(teller, { ...options, ...(host !== undefined && { host }) });
  // To name one that is known is to say where it lives.
  const place = where ?? satellites.find((each) => each.name === name)?.provider;
  const naming: Naming = { name, isDefault: options.default };
  const satellite = await (place === undefined
    ? choosePlace(talk, naming)
    : deployAndRemember(place, talk, naming));
  if (options.json === true) {
    const { name: called, provider, place: at } = satellite;
    await print(`${JSON.stringify({ where: provider, name: called, url: at?.url ?? null })}\n`);
    return 0;
  }
  tell(teller, satellite);
  return 0;
}

function tell(teller: Teller, { name, provider }: Remembered): void {
  if (process.env.SKYPIPE_SATELLITE) {
    teller.note("SKYPIPE_SATELLITE is set, and goes before what setup remembers");
  }
  const isDefault = recall().byDefault?.name === name;
  const command = isDefault ? "skypipe" : `skypipe --satellite ${name}`;
  const called = name === provider ? name : `${name}, ${provider}`;
  teller.note(
    `the satellite is ready (${called}): try ${command} here, and echo hello | ${command} in another terminal`,
  );
}

async function choosePlace(talk: Talk, naming: Naming): Promise<Remembered> {
  if (talk.ask === null) {
    throw new WireError(
      "usage",
      `say where the satellite shall live (${providerNames.join(", ")}), for example skypipe setup local`,
    );
  }
  return chooseAndDeploy(talk, naming);
}
