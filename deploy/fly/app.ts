/** The app: a name that is reached over the network, and its addresses. Both are free. */
import { WireError } from "../../satellite/wire/errors.ts";
import { type Failure, isFailure, isNameTaken, needsPayment } from "./failure.ts";
import { appNames } from "./names.ts";
import { type IpAssignment, listOf } from "./shapes.ts";
import { onceKnown, reason, type Site, trying } from "./site.ts";

/** A name can be refused and free: the answer to an earlier request was lost, or its app is just going away. */
const TAKEN_AND_FREE_ATTEMPTS_MAX = 5;
const TAKEN_AND_FREE_MS = 2_000;

/** The name of this organization's app, which is made if it is not there. */
export async function ensureApp(site: Site): Promise<string> {
  for (const name of appNames(site.org)) {
    if (await claim(site, name)) return name;
    site.tell("app", `the name ${name} is somebody else's: trying another one`);
  }
  throw new WireError(
    "internal",
    `all names that the satellite of ${site.org} may have are taken at Fly: make an organization for it, and say which with --org`,
  );
}

/** False: it is somebody else's. */
async function claim(site: Site, name: string): Promise<boolean> {
  const { api, org } = site;
  for (let attempt = 0; ; attempt++) {
    try {
      await api.post("/apps", { query: { wait: "true" }, body: { name, org_slug: org } });
      site.tell("app", `made the app ${name} in ${org}`);
      return true;
    } catch (error) {
      if (!isFailure(error) || !(error.isUncertain || isNameTaken(error)))
        throw reason(site, "make an app", error);
      const owner = await ownerOf(site, name);
      if (owner !== "nobody") return owner === "us";
      if (attempt >= TAKEN_AND_FREE_ATTEMPTS_MAX) throw reason(site, "make an app", error);
      await api.clock.sleep(TAKEN_AND_FREE_MS);
    }
  }
}

export async function ownerOf(site: Site, name: string): Promise<"us" | "others" | "nobody"> {
  try {
    await site.api.get(`/apps/${name}`);
    return "us";
  } catch (error) {
    if (isFailure(error, 403)) return "others";
    if (isFailure(error, 404)) return "nobody";
    throw error;
  }
}

const LOST_ATTEMPTS_MAX = 3;
const KINDS = ["v6", "shared_v4"] as const;
type Kind = (typeof KINDS)[number];

/** The two free addresses. An app without one runs and can't be reached. */
export async function ensureAddresses(site: Site, app: string): Promise<void> {
  await trying(site, "give the satellite an address", async () => {
    for (let attempt = 1; ; attempt++) {
      const lost = await assignMissing(site, `/apps/${app}/ip_assignments`);
      if (lost === null) return;
      if (attempt >= LOST_ATTEMPTS_MAX) throw lost;
    }
  });
}

/** A failure whose request may have been carried out: only a look tells. */
async function assignMissing(site: Site, path: string): Promise<Failure | null> {
  const answer = await onceKnown(site, () => site.api.get(path));
  const there = listOf<IpAssignment>((answer as { ips?: unknown } | null)?.ips);
  for (const type of KINDS) {
    if (there.some((assignment) => isOf(type, assignment))) continue;
    try {
      await site.api.post(path, { body: { type } });
      site.tell("addresses", type === "v6" ? "gave it an IPv6 address" : "gave it a shared IPv4 address");
    } catch (error) {
      if (!isFailure(error)) throw error;
      if (error.isUncertain) return error;
      if (![409, 422].includes(error.status) || needsPayment(error)) throw error; // else it is there already
    }
  }
  return null;
}

/** Nothing in the answer says which kind it is. */
function isOf(kind: Kind, { ip = "", shared, egress }: IpAssignment): boolean {
  if (egress === true || ip === "" || /^fdaa:/i.test(ip)) return false;
  return kind === "v6" ? ip.includes(":") : shared === true || !ip.includes(":");
}
