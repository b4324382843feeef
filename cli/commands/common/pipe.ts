/** Connects a verb to the satellite of its pipe: by a link that was given or joined, else to the own one. */
import { WireError } from "../../../satellite/wire/errors.ts";
import type { Guarded } from "../../../satellite/wire/rights.ts";
import type { Satellite } from "../../client/connect.ts";
import type { Teller } from "../../terminal/teller.ts";
import { openSatellite, openTarget } from "./connection.ts";
import { addressOf, type KnownLink, linkFor } from "./links.ts";
import { pipeCalled } from "./pipe-name.ts";

export interface OpenPipe {
  readonly satellite: Satellite;
  /** What the pipe is called there. */
  readonly pipe: string;
}

/**
 * @param request what shall be done with the pipe
 * @param chosen what `--satellite` says
 * @throws as `openSatellite`; WireError `forbidden` where the link does not allow it
 */
export async function openPipe(
  teller: Teller,
  name: string,
  request: Guarded,
  chosen: string | undefined,
): Promise<OpenPipe> {
  const link = chosen === undefined ? await linkFor(name, request) : null;
  if (link === null) return { satellite: await openSatellite(teller, chosen), pipe: name };
  return { satellite: await openLink(teller, link, name), pipe: link.claims.pipe };
}

/** Throws WireError `unauthorized` with what its holder can do, where the link is not good any more. */
export async function openLink(teller: Teller, link: KnownLink, name: string): Promise<Satellite> {
  try {
    return await openTarget(teller, addressOf(link));
  } catch (cause) {
    if (!(cause instanceof WireError) || cause.code !== "unauthorized") throw cause;
    throw new WireError(
      "unauthorized",
      `the link to ${pipeCalled(name)} is not good any more: it has expired, was revoked, or was for one use; ` +
        "ask for a new one, and give it to skypipe join",
      { cause },
    );
  }
}
