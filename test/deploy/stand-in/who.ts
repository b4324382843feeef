/** Who asks, and what he may. */
import { Refusal } from "./refusal.ts";
import type { AppState, State, Token } from "./state.ts";

/** Throws Refusal 401. Macaroons come with the scheme FlyV1, other tokens with Bearer. */
export function tokenOf(state: State, authorization: string | undefined): Token {
  const [, scheme = "", text = ""] = /^(\S+) (\S+)$/.exec(authorization ?? "") ?? [];
  const token = state.tokens.get(text);
  const expected = /^fm\d/.test(text) ? "FlyV1" : "Bearer";
  if (token === undefined || token.isExpired === true || scheme !== expected) {
    throw new Refusal(401, "Authenticate: token validation error");
  }
  return token;
}

/** The real slug. Throws Refusal 403. */
export function orgFor(state: State, token: Token, slug: string): string {
  const org = [...state.organizations.values()].find(
    (each) =>
      token.orgs.includes(each.slug) && (each.slug === slug || (slug === "personal" && each.isPersonal)),
  );
  if (org === undefined) throw new Refusal(403, "unauthorized");
  return org.slug;
}

export function mayWrite(token: Token): void {
  if (token.isReadOnly === true) throw new Refusal(403, "unauthorized");
}

/** Throws Refusal 404 or 403. */
export function appFor(state: State, token: Token, name: string): AppState {
  if (state.foreignApps.has(name)) throw new Refusal(403, "unauthorized");
  const app = state.apps.get(name);
  if (app === undefined) throw new Refusal(404, "app not found");
  const isAllowed = token.orgs.includes(app.org) && (token.apps === undefined || token.apps.includes(name));
  if (!isAllowed) throw new Refusal(403, "unauthorized");
  return app;
}
