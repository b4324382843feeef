/** Who a token belongs to: the organizations in which it may do what a satellite needs. */
import { WireError } from "../../satellite/wire/errors.ts";
import type { Ask, Credentials, Talk, Wishes } from "../provider.ts";
import { FlyApi } from "./api.ts";
import type { Clock } from "./clock.ts";
import { explained } from "./explain.ts";
import { Redactor } from "./redact.ts";
import { listOf, type TokenInfo } from "./shapes.ts";
import { normalizeToken, tokenIn } from "./token.ts";

const MAKE_ONE = "make one with fly tokens create org";

/** A slug as Fly makes them; it becomes part of a path. */
const SLUG = /^[a-z0-9][a-z0-9-]{0,99}$/i;

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** As in `ApiOptions`. */
  readonly isLook?: boolean;
}

/** Runs `use` with the API opened for a token. */
export async function withApi<Answer>(
  token: string,
  { env, clock, isLook = false }: Surroundings,
  use: (api: FlyApi) => Promise<Answer>,
): Promise<Answer> {
  const api = new FlyApi({ token, env, clock, redactor: new Redactor(), isLook });
  try {
    return await use(api);
  } finally {
    await api.close();
  }
}

/** The token that was remembered or is in the environment. Throws WireError `unauthorized` for one that can't be one. */
export function tokenOf(credentials: Credentials): string {
  const token = normalizeToken(credentials["token"] ?? "");
  if (token === null || token === "") {
    throw new WireError(
      "unauthorized",
      `what is remembered of Fly holds no token: ${MAKE_ONE}, and give it to skypipe setup fly`,
    );
  }
  return token;
}

/** From the environment, or asked for; valid, and with the organization chosen. */
export async function askCredentials({ ask, wishes }: Talk, around: Surroundings): Promise<Credentials> {
  const found = tokenIn(around.env);
  if (found === null) {
    if (ask !== null) return typedIn(ask, wishes, around);
    throw new WireError(
      "usage",
      `no Fly token is known: ${MAKE_ONE}, and set FLY_API_TOKEN to it, or run skypipe setup fly on a terminal`,
    );
  }
  const token = normalizeToken(found.pasted);
  if (token === null || token === "") {
    throw new WireError("usage", `${found.variable} holds no Fly token: ${MAKE_ONE}, and set it to that`);
  }
  return { token, org: await chooseOrg(await orgsOf(token, around), ask, wishes) };
}

async function typedIn(ask: Ask, wishes: Wishes, around: Surroundings): Promise<Credentials> {
  let orgs: readonly string[] = [];
  const pasted = await ask.secret(`Fly token (${MAKE_ONE}; it is not shown)`, async (answer) => {
    const token = normalizeToken(answer);
    if (token === null || token === "")
      return "That is no token of Fly: it begins with FlyV1, and is one long line.";
    try {
      orgs = await orgsOf(token, around);
      return null;
    } catch (error) {
      // Only what another token would mend is asked for again.
      if (error instanceof WireError && ["unauthorized", "forbidden"].includes(error.code))
        return error.message;
      throw error;
    }
  });
  return { token: normalizeToken(pasted) ?? "", org: await chooseOrg(orgs, ask, wishes) };
}

/** The organizations of a token, asked of Fly. Throws WireError with the reason why it is no good. */
export async function orgsOf(token: string, around: Surroundings): Promise<readonly string[]> {
  return withApi(token, around, async (api) => {
    const answer = await api.get("/tokens/current").catch((error: unknown) => {
      throw explained(error, { doing: "look at the token", host: api.host });
    });
    const infos = listOf<TokenInfo>((answer as { tokens?: unknown } | null)?.tokens);
    return orgsIn(infos);
  });
}

function orgsIn(infos: readonly TokenInfo[]): readonly string[] {
  const free = infos.filter((info) => (info.apps ?? []).length === 0 && !info.restricted_to_machine);
  const slugs = free.map((info) => info.org_slug ?? "").filter((slug) => SLUG.test(slug));
  if (slugs.length > 0) return [...new Set(slugs)].toSorted();
  const scoped = infos.find((info) => (info.apps ?? []).length > 0);
  if (scoped !== undefined) {
    throw new WireError(
      "forbidden",
      `the Fly token is for the app ${scoped.apps?.[0] ?? ""} alone and can't make a satellite: ${MAKE_ONE}`,
    );
  }
  if (infos.some((info) => info.restricted_to_machine)) {
    throw new WireError(
      "forbidden",
      `the Fly token is for one machine alone and can't make a satellite: ${MAKE_ONE}`,
    );
  }
  throw new WireError("forbidden", `the Fly token is for no organization: ${MAKE_ONE}`);
}

export async function chooseOrg(orgs: readonly string[], ask: Ask | null, { org }: Wishes): Promise<string> {
  const [only] = orgs;
  if (org !== undefined) {
    if (orgs.includes(org)) return org;
    // Fly takes this name for the organization that everybody has, and never gives it back.
    if (org === "personal" && orgs.length === 1 && only !== undefined) return only;
    throw new WireError(
      "forbidden",
      `the Fly token is not for the organization ${org}, but for ${orgs.join(", ")}`,
    );
  }
  if (orgs.length === 1 && only !== undefined) return only;
  if (ask === null) {
    throw new WireError(
      "usage",
      `the Fly token is for several organizations: say which with --org, one of ${orgs.join(", ")}`,
    );
  }
  return ask.choose(
    "Which organization of Fly shall the satellite belong to?",
    orgs.map((slug) => ({ name: slug, value: slug })),
  );
}
