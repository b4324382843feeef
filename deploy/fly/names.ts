/** What things are called at Fly, the same from every computer, so that they are found again. */
import { createHash } from "node:crypto";
import { WireError } from "../../satellite/wire/errors.ts";

const APP_PREFIX = "skypipe-";
/** Names are shared by all of Fly: somebody else may have the first, not the first eight. */
const APP_NAMES_MAX = 8;

export const MACHINE_NAME = "satellite";
export const VOLUME_NAME = "skypipe";
/** `config.metadata` of a machine that skypipe has made. */
export const METADATA = {
  role: "skypipe",
  version: "skypipe_version",
  sha256: "skypipe_sha256",
  id: "skypipe_id",
  keys: "skypipe_keys",
} as const;

/** The names that an organization's satellite may have, in the order in which they are tried. */
export function appNames(org: string): readonly string[] {
  return Array.from({ length: APP_NAMES_MAX }, (_, attempt) => {
    const hash = createHash("sha256").update(`skypipe\n${org}\n${attempt}`).digest("hex");
    return `${APP_PREFIX}${hash.slice(0, 12)}`;
  });
}

export function isAppName(name: string): boolean {
  return name.startsWith(APP_PREFIX) && /^[a-z0-9-]{1,62}$/.test(name);
}

const EDGE = "https://{app}.fly.dev";

/** Where an app is reached. `SKYPIPE_FLY_EDGE` replaces the template. */
export function urlOf(app: string, env: NodeJS.ProcessEnv): string {
  const url = (env["SKYPIPE_FLY_EDGE"] || EDGE).replaceAll("{app}", app);
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new WireError("usage", `SKYPIPE_FLY_EDGE is no address: it is like ${EDGE}`);
  }
  return url.replace(/\/+$/, "");
}
