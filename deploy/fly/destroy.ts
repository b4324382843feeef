/** Ends the satellite of an organization and all that belongs to it. */
import { WireError } from "../../satellite/wire/errors.ts";
import { ownerOf } from "./app.ts";
import { isFailure } from "./failure.ts";
import { isSatellite, machinesOf, ownApps } from "./find.ts";
import { appNames } from "./names.ts";
import { reason, type Site, trying } from "./site.ts";

const GONE_MS = 60_000;
const POLL_MS = 1_000;

/** Whether there was anything. An app that was left half-made counts. Machines, disks and addresses go with the app. */
export async function destroyAll(site: Site): Promise<boolean> {
  let wasThere = false;
  const names = appNames(site.org);
  for (const app of await trying(site, "look for the satellite", () => ownApps(site))) {
    const machines = await trying(site, "look at the app", () => machinesIn(site, app));
    const strangers = machines.filter((machine) => !isSatellite(machine));
    const isOurs = machines.length > strangers.length || names.includes(app);
    if (!isOurs) continue;
    if (strangers.length > 0) {
      throw new WireError(
        "forbidden",
        `the app ${app} also has machines that skypipe did not make (${strangers.map(({ id }) => id).join(", ")}): ` +
          `move them, or destroy it by hand with fly apps destroy ${app}`,
      );
    }
    await destroyApp(site, app);
    site.tell("destroy", `destroyed the app ${app}, with its machine, disk and addresses`);
    wasThere = true;
  }
  return wasThere;
}

async function machinesIn(site: Site, app: string): ReturnType<typeof machinesOf> {
  try {
    return await machinesOf(site, app);
  } catch (error) {
    if (isFailure(error, 404)) return [];
    throw error;
  }
}

async function destroyApp(site: Site, app: string): Promise<void> {
  const { api } = site;
  try {
    await api.delete(`/apps/${app}`, { query: { force: "true" } });
  } catch (error) {
    if (!isFailure(error, 404)) throw reason(site, `destroy the app ${app}`, error);
  }
  // It was accepted; what is not gone yet would be found again, and costs.
  const deadlineMs = api.clock.nowMs() + GONE_MS;
  while ((await trying(site, "see whether the app is gone", () => ownerOf(site, app))) === "us") {
    if (api.clock.nowMs() >= deadlineMs) {
      throw new WireError(
        "unreachable",
        `Fly has not destroyed the app ${app} yet: run skypipe reset again in a minute`,
      );
    }
    await api.clock.sleep(POLL_MS);
  }
}
