/** Finds an organization's satellite from nothing but a token: by its name, and where that fails by looking around. */
import { isFailure } from "./failure.ts";
import { appNames, isAppName, MACHINE_NAME, METADATA } from "./names.ts";
import { type App, listOf, type Machine, type MachineConfig } from "./shapes.ts";
import { onceKnown, type Site, trying } from "./site.ts";

export interface Found {
  readonly app: string;
  readonly machine: Machine;
}

/** The satellite's machine, whatever state it is in; `null` if there is none. */
export async function findMachine(site: Site): Promise<Found | null> {
  return trying(site, "look for the satellite", async () => {
    const [usual = ""] = appNames(site.org);
    const machine = await machineOf(site, usual);
    if (machine !== null) return { app: usual, machine };
    for (const app of await ownApps(site)) {
      const other = app === usual ? null : await machineOf(site, app);
      if (other !== null) return { app, machine: other };
    }
    return null;
  });
}

/** The apps of this organization that skypipe may have made. */
export async function ownApps({ api, org }: Site): Promise<readonly string[]> {
  const answer = await api.get("/apps", { org_slug: org });
  const apps = listOf<App>((answer as { apps?: unknown } | null)?.apps);
  return apps
    .map(({ name }) => name ?? "")
    .filter(isAppName)
    .toSorted();
}

/** Of an app that may not exist, or be somebody else's. */
async function machineOf(site: Site, app: string): Promise<Machine | null> {
  try {
    const machine = satelliteIn(await machinesOf(site, app));
    return machine === null || machine.config ? machine : await whole(site, app, machine);
  } catch (error) {
    if (isFailure(error, 403, 404)) return null;
    throw error;
  }
}

/** A list may leave out what a machine is asked for itself. */
async function whole({ api }: Site, app: string, machine: Machine): Promise<Machine> {
  const answer = (await api.get(`/apps/${app}/machines/${machine.id}`)) as Machine | null;
  return answer ?? machine;
}

/** Of an app that exists. */
export async function knownMachine(site: Site, app: string): Promise<Machine | null> {
  return satelliteIn(await onceKnown(site, () => machinesOf(site, app)));
}

/** Without those that are gone. */
export async function machinesOf({ api }: Site, app: string): Promise<Machine[]> {
  const machines = listOf<Machine>(await api.get(`/apps/${app}/machines`));
  return machines.filter(
    ({ id, state }) => typeof id === "string" && !["destroyed", "destroying"].includes(state ?? ""),
  );
}

function satelliteIn(machines: readonly Machine[]): Machine | null {
  return machines.find(isSatellite) ?? null;
}

/** By its metadata; by its name, where the host can't be asked or an older version did not finish. */
export function isSatellite(machine: Machine): boolean {
  return configOf(machine).metadata?.[METADATA.role] !== undefined || machine.name === MACHINE_NAME;
}

/** As far as it is known. */
export function configOf(machine: Machine): MachineConfig {
  return machine.config ?? machine.incomplete_config ?? {};
}
