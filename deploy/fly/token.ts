/** Fly's tokens, as people paste them and as the API wants them. */

/** Which variables hold one, first come first served. */
const TOKEN_VARIABLES = ["FLY_ACCESS_TOKEN", "FLY_API_TOKEN"] as const;

/**
 * Without what people copy along with it: a scheme, quotes, the name of the variable, line ends. Empty if nothing is
 * left; `null` if it can't be one.
 */
export function normalizeToken(pasted: string): string | null {
  let text = pasted.trim();
  for (let before = ""; before !== text; ) {
    before = text;
    text = text
      .replace(/^export\s+/, "")
      .replace(/^FLY_(ACCESS|API)_TOKEN\s*=\s*/, "")
      .replace(/^authorization:\s*/i, "")
      .replace(/^(FlyV1|Bearer)(?=\s|$)/i, "")
      .replace(/^(["'`])(.*)\1$/s, "$2")
      .trim();
  }
  // A long token is wrapped by some terminals and mail programs.
  const token = text
    .replace(/\s+/g, "")
    .split(",")
    .filter((part) => part !== "")
    .join(",");
  return /^[!-~]*$/.test(token) && !/["'`<>]/.test(token) ? token : null;
}

/** The header's value for a token that is normal. */
export function authorization(token: string): string {
  const isMacaroon = token.split(",").some((part) => /^fm\d+[a-z]*_/.test(part));
  return `${isMacaroon ? "FlyV1" : "Bearer"} ${token}`;
}

/** The token of the environment and the variable that holds it; `null` if none does. */
export function tokenIn(env: NodeJS.ProcessEnv): { variable: string; pasted: string } | null {
  for (const variable of TOKEN_VARIABLES) {
    const pasted = env[variable];
    if (pasted !== undefined && pasted.trim() !== "") return { variable, pasted };
  }
  return null;
}
