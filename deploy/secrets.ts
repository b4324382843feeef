/** The environment of programs that outlive the command, or lead to other hosts, without what is for the command alone. */

/** Secrets, and the choice of a satellite. */
const OWN = ["SKYPIPE_TOKEN", "SKYPIPE_KEY", "SKYPIPE_PASSPHRASE", "SKYPIPE_LINK", "SKYPIPE_SATELLITE"];
/** The variables that hold an account's token, by which a satellite is found. */
export const ACCOUNT_TOKENS: readonly string[] = ["FLY_ACCESS_TOKEN", "FLY_API_TOKEN"];

/** For somebody else's program: an account's token may be for a program that it runs, as by ProxyCommand. */
export function withoutOwnSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return without(env, OWN);
}

export function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return without(env, [...OWN, ...ACCOUNT_TOKENS]);
}

function without(env: NodeJS.ProcessEnv, names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));
}
