/** The satellite in the user's own Fly.io account, by Fly's Machines API. */
import { WireError } from "../../satellite/wire/errors.ts";
import { type Bundle, ownBundle } from "../bundle.ts";
import type { Credentials, Place, Provider, Talk, Tell } from "../provider.ts";
import { askCredentials, chooseOrg, orgsOf, type Surroundings, tokenOf, withApi } from "./account.ts";
import { type Clock, realClock } from "./clock.ts";
import { deploy, placeOf, statusOf, upgrade } from "./deploy.ts";
import { destroyAll } from "./destroy.ts";
import { isFailure } from "./failure.ts";
import { findMachine } from "./find.ts";
import { keepKeys } from "./keys.ts";
import type { Site } from "./site.ts";
import { normalizeToken, tokenIn } from "./token.ts";

export interface FlyOptions {
  /** Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default: that of this version. */
  readonly bundle?: Bundle;
  readonly clock?: Clock;
}

const silently: Tell = () => undefined;

export function flyProvider(options: FlyOptions = {}): Provider {
  const around: Surroundings = { env: options.env ?? process.env, clock: options.clock ?? realClock };
  const looking: Surroundings = { ...around, isLook: true };
  const bundle = (): Bundle => options.bundle ?? ownBundle();
  const find: Provider["find"] = (credentials) =>
    firstSite(credentials, looking, silently, async (site) => {
      const found = await findMachine(site);
      return found === null ? null : placeOf(site, found);
    });
  return {
    name: "fly",
    title: "your own Fly.io account, for all your computers; about $2 a month in use, little when idle",
    inEnvironment(env) {
      const token = normalizeToken(tokenIn(env)?.pasted ?? "");
      return token === null || token === "" ? null : { token };
    },
    credentials: (talk) => askCredentials(talk, around),
    find,
    deploy: (credentials, talk) =>
      chosenSite(credentials, around, talk, (site) => deploy(site, talk, bundle())),
    async upgrade(credentials, { tell }) {
      const place = await firstSite(credentials, around, tell, (site) => upgrade(site, bundle()));
      if (place !== null) return place;
      throw new WireError("not-found", "there is no satellite in your Fly account: run skypipe setup fly");
    },
    async destroy(credentials, { tell }) {
      const destroyed = await firstSite(
        credentials,
        around,
        tell,
        async (site) => (await destroyAll(site)) || null,
      );
      return destroyed ?? false;
    },
    status: (credentials) =>
      firstSite(credentials, looking, silently, async (site) => {
        const found = await findMachine(site);
        return found === null ? null : statusOf(site, found);
      }),
    async keepKeys(credentials, keys, before) {
      const kept = await firstSite(credentials, around, silently, async (site) => {
        const found = await findMachine(site);
        return found === null ? null : keepKeys(site, found, keys, before);
      });
      return kept ?? nowhere();
    },
    async reach(credentials, known) {
      const seek = async (): Promise<Place> => {
        const found = await find(credentials).catch((error: unknown) => {
          // That the satellite does not answer says more than that its provider does not.
          if (known !== null && isAway(error)) return known;
          throw error;
        });
        return found ?? nowhere();
      };
      return { ...(known ?? (await seek())), seek };
    },
  };
}

/** The API could not be asked. */
function isAway(error: unknown): boolean {
  return error instanceof WireError && error.code === "unreachable" && isFailure(error.cause);
}

function nowhere(): never {
  throw new WireError(
    "unreachable",
    "there is no satellite in your Fly account any more: bring one there with skypipe setup fly",
  );
}

/** The organization that was remembered, or else the first of the token's for which `use` gives something. */
async function firstSite<Answer>(
  credentials: Credentials,
  around: Surroundings,
  tell: Tell,
  use: (site: Site) => Promise<Answer | null>,
): Promise<Answer | null> {
  const token = tokenOf(credentials);
  const orgs = credentials["org"] === undefined ? await orgsOf(token, around) : [credentials["org"]];
  return withApi(token, around, async (api) => {
    for (const org of orgs) {
      const answer = await use({ api, org, env: around.env, tell });
      if (answer !== null) return answer;
    }
    return null;
  });
}

/** The organization that was remembered, wished for, or is chosen now. */
async function chosenSite<Answer>(
  credentials: Credentials,
  around: Surroundings,
  { ask, tell, wishes }: Talk,
  use: (site: Site) => Promise<Answer>,
): Promise<Answer> {
  const token = tokenOf(credentials);
  const org = credentials["org"] ?? (await chooseOrg(await orgsOf(token, around), ask, wishes));
  return withApi(token, around, (api) => use({ api, org, env: around.env, tell }));
}
