import type { PipeRow } from "../wire/messages.ts";
import type { Rights } from "../wire/rights.ts";
import { ask, type Place } from "./inner-end.ts";

/** All pipes; with `passed`, also how much came into each. Rejects with what the broker answers instead. */
export async function listPipes(place: Place, rights: Rights, passed = false): Promise<PipeRow[]> {
  const rows: PipeRow[] = [];
  return ask(place, rights, { type: "list", ref: 1, passed }, (message) => {
    if (message.type !== "listed") return undefined;
    rows.push(...message.pipes);
    return message.last ? rows : undefined;
  });
}
