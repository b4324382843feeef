/** The machine: made once, wherever there is room, and waited for. */
import { WireError } from "../../satellite/wire/errors.ts";
import type { Bundle } from "../bundle.ts";
import { backOffMs } from "./clock.ts";
import { isFailure, isFull, isImageMissing, isMachineThere, isVolumeHostFull } from "./failure.ts";
import { knownMachine } from "./find.ts";
import { machineConfig, newToken } from "./machine-config.ts";
import { MACHINE_NAME } from "./names.ts";
import type { Guest, Machine, Volume } from "./shapes.ts";
import { makeOne, onceKnown, reason, type Site } from "./site.ts";
import { ensureVolume, isUnused, removeVolume } from "./volume.ts";

/** Registries have moments in which they know no image. */
const IMAGE_ATTEMPTS_MAX = 4;
const IMAGE_BASE_MS = 5_000;
const IMAGE_MAX_MS = 20_000;

export interface Plan {
  readonly app: string;
  readonly bundle: Bundle;
  readonly guest: Guest;
  readonly hasVolume: boolean;
  /** In the order in which they are tried. */
  readonly regions: readonly string[];
}

/** The satellite's machine, which is made with its volume in the first region that has room. */
export async function ensureMachine(site: Site, plan: Plan): Promise<Machine> {
  for (const region of plan.regions) {
    // Of hosts in one region, one with a volume may be full and another not.
    for (let attempt = 0; attempt < 2; attempt++) {
      const outcome = await placeIn(site, plan, region);
      if (typeof outcome === "object") return outcome;
      if (outcome === "region-full") break;
    }
    site.tell("region", `${region} has no room just now`);
  }
  const tried = plan.regions.join(", ");
  throw new WireError(
    "full",
    `Fly has no room for the satellite in ${tried} just now: try again later, or elsewhere, for example skypipe setup fly --region ${plan.regions.includes("fra") ? "iad" : "fra"}`,
  );
}

async function placeIn(
  site: Site,
  plan: Plan,
  region: string,
): Promise<Machine | "region-full" | "host-full"> {
  let volume: Volume | null = null;
  try {
    if (plan.hasVolume) volume = await ensureVolume(site, plan.app, region, plan.guest);
    return await createMachine(site, plan, volume?.region ?? region, volume);
  } catch (error) {
    // Whatever was refused: another computer may have made it meanwhile, and have taken the volume.
    const machine = await knownMachine(site, plan.app).catch(() => null);
    if (machine !== null) return machine;
    if (!isFailure(error) || !isFull(error)) throw reason(site, "make the satellite's machine", error);
    if (volume !== null && !isUnused(volume)) throw backlogIsStuck(volume);
    if (volume !== null) await removeVolume(site, plan.app, volume);
    return isVolumeHostFull(error) ? "host-full" : "region-full";
  }
}

function backlogIsStuck({ id, region }: Volume): WireError {
  return new WireError(
    "full",
    `the disk ${id} with what waited in the pipes is in ${region ?? "its region"}, where Fly has no room just now: try ` +
      "again later, or give that up with skypipe reset and set up elsewhere",
  );
}

async function createMachine(
  site: Site,
  { app, bundle, guest }: Plan,
  region: string,
  volume: Volume | null,
): Promise<Machine> {
  const config = machineConfig({ bundle, token: newToken(), guest, volume: volume?.id ?? null });
  for (const file of config.files ?? []) site.api.redactor.add(file.raw_value);
  return makeOne(site, {
    look: () => knownMachine(site, app),
    async make() {
      const body = { name: MACHINE_NAME, region, config };
      const made = await withImage(site, () =>
        onceKnown(site, () => site.api.post(`/apps/${app}/machines`, { body })),
      );
      site.tell("machine", `made a machine with ${guest.memory_mb ?? 0} MB in ${region}`);
      return made as Machine;
    },
    isThere: (error) => isFailure(error) && isMachineThere(error),
  });
}

async function withImage<Answer>({ api, tell }: Site, request: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await request();
    } catch (error) {
      if (!isFailure(error) || !isImageMissing(error) || attempt + 1 >= IMAGE_ATTEMPTS_MAX) throw error;
      tell("image", "Fly can't fetch the image of Node just now, trying again …");
      await api.clock.sleep(backOffMs(api.clock, attempt, IMAGE_BASE_MS, IMAGE_MAX_MS));
    }
  }
}
