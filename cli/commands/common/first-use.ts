/** Chooses where the satellite shall live, brings it there and remembers it. */
import type { Ask, Talk, Wishes } from "../../../deploy/provider.ts";
import { choose, confirm, secret, text } from "../../terminal/prompt.ts";
import { hasTerminal } from "../../terminal/stdin.ts";
import type { Teller } from "../../terminal/teller.ts";
import { loadProvider, providerNames } from "./providers.ts";
import { remember } from "./remembered.ts";

const terminal: Ask = { choose, confirm, text, secret };

/** Questions go to the terminal, if there is one and they are wanted; what is told goes to stderr. */
export function talkOn(teller: Teller, wishes: Wishes = {}): Talk {
  return {
    ask: wishes.yes === true || !hasTerminal() ? null : terminal,
    tell: (_step, told) => teller.note(told),
    wishes,
  };
}

/** The provider's name. */
export async function chooseAndDeploy(talk: Talk): Promise<string> {
  const providers = await Promise.all(providerNames.map(loadProvider));
  const name = await choose(
    "skypipe needs a satellite to carry your bytes. Where should it live?",
    providers.map((provider) => ({ name: `${provider.name}: ${provider.title}`, value: provider.name })),
  );
  // The choice showed what it costs.
  await deployAndRemember(name, { ...talk, wishes: { ...talk.wishes, yes: true } });
  return name;
}

export async function deployAndRemember(name: string, talk: Talk): Promise<void> {
  const provider = await loadProvider(name);
  const credentials = await provider.credentials(talk);
  await provider.deploy(credentials, talk);
  remember({ provider: name });
}
