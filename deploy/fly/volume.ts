/** The disk for what waits: one, in the region of its machine. */
import { isFailure } from "./failure.ts";
import { configOf } from "./find.ts";
import { VOLUME_NAME } from "./names.ts";
import { type Guest, listOf, type Machine, type Volume } from "./shapes.ts";
import { makeOne, onceKnown, type Site } from "./site.ts";
import { VOLUME_GB } from "./size.ts";

/** Those that skypipe has made, oldest first, so that two computers that look choose the same one. */
async function volumesOf(site: Site, app: string): Promise<Volume[]> {
  const volumes = listOf<Volume>(await onceKnown(site, () => site.api.get(`/apps/${app}/volumes`)));
  return volumes
    .filter(({ name, state = "" }) => name === VOLUME_NAME && !state.includes("destroy"))
    .toSorted((a, b) => (age(a) < age(b) ? -1 : 1));
}

function age({ created_at = "", id }: Volume): string {
  return `${created_at} ${id}`;
}

/** It was never part of a machine that ran, so nothing is on it. */
export function isUnused({
  attached_machine_id: machine,
  blocks = 0,
  bytes_used: bytes = 0,
}: Volume): boolean {
  return !machine && blocks === 0 && bytes === 0;
}

/**
 * A volume for a machine: one that holds what a lost machine has left, wherever it is; else one of this region, which
 * is made if it is not there.
 */
export async function ensureVolume(site: Site, app: string, region: string, guest: Guest): Promise<Volume> {
  return makeOne(site, {
    async look() {
      const free = (await volumesOf(site, app)).filter((volume) => !volume.attached_machine_id);
      const used = free.find((volume) => !isUnused(volume));
      return used ?? free.find((volume) => volume.region === region) ?? null;
    },
    async make() {
      const body = { name: VOLUME_NAME, region, size_gb: VOLUME_GB, compute: guest };
      const volume = (await onceKnown(site, () => site.api.post(`/apps/${app}/volumes`, { body }))) as Volume;
      site.tell("volume", `made a disk of ${VOLUME_GB} GB in ${region}`);
      return volume;
    },
    isThere: () => false,
  });
}

export async function removeVolume({ api }: Site, app: string, volume: Volume): Promise<void> {
  try {
    await api.delete(`/apps/${app}/volumes/${volume.id}`);
  } catch (error) {
    if (!isFailure(error, 404)) throw error;
  }
}

/** Removes what was made on the way to this machine, or by another computer at the same time: it costs money. */
export async function removeSpareVolumes(site: Site, app: string, machine: Machine): Promise<void> {
  const mounted = (configOf(machine).mounts ?? []).map(({ volume }) => volume);
  for (const volume of await volumesOf(site, app)) {
    if (mounted.includes(volume.id) || volume.attached_machine_id === machine.id) continue;
    if (isUnused(volume)) await removeVolume(site, app, volume);
    else
      site.tell(
        "volume",
        `left the disk ${volume.id} alone: another machine has used it, and it costs money`,
      );
  }
}
