/** Chooses where the satellite shall live, brings it there and remembers it. */
import type { Ask, Credentials, Place, Provider, Talk, Wishes } from "../../../deploy/provider.ts";
import { WireError } from "../../../satellite/wire/errors.ts";
import { choose, confirm, secret, text } from "../../terminal/prompt.ts";
import { hasTerminal } from "../../terminal/stdin.ts";
import type { Teller } from "../../terminal/teller.ts";
import { checkPassphrase, keysFor } from "./account-keys.ts";
import { loadProvider, providerNames } from "./providers.ts";
import { type Remembered, recall, remember } from "./remembered.ts";

const terminal: Ask = { choose, confirm, text, secret };

/** Questions go to the terminal, if there is one and they are wanted; what is told goes to stderr. */
export function talkOn(teller: Teller, wishes: Wishes = {}): Talk {
  return {
    ask: wishes.yes === true || !hasTerminal() ? null : terminal,
    tell: (_step, told) => teller.note(told),
    wishes,
  };
}

export interface Naming {
  /** What it is remembered as. Default: what its provider calls it. */
  readonly name?: string | undefined;
  /** Whether it is used where none is named. Default: unless it was given a name of its own. */
  readonly isDefault?: boolean | undefined;
}

export async function chooseAndDeploy(talk: Talk, naming: Naming = {}): Promise<Remembered> {
  const providers = await Promise.all(providerNames.map(loadProvider));
  const name = await choose(
    "skypipe needs a satellite to carry your bytes. Where should it live?",
    providers.map((provider) => ({ name: `${provider.name}: ${provider.title}`, value: provider.name })),
  );
  // The choice showed what it costs.
  return deployAndRemember(name, { ...talk, wishes: { ...talk.wishes, yes: true } }, naming);
}

/** Done again, it sees that the satellite is there and healthy. */
export async function deployAndRemember(
  where: string,
  talk: Talk,
  { name, isDefault = name === undefined }: Naming = {},
): Promise<Remembered> {
  const provider = await loadProvider(where);
  checkPassphrase(talk);
  const { credentials, deployed } = await deployWith(provider, knownAs(provider, name), talk);
  const { keys: kept, ...place } = deployed;
  const found = kept === undefined ? place : { ...place, keys: kept };
  // Another command may have set it up meanwhile, and have sealed with its key.
  const known = knownAs(provider, name)?.keys ?? null;
  const keys = await keysFor(provider, credentials, { place: found, known, talk });
  const satellite = { provider: where, credentials, place, keys };
  const remembered = { name: name ?? freeName(provider, satellite), ...satellite };
  remember(remembered, isDefault);
  return remembered;
}

/** What is remembered under that name. Throws WireError `usage` if that is another provider's. */
function knownAs(provider: Provider, name = provider.name): Remembered | null {
  const known = recall().satellites.find((each) => each.name === name) ?? null;
  if (known === null || known.provider === provider.name) return known;
  throw new WireError(
    "usage",
    `a satellite called '${name}' is remembered already (${known.provider}): choose another --name, or run ` +
      `skypipe reset --satellite ${name} first`,
  );
}

interface Deployed {
  readonly credentials: Credentials;
  readonly deployed: Place;
}

/** With the credentials that are remembered, while they are good and no others are meant. */
async function deployWith(provider: Provider, known: Remembered | null, talk: Talk): Promise<Deployed> {
  if (known !== null && !areOthersMeant(provider, known, talk)) {
    try {
      return {
        credentials: known.credentials,
        deployed: await provider.deploy(known.credentials, talk),
      };
    } catch (error) {
      const isRefused = error instanceof WireError && error.code === "unauthorized";
      if (!isRefused || talk.ask === null) throw error;
      talk.tell("credentials", error.message);
    }
  }
  const credentials = await provider.credentials(talk);
  return { credentials, deployed: await provider.deploy(credentials, talk) };
}

function areOthersMeant(provider: Provider, known: Remembered, { wishes: { host, org } }: Talk): boolean {
  if (host !== undefined || provider.inEnvironment(process.env) !== null) return true;
  return org !== undefined && org !== known.credentials["org"];
}

/** The provider's name for it, with a number where another satellite has it. */
function freeName(provider: Provider, { credentials, place }: Omit<Remembered, "name" | "keys">): string {
  const base = provider.nickname?.(credentials) ?? provider.name;
  const { satellites } = recall();
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base}-${number}`;
    const other = satellites.find((each) => each.name === name);
    if (other === undefined) return name;
    if (other.provider === provider.name && (other.place === null || other.place.url === place?.url)) {
      return name;
    }
  }
}
