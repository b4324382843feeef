/** Brings a satellite to an organization, step by step; each step looks first, so that it goes on where it stopped. */
import { WireError } from "../../satellite/wire/errors.ts";
import { refuseToLose } from "../backlog.ts";
import type { Bundle } from "../bundle.ts";
import type { Place, PlaceStatus, Talk, Wishes } from "../provider.ts";
import { isLater } from "../version.ts";
import { ensureAddresses, ensureApp } from "./app.ts";
import { type Found, findMachine } from "./find.ts";
import { keysOf } from "./keys.ts";
import { ensureMachine } from "./machine.ts";
import { deployedOf } from "./machine-config.ts";
import { urlOf } from "./names.ts";
import { regionsToTry } from "./regions.ts";
import { reason, type Site } from "./site.ts";
import { costOf, parseMachineSize } from "./size.ts";
import { awaitHealthy, awaitStarted } from "./start.ts";
import { hostIsAway, putBundle } from "./upgrade.ts";
import { removeSpareVolumes } from "./volume.ts";

export async function deploy(site: Site, talk: Talk, bundle: Bundle): Promise<Place> {
  const { wishes } = talk;
  const guest = parseMachineSize(wishes.size);
  const found = await findMachine(site);
  if (found !== null) {
    site.tell("found", `the satellite of ${site.org} is there: ${describe(found)}`);
    if (wishes.region !== undefined || wishes.size !== undefined || wishes.volume === false)
      tellFixed(site, wishes);
    await ensureAddresses(site, found.app);
    return finish(site, found, bundle);
  }
  const hasVolume = wishes.volume !== false;
  const regions = await regionsToTry(site.api, wishes.region);
  await accept(costOf(guest, hasVolume), talk);
  if (!hasVolume)
    site.tell("volume", "without a disk, a restart of the machine loses what waits in the pipes");
  const app = await ensureApp(site);
  await ensureAddresses(site, app);
  const machine = await ensureMachine(site, { app, bundle, guest, hasVolume, regions });
  return finish(site, { app, machine }, bundle);
}

/** From a machine that is there to a satellite that is well. */
async function finish(site: Site, found: Found, bundle: Bundle): Promise<Place> {
  if (!found.machine.config) throw hostIsAway(found.machine);
  try {
    await removeSpareVolumes(site, found.app, found.machine);
  } catch (error) {
    throw reason(site, "look after the satellite's disk", error);
  }
  const { token, sha256, version } = deployedOf(found.machine);
  if (token === "") return repair(site, found, bundle);
  site.api.redactor.add(token);
  try {
    await awaitWell(site, found);
  } catch (error) {
    // What does not start may be an older version's half-made satellite; this version's own is not made better by itself.
    if (sha256 === bundle.sha256 || isLater(version, bundle.version)) throw error;
    return repair(site, found, bundle);
  }
  if (sha256 !== bundle.sha256) {
    const other =
      version === bundle.version ? "another build of this version" : `version ${version || "unknown"}`;
    site.tell("version", `it runs ${other}: skypipe upgrade puts this one there`);
  }
  return placeOf(site, found);
}

async function repair(site: Site, { app, machine }: Found, bundle: Bundle): Promise<Place> {
  site.tell("repair", "it is half-made: putting this version there");
  const repaired = { app, machine: await putBundle(site, { app, machine }, bundle) };
  await awaitWell(site, restarting(repaired));
  return placeOf(site, repaired);
}

async function awaitWell(site: Site, found: Found): Promise<void> {
  await awaitStarted(site, found);
  await awaitHealthy(site, found.app);
}

/** What an update answers may still show the state of before. */
function restarting({ app, machine }: Found): Found {
  return { app, machine: { ...machine, state: "" } };
}

/** `null`: there is none. */
export async function upgrade(site: Site, bundle: Bundle): Promise<Place | null> {
  const found = await findMachine(site);
  if (found === null) return null;
  if (!found.machine.config) throw hostIsAway(found.machine);
  await ensureAddresses(site, found.app);
  const { token, sha256, version, hasVolume } = deployedOf(found.machine);
  if (token === "") return repair(site, found, bundle);
  site.api.redactor.add(token);
  if (sha256 === bundle.sha256) {
    await awaitWell(site, found);
    site.tell("version", `the satellite runs ${bundle.version} already`);
    return placeOf(site, found);
  }
  if (!hasVolume) await refuseToLose(placeOf(site, found), "in your Fly account");
  const upgraded = { app: found.app, machine: await putBundle(site, found, bundle) };
  site.tell(
    "upgrade",
    `put ${bundle.version} in the place of ${version || "an unknown version"}; it starts again`,
  );
  await awaitWell(site, restarting(upgraded));
  return placeOf(site, found);
}

/** Throws WireError `unreachable` where the machine tells nothing of itself. */
export function placeOf(site: Site, { app, machine }: Found): Place {
  const { token } = deployedOf(machine);
  if (token === "" && !machine.config) throw hostIsAway(machine);
  const keys = keysOf(machine);
  return {
    url: urlOf(app, site.env),
    ...(token === "" ? {} : { token }),
    ...(keys === null ? {} : { keys }),
  };
}

export function statusOf(site: Site, found: Found): PlaceStatus {
  const { machine, app } = found;
  const { version, sha256 } = deployedOf(machine);
  const away =
    machine.host_status === undefined || machine.host_status === "ok" ? "" : ", its host can't be reached";
  return {
    place: placeOf(site, found),
    where: `app ${app} of ${site.org}`,
    state: site.api.redactor.clean(`${machine.state ?? "unknown"}${away}`),
    ...(machine.region === undefined ? {} : { region: machine.region }),
    ...(version === "" ? {} : { version }),
    ...(sha256 === "" ? {} : { bundle: sha256 }),
  };
}

function describe({ app, machine }: Found): string {
  return `app ${app} in ${machine.region ?? "an unknown region"}, ${machine.state ?? "in an unknown state"}`;
}

function tellFixed({ tell }: Site, { region, size }: Wishes): void {
  const flag = region !== undefined ? "--region" : size !== undefined ? "--size" : "--no-volume";
  tell(
    "found",
    `${flag} is for a new one and changes nothing here: skypipe reset first, and what it holds is lost`,
  );
}

/** The cost is told; it is accepted by `--yes`, or by the person who is asked. */
async function accept(cost: string, { ask, tell, wishes }: Talk): Promise<void> {
  if (wishes.yes === true) {
    tell("cost", `at Fly ${cost}`);
    return;
  }
  if (ask === null) {
    throw new WireError(
      "usage",
      `at Fly ${cost}: accept that with --yes, for example skypipe setup fly --yes`,
    );
  }
  if (await ask.confirm(`At Fly ${cost}. Go on?`, true)) return;
  throw new WireError("usage", "the cost was not accepted, so nothing was set up");
}
