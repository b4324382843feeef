/** `skypipe share`: gives out, lists and ends the right to one pipe. */
import { WireError } from "../../satellite/wire/errors.ts";
import type { Right } from "../../satellite/wire/rights.ts";
import type { Satellite } from "../client/connect.ts";
import type { GivenShare } from "../client/types.ts";
import { Teller } from "../terminal/teller.ts";
import { openSatellite } from "./common/connection.ts";
import { about } from "./common/failure.ts";
import { rightCalled } from "./common/links.ts";
import { pipeCalled, pipeName, typed } from "./common/pipe-name.ts";
import { print } from "./common/print.ts";
import { dateCalled, endCalled, instant, rightOf } from "./common/share-words.ts";
import { table } from "./common/table.ts";

export interface ShareOptions {
  read?: boolean;
  write?: boolean;
  /** Milliseconds. */
  expires?: number;
  once?: boolean;
  list?: boolean;
  /** An id. */
  revoke?: string;
  satellite?: string;
  quiet?: boolean;
  json?: boolean;
}

export async function share(name: string | undefined, options: ShareOptions): Promise<number> {
  const { quiet = false, json = false } = options;
  const teller = new Teller({ quiet, json });
  const act = actOf(name, options);
  const satellite = await openSatellite(teller, options.satellite);
  try {
    await act(satellite, teller);
    return 0;
  } finally {
    await satellite.close();
  }
}

type Act = (satellite: Satellite, teller: Teller) => Promise<void>;

function actOf(name: string | undefined, options: ShareOptions): Act {
  const { list = false, revoke } = options;
  const right = rightOf(options);
  if (name === undefined && list && revoke === undefined && right === null) return listing(options);
  if (name === undefined && !list && revoke !== undefined && right === null) return revoking(revoke, options);
  if (name === undefined || list || revoke !== undefined) {
    throw new WireError(
      "usage",
      "say which pipe to share, for example skypipe share logs --read; or skypipe share --list, or --revoke ID",
    );
  }
  if (right === null) {
    throw new WireError(
      "usage",
      `say what the link shall be good for, for example skypipe share${typed(name)} --read; or --write, or both`,
    );
  }
  return giving(pipeName(name), right, options);
}

function giving(pipe: string, right: Right, options: ShareOptions): Act {
  return async (satellite, teller) => {
    const { expires, once = false } = options;
    const given = await satellite
      .share(pipe, { right, once, ...(expires !== undefined && { lifeMs: expires }) })
      .catch((error: unknown) => {
        throw about(pipe, error);
      });
    if (options.json === true) {
      const { id, link, expiresMs, lasting } = given;
      await print(
        `${JSON.stringify({ id, pipe, right, once, expiresAt: instant(expiresMs), lasting, link })}\n`,
      );
    } else await print(`${given.link}\n`);
    explain(teller, satellite, { pipe, right, once, given });
  };
}

interface Shared {
  readonly pipe: string;
  readonly right: Right;
  readonly once: boolean;
  readonly given: GivenShare;
}

/** What a link is, for whoever passes it on. */
function explain(teller: Teller, satellite: Satellite, { pipe, right, once, given }: Shared): void {
  const uses = once ? ", once" : "";
  teller.note(
    `whoever has this link may ${rightCalled({ right })} ${pipeCalled(pipe)}${uses}, ${endCalled(given.expiresMs)}; ` +
      `skypipe share --revoke ${given.id} ends it`,
  );
  if (!given.lasting) {
    teller.note("the satellite keeps nothing on disk (--data), so the link ends when the satellite does");
  }
  if (satellite.isLoopback) {
    teller.note(
      `the link leads to ${satellite.address}, which is this computer: for others, set SKYPIPE_SATELLITE to the address ` +
        "by which they reach the satellite, and share again",
    );
  }
}

function listing(options: ShareOptions): Act {
  return async (satellite, teller) => {
    const rows = (await satellite.shares()).toSorted((a, b) => a.createdMs - b.createdMs);
    if (options.json === true) {
      const facts = rows.map(({ id, pipe, right, createdMs, expiresMs, once = false, used = false }) => {
        const times = { createdAt: instant(createdMs), expiresAt: instant(expiresMs ?? null) };
        return { id, pipe, right, once, used, ...times };
      });
      await print(`${JSON.stringify(facts)}\n`);
    } else if (rows.length === 0) teller.note("nothing is shared");
    else {
      const cells = rows.map(({ id, pipe, right, createdMs, expiresMs = null, once, used }) => [
        id,
        pipe === "" ? "(default)" : pipe,
        right,
        used === true ? "used" : once === true ? "once" : "-",
        dateCalled(createdMs),
        expiresMs === null ? "-" : dateCalled(expiresMs),
      ]);
      await print(table(["ID", "PIPE", "RIGHT", "USE", "CREATED", "EXPIRES"], cells));
    }
  };
}

function revoking(id: string, options: ShareOptions): Act {
  return async (satellite, teller) => {
    await satellite.unshare(id);
    if (options.json === true) await print(`${JSON.stringify({ id, revoked: true })}\n`);
    teller.note(`revoked: the link ${id} is good for nothing any more`);
  };
}
