/** Tokens and regions. */
import { type Handler, ok } from "./call.ts";
import { randomId, regions } from "./state.ts";

export const currentToken: Handler = ({ token }) =>
  ok({
    tokens: token.orgs.map((slug) => ({
      token_id: randomId(),
      org_slug: slug,
      organization: slug,
      ...(token.apps === undefined ? {} : { apps: token.apps }),
    })),
  });

/** The vendor's own answer begins its keys with capitals. */
export const listRegions: Handler = () => ok({ Nearest: "fra", Regions: regions });
