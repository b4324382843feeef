/** Volumes. */
import { type Handler, ok } from "./call.ts";
import { Refusal } from "./refusal.ts";
import { randomId, regions, type VolumeState } from "./state.ts";
import { appFor, mayWrite } from "./who.ts";

let made = 0;

export const listVolumes: Handler = ({ token, state }, name = "") =>
  ok([...appFor(state, token, name).volumes.values()].map(shown));

export const createVolume: Handler = ({ token, state, body }, name = "") => {
  mayWrite(token);
  const app = appFor(state, token, name);
  const region = String(body["region"]);
  if (!regions.some(({ code }) => code === region)) throw new Refusal(422, `region ${region} not found`);
  if (state.fullRegions.has(region)) throw new Refusal(409, "aborted: no capacity");
  const volume: VolumeState = {
    id: `vol_${randomId(8)}`,
    name: String(body["name"]),
    region,
    size_gb: Number(body["size_gb"]),
    created_at: new Date(Date.now() + made++).toISOString(),
    attached_machine_id: null,
    blocks: 0,
  };
  app.volumes.set(volume.id, volume);
  return ok(shown(volume));
};

export const deleteVolume: Handler = ({ token, state }, name = "", id = "") => {
  mayWrite(token);
  const app = appFor(state, token, name);
  const volume = app.volumes.get(id);
  if (volume === undefined) throw new Refusal(404, "volume not found");
  if (volume.attached_machine_id !== null) throw new Refusal(412, "volume is attached to a machine");
  app.volumes.delete(id);
  return ok(shown(volume));
};

function shown(volume: VolumeState): unknown {
  return {
    ...volume,
    state: "created",
    zone: "84d3",
    encrypted: true,
    attached_alloc_id: null,
    block_size: volume.blocks === 0 ? 0 : 4096,
    blocks_free: volume.blocks,
    blocks_avail: volume.blocks,
    fstype: volume.blocks === 0 ? "" : "ext4",
    snapshot_retention: 5,
  };
}
