/** What a satellite holds, where that decides whether it may be replaced. */
import { connect } from "../cli/client/connect.ts";
import { WireError } from "../satellite/wire/errors.ts";
import type { Status } from "../satellite/wire/messages.ts";
import type { Place } from "./provider.ts";

/** Throws WireError `usage` where a satellite that keeps all in memory holds something. `whose`: `of this computer`. */
export async function refuseToLose(place: Place, whose: string): Promise<void> {
  const { streams } = await inspect(place);
  if (streams === 0) return;
  throw new WireError(
    "usage",
    `the satellite ${whose} holds ${streams === 1 ? "1 stream" : `${streams} streams`} in memory, and an upgrade would ` +
      "lose that: read it, or drop it with skypipe rm, and then upgrade",
  );
}

export async function inspect(place: Place): Promise<Status> {
  const satellite = await connect({ url: place.url, token: place.token ?? "" });
  try {
    return await satellite.inspect();
  } finally {
    await satellite.close();
  }
}
